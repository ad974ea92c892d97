"""Buttons whose request is still running: a second press starts nothing."""

from collections.abc import Awaitable, Callable, Hashable, Mapping

from aiogram.types import CallbackQuery

from services.requests.queue import RequestHandle


class RunningButtons:
    """The presses whose requests have not ended."""

    def __init__(self) -> None:
        self._running: set[Hashable] = set()

    async def answer(
        self,
        query: CallbackQuery,
        submit: Callable[[], Awaitable[RequestHandle]],
        words: Mapping[str, str],
    ) -> bool:
        """Submit the requests of a press like `run`; say so if an earlier press still runs.

        `query` has a message; `words` are the texts of its chat.
        """
        assert query.message is not None
        press = query.message.chat.id, query.message.message_id, query.data
        is_new = await self.run(press, submit)
        await query.answer(None if is_new else words["already_running"])
        return is_new

    async def run(self, press: Hashable, submit: Callable[[], Awaitable[RequestHandle]]) -> bool:
        """Submit the requests of a press; return False if those of an earlier press still run.

        `press` identifies it, by message and callback data. Nothing is submitted either if another
        process of a fleet has taken the earlier press.
        """
        if press in self._running:
            return False
        self._running.add(press)
        try:
            handle = await submit()
        except BaseException:  # a cancelled handler too: the button must work again
            self._running.discard(press)
            raise
        handle.on_end(lambda: self._running.discard(press))
        return not handle.is_empty
