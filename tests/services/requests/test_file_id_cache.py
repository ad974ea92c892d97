"""The file-id cache: known posts go out by file id, others are fetched once for everybody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from core.cached_post import FRESH_S, CacheKey
from core.errors import (
    AlreadySentError,
    BrokenLinkError,
    ClipferryError,
    FileUnknownError,
    FloodError,
    NotAvailableError,
    PartialDeliveryError,
    PlatformRefusedError,
    StorageError,
)
from core.media import Clip, Details, Link, Picture, Post, RemoteFile
from core.request import ButtonPress, Progress
from data import database
from delivery.api_requests import MessageOptions
from services.requests.context import Delivered, RequestContext
from services.requests.file_id_cache import FileIdCache, MadeFiles
from services.requests.store import RequestStore
from tests.fakes import (
    BOT_ID,
    LINK,
    VIDEO,
    FakeTools,
    fake_request,
    fake_tools,
    make_post,
    make_request,
    settle,
)

BEST = "media/best"
KEY = CacheKey(BOT_ID, LINK.platform, LINK.post_id or "", BEST)
SHORT = Link(LINK.platform, "https://vm.tiktok.com/abc", None)
PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(3))


@dataclass
class Maker:
    """Fetches and sends what it is told to, when it may."""

    post: Post = field(default_factory=make_post)
    files: tuple[RemoteFile, ...] = (VIDEO,)
    items: int | None = 1
    calls: int = 0
    failures: list[ClipferryError] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def __call__(self, _context: RequestContext) -> MadeFiles:
        self.calls += 1
        self.has_begun.set()
        await self.may_end.wait()
        if self.failures:
            raise self.failures.pop(0)
        return MadeFiles(self.post, self.files, is_processed=False, items=self.items, chat_id=7)


@dataclass
class Bench:
    """A cache with its site and its chat."""

    tools: FakeTools
    cache: FileIdCache
    maker: Maker

    async def ask(
        self,
        variant: str = BEST,
        *,
        link: Link = LINK,
        most: int | None = None,
        **values: Any,
    ) -> Delivered:
        one = fake_request(make_request(link=link, **values))
        return await self.cache.deliver(
            one.context, variant, self.maker, options_of, max_items=most
        )

    @property
    def captions(self) -> list[str]:
        return [options.caption for _, options in self.tools.sender.sent]


def options_of(post: Post, shown: int) -> MessageOptions:
    return MessageOptions(f"{post.details.likes} likes, {shown} shown")


@pytest.fixture
def bench(sqlite_db: None, tmp_path: Path) -> Bench:
    tools = fake_tools(tmp_path)
    return Bench(tools, FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID), Maker())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that moves the database's clock on."""

    def move(seconds: int) -> None:
        now = database.unix_now() + seconds
        monkeypatch.setattr(database, "clock", lambda: float(now))

    return move


# --- hits and misses ------------------------------------------------------------------------------


async def test_the_first_request_fetches_and_the_next_one_uses_the_file_ids(bench: Bench):
    first, second = await bench.ask(), await bench.ask()
    assert (first.is_known, second.is_known) == (False, True)
    assert bench.maker.calls == 1
    assert bench.tools.sender.sent == [((VIDEO,), MessageOptions("None likes, 1 shown"))]
    assert second.post.id == LINK.post_id
    assert bench.tools.fetcher.reads == 0


async def test_every_variant_has_its_own_files(bench: Bench):
    await bench.ask()
    assert not (await bench.ask("sound")).is_known
    assert bench.maker.calls == 2


@pytest.mark.parametrize(
    "maker",
    [
        Maker(items=None),
        Maker(files=()),
        Maker(post=make_post(id="999")),
    ],
    ids=["items are missing", "Telegram gave no file ids", "the link led to another post"],
)
async def test_what_is_not_the_whole_post_is_not_cached(bench: Bench, maker: Maker):
    bench.maker = maker
    await bench.ask()
    assert not (await bench.ask()).is_known
    assert maker.calls == 2
    for post_id in (LINK.post_id or "", maker.post.id):
        assert await bench.cache.find(replace(KEY, post_id=post_id)) is None


async def test_a_rejected_file_id_is_evicted_and_the_post_fetched_again(bench: Bench):
    await bench.ask()
    bench.tools.sender.failures = [FileUnknownError()]
    bench.maker.files = (replace(VIDEO, file_id="video-2"),)
    assert not (await bench.ask()).is_known
    assert bench.maker.calls == 2
    assert (await bench.ask()).is_known
    assert [files for files, _ in bench.tools.sender.sent] == [bench.maker.files]


async def test_a_file_id_that_is_rejected_after_the_first_album_is_evicted_too(bench: Bench):
    await bench.ask()
    partial = PartialDeliveryError(1, 2)
    partial.__cause__ = FileUnknownError()
    bench.tools.sender.failures = [partial]
    with pytest.raises(PartialDeliveryError):
        await bench.ask()
    assert bench.maker.calls == 1
    assert not (await bench.ask()).is_known


async def test_a_chat_that_takes_nothing_evicts_nothing(bench: Bench):
    await bench.ask()
    partial = PartialDeliveryError(1, 2)
    partial.__cause__ = FloodError(70)
    bench.tools.sender.failures = [FloodError(70), partial]
    for error in (FloodError, PartialDeliveryError):
        with pytest.raises(error):
            await bench.ask()
    assert (await bench.ask()).is_known
    assert bench.maker.calls == 1


# --- several requests at once ---------------------------------------------------------------------


async def test_requests_for_the_same_post_wait_for_one_fetch(bench: Bench):
    bench.maker.may_end.clear()
    asking = [asyncio.ensure_future(bench.ask(chat_id=chat_id)) for chat_id in (7, 8, 9)]
    await settle()
    bench.maker.may_end.set()
    delivered = await asyncio.gather(*asking)
    assert [one.is_known for one in delivered] == [False, True, True]
    assert bench.maker.calls == 1
    assert len(bench.tools.sender.sent) == 2


async def test_the_sites_refusal_is_shared(bench: Bench):
    refusal = NotAvailableError()
    bench.maker.failures = [refusal]
    outcomes = await asyncio.gather(*(bench.ask() for _ in range(3)), return_exceptions=True)
    assert outcomes == [refusal] * 3
    assert bench.maker.calls == 1
    assert not (await bench.ask()).is_known  # it is not remembered


async def test_the_failure_of_one_chat_is_not_that_of_the_others(bench: Bench):
    failure = FloodError(70)
    bench.maker.failures = [failure]
    outcomes = await asyncio.gather(
        *(bench.ask(chat_id=chat_id) for chat_id in (7, 8, 9)), return_exceptions=True
    )
    assert outcomes[0] is failure
    assert [one.is_known for one in outcomes if isinstance(one, Delivered)] == [False, True]
    assert bench.maker.calls == 2


async def test_the_next_one_fetches_if_the_first_is_cancelled(bench: Bench):
    bench.maker.may_end.clear()
    first, second = (asyncio.ensure_future(bench.ask()) for _ in range(2))
    await bench.maker.has_begun.wait()
    first.cancel()
    bench.maker.may_end.set()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert isinstance(outcomes[1], Delivered)
    assert not outcomes[1].is_known
    assert bench.maker.calls == 2


async def test_a_post_that_another_process_fetches_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    other_store = RequestStore(BOT_ID, 60)
    assert await other_store.begin_flight(KEY)
    other = Bench(bench.tools, FileIdCache(bench.tools.toolkit, other_store, BOT_ID), Maker())
    at_once, pauses = asyncio.sleep, 0

    async def pause(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3:
            await other.ask()
        await at_once(0)

    monkeypatch.setattr(asyncio, "sleep", pause)
    delivered = await bench.ask()
    assert delivered.is_known
    assert (bench.maker.calls, other.maker.calls) == (0, 1)
    assert pauses >= 3


async def test_a_fetch_that_another_process_has_given_up_is_taken_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    other_store = RequestStore(BOT_ID, 60)
    assert await other_store.begin_flight(KEY)

    async def pause(_seconds: float) -> None:
        await other_store.end_flight(KEY)

    monkeypatch.setattr(asyncio, "sleep", pause)
    assert not (await bench.ask()).is_known
    assert bench.maker.calls == 1
    assert await other_store.begin_flight(KEY)  # it was released afterwards


# --- a limit of items -----------------------------------------------------------------------------


async def test_the_first_items_serve_only_chats_with_that_limit(bench: Bench):
    files = (replace(VIDEO, kind="photo"), VIDEO)
    bench.maker = Maker(make_post(*PICTURES), files, items=2)
    assert not (await bench.ask(most=2)).is_known
    assert (await bench.ask(most=2)).is_known
    assert bench.captions == ["None likes, 2 shown"]
    assert not (await bench.ask(most=3)).is_known
    assert not (await bench.ask()).is_known
    assert bench.maker.calls == 3


async def test_the_first_items_are_counted_and_not_their_files(bench: Bench):
    """A button behind them fetches the items from that number on."""
    files = tuple(RemoteFile("video", f"part-{n}") for n in range(3))  # the first one in two parts
    bench.maker = Maker(make_post(*PICTURES), files, items=2)
    await bench.ask(most=2)
    assert (await bench.ask(most=2)).is_known
    assert [sent for sent, _ in bench.tools.sender.sent] == [files]
    assert bench.captions == ["None likes, 2 shown"]


async def test_a_whole_post_serves_chats_with_a_limit_too(bench: Bench):
    files = tuple(RemoteFile("photo", f"photo-{n}") for n in range(3))
    bench.maker = Maker(make_post(*PICTURES), files, items=3)
    await bench.ask()
    assert (await bench.ask(most=2)).is_known
    assert (await bench.ask(most=9)).is_known
    assert [sent for sent, _ in bench.tools.sender.sent] == [files[:2], files]
    assert bench.captions == ["None likes, 2 shown", "None likes, 3 shown"]


async def test_the_parts_of_one_long_video_are_all_sent(bench: Bench):
    parts = tuple(RemoteFile("video", f"part-{n}") for n in range(3))
    bench.maker = Maker(files=parts)
    await bench.ask()
    assert (await bench.ask(most=2)).is_known
    assert [sent for sent, _ in bench.tools.sender.sent] == [parts]


# --- old entries ----------------------------------------------------------------------------------


async def test_old_likes_are_read_anew_once(bench: Bench, later: Callable[[int], None]):
    await bench.ask()
    later(FRESH_S)
    bench.tools.fetcher.post = make_post(details=Details(likes=500))
    assert (await bench.ask()).is_known
    assert (await bench.ask()).is_known
    assert bench.captions == ["500 likes, 1 shown"] * 2
    assert (bench.tools.fetcher.reads, bench.maker.calls) == (1, 1)


async def test_old_likes_are_shown_if_the_site_does_not_answer(
    bench: Bench, later: Callable[[int], None]
):
    bench.maker.post = make_post(details=Details(likes=3))
    await bench.ask()
    later(FRESH_S)
    bench.tools.fetcher.failures = [PlatformRefusedError()]
    assert (await bench.ask()).is_known
    assert bench.captions == ["3 likes, 1 shown"]


async def test_new_likes_are_shown_even_if_they_cannot_be_stored(
    bench: Bench, later: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    await bench.ask()
    later(FRESH_S)
    bench.tools.fetcher.post = make_post(details=Details(likes=500))
    monkeypatch.setattr("services.requests.file_id_cache.refresh_cached", out_of_order)
    assert (await bench.ask()).is_known
    assert bench.captions == ["500 likes, 1 shown"]


async def test_a_post_whose_items_have_changed_is_fetched_again(
    bench: Bench, later: Callable[[int], None]
):
    await bench.ask()
    later(FRESH_S)
    bench.tools.fetcher.post = make_post(Clip(()), *PICTURES)
    assert not (await bench.ask()).is_known
    assert bench.maker.calls == 2
    assert bench.tools.sender.sent == []


# --- a database that fails ------------------------------------------------------------------------


async def out_of_order(*_: object) -> None:
    raise StorageError


async def test_a_cache_that_cannot_be_read_is_a_miss(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    await bench.ask()
    monkeypatch.setattr("services.requests.file_id_cache.find_cached", out_of_order)
    assert await bench.cache.find(KEY) is None
    assert not (await bench.ask()).is_known
    assert bench.maker.calls == 2


async def test_a_post_that_cannot_be_cached_is_delivered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.requests.file_id_cache.store_cached", out_of_order)
    assert not (await bench.ask()).is_known
    assert await bench.cache.find(KEY) is None


async def test_a_set_that_cannot_be_evicted_raises_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    await bench.ask()
    cached = await bench.cache.find(KEY)
    assert cached
    monkeypatch.setattr("services.requests.file_id_cache.forget_cached", out_of_order)
    await bench.cache.forget(KEY, cached)
    assert await bench.cache.find(KEY) == cached


# --- short links ----------------------------------------------------------------------------------


async def test_a_short_link_is_resolved_once_and_its_post_is_known(bench: Bench):
    await bench.ask()
    bench.tools.fetcher.short_links = {SHORT.url: LINK.post_id or ""}
    delivered = await asyncio.gather(
        *(bench.ask(link=SHORT, chat_id=chat_id) for chat_id in (7, 8, 9))
    )
    assert all(one.is_known for one in delivered)
    assert (bench.tools.fetcher.resolutions, bench.maker.calls) == (1, 1)


async def test_a_short_link_that_leads_nowhere_is_refused(bench: Bench):
    bench.tools.fetcher.short_links = {SHORT.url: BrokenLinkError()}
    with pytest.raises(BrokenLinkError):
        await bench.ask(link=SHORT)
    assert bench.maker.calls == 0


async def test_a_short_link_that_cannot_be_resolved_is_left_to_other_layers(bench: Bench):
    bench.tools.fetcher.short_links = {SHORT.url: PlatformRefusedError()}
    assert not (await bench.ask(link=SHORT)).is_known
    assert bench.maker.calls == 1
    assert (await bench.ask()).is_known  # its post has an id, under which it is cached


# --- the same post twice --------------------------------------------------------------------------


async def test_a_post_that_was_asked_for_twice_is_sent_once(bench: Bench):
    bench.tools.fetcher.short_links = {SHORT.url: LINK.post_id or ""}
    bench.maker.may_end.clear()
    links = (LINK, LINK, SHORT)
    asking = [asyncio.ensure_future(bench.ask(link=link)) for link in links]
    await settle()
    bench.maker.may_end.set()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, Delivered)
    assert [type(other) for other in others] == [AlreadySentError] * 2
    assert bench.maker.calls == 1
    assert bench.tools.sender.sent == []
    assert (await bench.ask()).is_known  # asked for again afterwards


@pytest.mark.parametrize(
    "values",
    [
        {"chat_id": 8},
        {"chat_id": -1, "is_private": False, "thread_id": 3},
        {"press": ButtonPress("id/1", "")},
        {"inline_id": "i"},
        {"variant": "document"},
    ],
    ids=lambda values: next(iter(values)),
)
async def test_another_place_or_form_is_another_answer(bench: Bench, values: dict[str, Any]):
    variant = values.get("variant", BEST)
    values = {name: value for name, value in values.items() if name != "variant"}
    waiting = fake_request(make_request(**values))
    await bench.ask()
    delivered = await bench.cache.deliver(waiting.context, variant, bench.maker, options_of)
    assert delivered.is_known == (variant == BEST)


async def test_an_answer_that_has_begun_is_completed(bench: Bench):
    begun = fake_request()
    begun.context.stored.progress = Progress((11,), 2)
    await bench.ask()
    delivered = await bench.cache.deliver(begun.context, BEST, bench.maker, options_of)
    assert delivered.is_known


async def test_after_a_failure_the_second_one_is_fetched(bench: Bench):
    bench.maker.failures = [FloodError(70)]
    outcomes = await asyncio.gather(*(bench.ask() for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [FloodError, Delivered]
