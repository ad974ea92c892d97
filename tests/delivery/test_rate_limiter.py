"""Under the client everything that creates messages waits for its turn, and 429s are obeyed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import FSInputFile, InputMediaPhoto

from core.errors import FloodError
from delivery.client import PacePolicy, make_bot
from delivery.rate_limiter import (
    RateLimiter,
    caller_retries,
    is_bulk_send,
    on_send_start,
    only_if_spare,
)
from delivery.request_body import before_end
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.api import FaultRule
from simulator.telegram.limits import OVERALL, Limits


@pytest.fixture
async def stage(
    samples: SampleStore, authority: Authority, tmp_path: Path
) -> AsyncIterator[tuple[Simulator, Bot]]:
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    bot = make_bot(simulator.token, server=simulator.address, connections=200)
    yield simulator, bot
    await bot.session.close()
    await simulator.stop()


async def test_a_storm_ends_without_a_single_refusal(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    limits = simulator.api.limits = Limits()
    simulator.api.latency_s = 0.02
    for chat in range(1, 31):
        simulator.world.person(chat)
    simulator.world.group(-5)
    storm = [bot.send_message(chat % 30 + 1, "x") for chat in range(60)]
    storm += [bot.send_message(-5, "x") for _ in range(3)]
    await asyncio.gather(*storm)
    assert limits.refusals == 0
    assert len(simulator.api.calls_of("sendMessage")) == 63


async def test_the_simulators_limits_refuse_what_is_too_fast(stage: tuple[Simulator, Bot]):
    """Otherwise the storm above proves nothing."""
    simulator, _ = stage
    limits = simulator.api.limits = Limits()
    hasty = make_bot(
        simulator.token, server=simulator.address, connections=50, pace=PacePolicy(is_on=False)
    )
    simulator.world.person(1)
    caller_retries.set(True)
    outcomes = await asyncio.gather(
        *(hasty.send_message(1, "x") for _ in range(12)), return_exceptions=True
    )
    await hasty.session.close()
    assert limits.refusals > 0
    assert any(isinstance(outcome, FloodError) for outcome in outcomes)


@pytest.mark.parametrize("seconds", [1, 61])
async def test_a_pause_is_kept_once_if_it_is_short(stage: tuple[Simulator, Bot], seconds: int):
    simulator, bot = stage
    simulator.world.person(1)
    simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=seconds))
    if seconds > 60:
        with pytest.raises(FloodError):
            await bot.send_message(1, "x")
        return
    refused = asyncio.Event()

    async def note_refusal(make_request: Any, bot: Bot, method: TelegramMethod[Any]) -> Any:
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter:
            refused.set()
            raise

    bot.session.middleware(note_refusal)
    others = asyncio.create_task(bot.send_message(1, "first"))
    await refused.wait()
    await bot.send_message(1, "second")
    await others
    first, second, third = simulator.api.calls_of("sendMessage")
    assert first.status == 429
    assert min(second.at, third.at) - first.at >= 1


async def test_four_refusals_in_a_row_are_given_back(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=1, times=4))
    with pytest.raises(FloodError):
        await bot.send_message(1, "x")
    assert len(simulator.api.calls_of("sendMessage")) == 4
    await bot.send_message(1, "x")


async def test_a_call_that_is_cancelled_while_it_waits_does_not_affect_the_others(
    stage: tuple[Simulator, Bot],
):
    simulator, bot = stage
    simulator.world.person(1)
    tasks = [asyncio.create_task(bot.send_message(1, str(n))) for n in range(8)]
    await simulator.world.changed(60)
    tasks[6].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    texts = [m["text"] for m in simulator.world.chats[1].messages.values()]
    # Those that begin at once may arrive in any order.
    assert sorted(texts) == ["0", "1", "2", "3", "4", "5", "7"]


async def test_what_creates_nothing_never_waits(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    for _ in range(40):
        await bot.send_chat_action(1, "typing")
    assert len(simulator.api.calls_of("sendChatAction")) == 40


async def test_bulk_lets_answers_go_first(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    for chat in range(1, 90):
        simulator.world.person(chat)
    begun: list[str] = []
    is_exhausted = asyncio.Event()

    async def send(chat: int, text: str, *, is_bulk: bool) -> None:
        async def begin() -> None:
            begun.append(text)
            if len(begun) == OVERALL[0]:
                is_exhausted.set()

        is_bulk_send.set(is_bulk)
        on_send_start.set(begin)
        await bot.send_message(chat, text)

    mailing = [asyncio.create_task(send(n, "bulk", is_bulk=True)) for n in range(1, 75)]
    await is_exhausted.wait()
    answers = [asyncio.create_task(send(n, "answer", is_bulk=False)) for n in range(75, 90)]
    await asyncio.gather(*mailing, *answers)
    first = begun.index("answer")
    assert begun[first : first + 15] == ["answer"] * 15
    assert begun[-1] == "bulk"


async def test_an_album_weighs_as_many_as_it_holds(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    limits = simulator.api.limits = Limits()
    simulator.world.group(-5)
    path = str(simulator.samples.picture(200, 300, "x"))
    media: list[Any] = [InputMediaPhoto(media=FSInputFile(path)) for _ in range(10)]
    await bot.send_media_group(-5, media)
    await bot.send_media_group(-5, media)
    third = asyncio.create_task(bot.send_message(-5, "x"))
    await asyncio.sleep(0.5)
    assert not third.done()  # twenty a minute
    third.cancel()
    assert limits.refusals == 0


async def test_nothing_is_left_behind_with_pacing_or_without(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    hasty = make_bot(
        simulator.token, server=simulator.address, connections=50, pace=PacePolicy(is_on=False)
    )
    for client in (bot, hasty):
        for _ in range(4):
            await client.send_message(1, "x")
        assert limiter_of(client).pending == 0
    await hasty.session.close()


async def test_a_paid_message_is_recorded_before_it_is_sent(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    started: list[int] = []

    async def start() -> None:
        started.append(len(simulator.api.calls_of("sendMessage")))

    token = on_send_start.set(start)
    await bot.send_message(1, "x", allow_paid_broadcast=True)
    on_send_start.reset(token)
    assert started == [0]


async def test_only_a_caller_that_retries_gets_the_first_refusal(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    is_bulk_send.set(True)
    simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=1))
    await bot.send_message(1, "x")
    caller_retries.set(True)
    simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=30))
    with pytest.raises(FloodError):
        await bot.send_message(1, "x")
    before = len(simulator.api.calls_of("sendMessage"))
    with pytest.raises(FloodError):  # the chat is paused: nothing is sent
        await bot.send_message(1, "x")
    assert len(simulator.api.calls_of("sendMessage")) == before


# --- uploads --------------------------------------------------------------------------------------


async def test_uploads_under_way_delay_no_message(stage: tuple[Simulator, Bot]):
    """More uploads than there are tokens; none of them has sent its last byte."""
    _, bot = stage
    limiter, may_end = limiter_of(bot), asyncio.Event()

    async def upload(_bot: Bot, _method: TelegramMethod[Any]) -> Response[Any]:
        end = before_end.get()
        assert end
        await may_end.wait()
        await end()
        return Response(ok=True, result=True)

    async def send(_bot: Bot, _method: TelegramMethod[Any]) -> Response[Any]:
        return Response(ok=True, result=True)

    photo = FSInputFile("photo.jpg")
    uploads = [
        asyncio.create_task(limiter(cast("Any", upload), bot, SendPhoto(chat_id=chat, photo=photo)))
        for chat in range(1, 41)
    ]
    message = SendMessage(chat_id=41, text="x")
    async with asyncio.timeout(30):
        await limiter(cast("Any", send), bot, message)
    may_end.set()
    await asyncio.gather(*uploads)
    assert limiter.pending == 0


async def test_uploads_keep_to_the_limits(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    limits = simulator.api.limits = Limits()
    photo = FSInputFile(simulator.samples.picture(200, 300, "x"))
    for chat in range(1, 41):
        simulator.world.person(chat)
    await asyncio.gather(*(bot.send_photo(chat, photo) for chat in range(1, 41)))
    assert limits.refusals == 0
    assert len(simulator.api.calls_of("sendPhoto")) == 40


def current_uploads(simulator: Simulator) -> list[Path]:
    """Return the files of which the server has received the first bytes."""
    return list(simulator.api.files.folder.iterdir())


async def test_an_upload_waits_for_a_full_group_before_it_begins(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.group(-5)
    photo = FSInputFile(simulator.samples.picture(200, 300, "x"))
    media: list[Any] = [InputMediaPhoto(media=photo) for _ in range(10)]
    await bot.send_media_group(-5, media)
    await bot.send_media_group(-5, media)
    before = len(current_uploads(simulator))
    third = asyncio.create_task(bot.send_photo(-5, photo))
    await asyncio.sleep(0.3)
    assert len(current_uploads(simulator)) == before
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    assert limiter_of(bot).pending == 0


async def test_a_refusal_in_the_middle_of_an_upload_is_obeyed(stage: tuple[Simulator, Bot]):
    """Nobody waits for the end of the request any more, and no token is lost."""
    simulator, bot = stage
    simulator.world.person(1)
    limiter = limiter_of(bot)
    photo = FSInputFile(simulator.samples.picture(200, 300, "x"))
    end = None

    async def refuse(_bot: Bot, method: TelegramMethod[Any]) -> Response[Any]:
        nonlocal end
        before = before_end.get()
        assert before
        end = before
        raise TelegramRetryAfter(method, "Too Many Requests", 1)

    with pytest.raises(TelegramRetryAfter):
        await limiter(cast("Any", refuse), bot, SendPhoto(chat_id=1, photo=photo))
    assert end
    await end()  # the connection had one more byte to send
    assert limiter.pending == 0
    await bot.send_message(1, "x")
    assert before_end.get() is None


def limiter_of(bot: Bot) -> RateLimiter:
    (_, rate_limiter, _) = bot.session.middleware
    assert isinstance(rate_limiter, RateLimiter)
    return rate_limiter


# --- status notes ---------------------------------------------------------------------------------


async def test_a_note_gives_way_to_answers_instead_of_waiting(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    note = await bot.send_message(1, "0")
    with only_if_spare():
        for number in (1, 2):
            await bot.edit_message_text(str(number), chat_id=1, message_id=note.message_id)
        with pytest.raises(FloodError):
            await bot.edit_message_text("3", chat_id=1, message_id=note.message_id)
    assert len(simulator.api.calls_of("editMessageText")) == 2
    # Two more messages fit at once: what is kept for the answer.
    await asyncio.gather(bot.send_message(1, "a"), bot.send_message(1, "b"))


async def test_a_note_that_telegram_refuses_is_not_repeated(stage: tuple[Simulator, Bot]):
    simulator, bot = stage
    simulator.world.person(1)
    simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=30))
    with only_if_spare():
        for _ in range(2):
            with pytest.raises(FloodError):
                await bot.send_message(1, "x")
    (call,) = simulator.api.calls_of("sendMessage")
    assert call.status == 429


async def test_without_pacing_a_note_is_sent_at_once(stage: tuple[Simulator, Bot]):
    simulator, _ = stage
    bot = make_bot(
        simulator.token, server=simulator.address, connections=5, pace=PacePolicy(is_on=False)
    )
    simulator.world.person(1)
    with only_if_spare():
        for number in range(9):
            await bot.send_message(1, str(number))
    await bot.session.close()
    assert len(simulator.api.calls_of("sendMessage")) == 9
