"""Check what the simulated servers of a test receive and send against the contract."""

from simulator.telegram.api import Call
from simulator.telegram.world import Json
from tests.contract.bot_api import mistakes_in, mistakes_in_answer, mistakes_in_update

#: Without an answer, or when the body is too large, the server has not read the parameters.
_UNREAD = {0, 413}


class ContractWatcher:
    """Collects mistakes: those of the calls, and those of the answers and updates."""

    def __init__(self) -> None:
        self.in_calls: list[str] = []
        self.in_answers: list[str] = []

    def called(self, call: Call, answer: Json | None) -> None:
        """Check a call and its answer."""
        if call.status not in _UNREAD:
            self.in_calls += mistakes_in(call.method, call.params, call.uploads)
        if answer is not None:
            self.in_answers += mistakes_in_answer(call.method, answer)

    def delivered(self, update: Json) -> None:
        """Check an update that was sent to a webhook."""
        self.in_answers += mistakes_in_update(update)
