"""Running buttons: a second press starts nothing until the first one's requests have ended."""

import pytest

from misc.middlewares.running_buttons import RunningButtons
from services.requests.queue import RequestHandle
from tests.fakes import settle


class Presses:
    def __init__(self) -> None:
        self.handles: list[RequestHandle] = []
        self.requests = 1

    async def submit(self) -> RequestHandle:
        self.handles.append(RequestHandle(self.requests))
        return self.handles[-1]


async def test_a_press_is_taken_once_while_its_requests_run():
    buttons, presses = RunningButtons(), Presses()
    presses.requests = 2
    assert await buttons.run("a", presses.submit)
    assert not await buttons.run("a", presses.submit)
    presses.handles[0].one_ended()
    await settle()
    assert not await buttons.run("a", presses.submit)
    presses.handles[0].one_ended()
    await settle()
    assert await buttons.run("a", presses.submit)
    assert len(presses.handles) == 2


async def test_other_buttons_are_not_held_up():
    buttons, presses = RunningButtons(), Presses()
    assert await buttons.run((1, "a"), presses.submit)
    assert await buttons.run((1, "b"), presses.submit)
    assert await buttons.run((2, "a"), presses.submit)


async def test_a_second_press_during_the_submission_starts_nothing():
    buttons, presses = RunningButtons(), Presses()
    answers: list[bool] = []

    async def submit() -> RequestHandle:
        answers.append(await buttons.run("a", presses.submit))
        return RequestHandle(1)

    assert await buttons.run("a", submit)
    assert answers == [False]
    assert presses.handles == []


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
async def test_a_press_whose_submission_fails_can_be_repeated(error: type[BaseException]):
    buttons, presses = RunningButtons(), Presses()

    async def failing() -> RequestHandle:
        raise error

    with pytest.raises(error):
        await buttons.run("a", failing)
    assert await buttons.run("a", presses.submit)


async def test_a_press_that_another_process_has_taken_starts_nothing():
    buttons, presses = RunningButtons(), Presses()
    presses.requests = 0
    assert not await buttons.run("a", presses.submit)
    await settle()
    presses.requests = 1
    assert await buttons.run("a", presses.submit)
