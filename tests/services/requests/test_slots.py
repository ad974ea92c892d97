"""Slots: never exceeded, first come first served, and none is lost by a cancellation."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from core.chat_queue import Lane
from services.requests.slots import Slots


def lane(chat_id: int) -> Lane:
    return Lane(chat_id, chat_id)


async def test_requests_are_served_in_order_and_each_has_a_place():
    slots = Slots(1)
    position: list[int] = []
    gate = asyncio.Event()

    async def use(chat: int) -> None:
        async with slots.one(lane(chat)):
            position.append(chat)
            await gate.wait()

    tasks = [asyncio.ensure_future(use(chat)) for chat in (1, 2, 3)]
    await asyncio.sleep(0)
    assert [slots.place_of(lane(chat)) for chat in (1, 2, 3)] == [None, 1, 2]
    assert slots.waiting == 2
    gate.set()
    await asyncio.gather(*tasks)
    assert position == [1, 2, 3]


async def test_closed_slots_cancel_waiting_and_new_requests_but_no_running_one():
    slots = Slots(1)
    gate = asyncio.Event()

    async def use(chat: int) -> str:
        async with slots.one(lane(chat)):
            await gate.wait()
            return "done"

    inside, waiting = (asyncio.ensure_future(use(chat)) for chat in (1, 2))
    await asyncio.sleep(0)
    slots.close()
    late = asyncio.ensure_future(use(3))
    gate.set()
    outcomes = await asyncio.gather(inside, waiting, late, return_exceptions=True)
    assert outcomes[0] == "done"
    assert [type(outcome) for outcome in outcomes[1:]] == [asyncio.CancelledError] * 2


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=60), st.integers(1, 3))
def test_no_slot_is_lost_whenever_a_request_is_cancelled(
    steps: list[tuple[int, bool]], number: int
):
    async def play() -> None:
        slots = Slots(number)
        inside = 0
        gates = {chat: asyncio.Event() for chat in range(8)}
        tasks: dict[int, asyncio.Future[None]] = {}

        async def use(chat: int) -> None:
            nonlocal inside
            async with slots.one(lane(chat)):
                inside += 1
                assert inside <= number
                try:
                    await gates[chat].wait()
                finally:
                    inside -= 1

        for chat, gives_up in steps:
            task = tasks.get(chat)
            if task is None or task.done():
                gates[chat].clear()
                tasks[chat] = asyncio.ensure_future(use(chat))
            elif gives_up:
                task.cancel()
            else:
                gates[chat].set()
            if gives_up:
                await asyncio.sleep(0)
        for gate in gates.values():
            gate.set()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        gates = {chat: asyncio.Event() for chat in range(8)}
        last = [asyncio.ensure_future(use(chat)) for chat in range(8)]
        await asyncio.sleep(0)
        # All slots are free again, and nobody waits who has gone.
        assert inside == number
        assert slots.place_of(lane(number)) == 1
        for gate in gates.values():
            gate.set()
        await asyncio.gather(*last)

    asyncio.run(play())


async def test_a_person_who_asks_in_many_chats_does_not_delay_others():
    slots = Slots(2)
    served: list[Lane] = []
    gates = {lane: asyncio.Event() for lane in [*(Lane(-n, 7) for n in range(4)), Lane(8, 8)]}

    async def use(lane: Lane) -> None:
        async with slots.one(lane):
            served.append(lane)
            await gates[lane].wait()

    tasks = [asyncio.ensure_future(use(lane)) for lane in gates]
    await asyncio.sleep(0)
    assert served == [Lane(0, 7), Lane(-1, 7)]
    gates[Lane(0, 7)].set()
    for _ in range(3):
        await asyncio.sleep(0)
    assert served[2:] == [Lane(8, 8)]  # the last to come, but without a slot
    for gate in gates.values():
        gate.set()
    await asyncio.gather(*tasks)
    assert served[3:] == [Lane(-2, 7), Lane(-3, 7)]
