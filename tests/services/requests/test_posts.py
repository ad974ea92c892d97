"""Posts: which files are asked for, what is missing or damaged, and what is recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from core.ads import AdRule
from core.errors import (
    BrokenFileError,
    ClipferryError,
    PlatformChangedError,
    PlatformUnreachableError,
    PostChangedError,
    StorageError,
    TooLargeError,
    TooLongError,
)
from core.formats import Quality
from core.media import (
    AudioFile,
    Clip,
    DocumentFile,
    Item,
    PhotoFile,
    Picture,
    Rendition,
    Unreadable,
    VideoFile,
)
from core.preferences import Preferences
from core.request import MOST_ITEMS, Continuation, Progress
from data.chats import register_chat
from data.db_service import get_user_videos
from data.inline_messages import find_inline, store_inline
from platforms import Attempt, Workspace
from services.requests.context import Delivered, RequestContext
from services.requests.file_id_cache import FileIdCache
from services.requests.kept_answers import Prepared
from services.requests.posts import FetchedItem, FetchedPost, PostPolicy, PostService
from services.requests.store import RequestStore
from tests.fakes import (
    BOT_ID,
    LINK,
    PERSON,
    FakeAttempt,
    FakeRequest,
    FakeTools,
    fake_request,
    fake_tools,
    make_post,
    make_request,
)
from tests.records import changed

NAME = LINK.post_id
PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(3))
GROUP = make_request(chat_id=-7, is_private=False)
POLICY = PostPolicy(
    max_duration_s=600, group_items=2, shrinkable_bytes=80_000_000, ads=AdRule(every=1)
)


def clip(*renditions: Rendition, **values: Any) -> Clip:
    plain = Rendition(("https://cdn.example/v.mp4",), "h264", 576, 1024, 1_000)
    return Clip(renditions or (plain,), **values)


@dataclass
class Bench:
    tools: FakeTools
    space: Workspace
    service: PostService

    async def fetch(self, attempt: FakeAttempt, one: FakeRequest | None = None) -> FetchedPost:
        context = (one or fake_request()).context
        return await self.service.fetch(cast("Attempt", attempt), context, self.space)

    def fetched(self, *names: str, missing: int = 0) -> FetchedPost:
        """Return a post of pictures, or of a clip for a name with an ending."""
        items = [
            FetchedItem(clip() if "." in name else PICTURES[0], self.space.folder / name)
            for name in names
        ]
        post = make_post(*(item.item for item in items), *PICTURES[:missing])
        return FetchedPost(post, items, missing)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    tools = fake_tools(tmp_path)
    cache = FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID)
    async with tools.toolkit.spool.workspace() as space:
        yield Bench(tools, space, PostService(tools.toolkit, cache, POLICY))


# --- which files are asked for --------------------------------------------------------------------


async def test_a_video_is_asked_for_with_its_still(bench: Bench):
    covers = ("https://cdn.example/a.jpg", "https://cdn.example/b.jpg")
    attempt, one = FakeAttempt(make_post(clip(cover_urls=covers))), fake_request()
    fetched = await bench.fetch(attempt, one)
    assert attempt.names == [f"{NAME}.mp4", f"{NAME}.still"]
    video, still = attempt.wanted
    # What is larger than Telegram takes, whatever the page says, is made smaller afterwards.
    ceiling = bench.tools.sender.ceiling_bytes
    assert [one.limit_bytes for one in video.versions] == [ceiling, POLICY.shrinkable_bytes]
    assert {one.size_bytes for one in video.versions} == {1_000}
    assert (still.versions[0].urls, still.is_optional) == (covers[:1], True)
    assert fetched.items[0].file.name == f"{NAME}.mp4"
    assert fetched.items[0].still == bench.space.folder / f"{NAME}.still"
    assert fetched.missing == 0
    assert one.status.shown == ["working"]


async def test_an_untouched_file_has_no_still_and_must_fit(bench: Bench):
    attempt = FakeAttempt(make_post(clip(cover_urls=("https://cdn.example/a.jpg",))))
    await bench.fetch(attempt, fake_request(make_request(file_mode=True)))
    assert attempt.names == [f"{NAME}.mp4"]
    (version,) = attempt.wanted[0].versions
    assert version.limit_bytes == bench.tools.sender.ceiling_bytes


async def test_audio_in_a_file_of_its_own_is_asked_for(bench: Bench):
    split = Rendition(("https://cdn.example/v",), "h264", audio_urls=("https://cdn.example/a",))
    attempt = FakeAttempt(make_post(clip(split)))
    fetched = await bench.fetch(attempt)
    assert attempt.names == [f"{NAME}.mp4"]
    assert attempt.wanted[0].versions[0].audio_urls == split.audio_urls
    assert fetched.items[0].audio == bench.space.folder / f"{NAME}.audio"


async def test_a_chat_gets_the_quality_that_it_wants(bench: Bench):
    renditions = [
        Rendition((f"https://cdn.example/{side}",), "h264", side, side * 2)
        for side in (1080, 720, 480)
    ]
    asked = []
    for quality in (Quality.BEST, Quality.HD, Quality.SMALL):
        attempt = FakeAttempt(make_post(clip(*renditions)))
        request = make_request(preferences=Preferences(quality=quality))
        await bench.fetch(attempt, fake_request(request))
        asked.append(attempt.wanted[0].versions[0].urls)
    assert asked == [rendition.urls for rendition in renditions]


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (make_request(), [f"{NAME}_1", f"{NAME}_2", f"{NAME}_3"]),
        (GROUP, [f"{NAME}_1", f"{NAME}_2"]),
        (changed(GROUP, preferences=Preferences(album_cap=1)), [f"{NAME}"]),
        (changed(GROUP, preferences=Preferences(album_cap=5)), [f"{NAME}_{n}" for n in (1, 2, 3)]),
    ],
    ids=["private", "the operator's number", "one", "the group's number"],
)
async def test_a_group_gets_as_many_items_as_it_wants(
    bench: Bench, request_: Any, names: list[str]
):
    attempt = FakeAttempt(make_post(*PICTURES))
    await bench.fetch(attempt, fake_request(request_))
    assert attempt.names == names


MANY = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(MOST_ITEMS + 2))


@pytest.mark.parametrize(
    ("request_", "start", "numbers"),
    [
        (make_request(), 0, range(1, MOST_ITEMS + 1)),
        (make_request(), MOST_ITEMS, (MOST_ITEMS + 1, MOST_ITEMS + 2)),
        (make_request(), MOST_ITEMS + 1, (MOST_ITEMS + 2,)),
        (GROUP, 2, (3, 4)),
        (changed(GROUP, preferences=Preferences(album_cap=5)), 5, range(6, 11)),
    ],
)
async def test_what_is_more_than_one_answer_comes_in_the_next_one(
    bench: Bench, request_: Any, start: int, numbers: Any
):
    attempt = FakeAttempt(make_post(*MANY))
    continuation = Continuation(start) if start else None
    await bench.fetch(attempt, fake_request(changed(request_, continuation=continuation)))
    assert attempt.names == [f"{NAME}_{number}" for number in numbers]
    assert [f.versions[0].urls[0][20:-4] for f in attempt.wanted] == [str(n - 1) for n in numbers]


@pytest.mark.parametrize(
    ("continuation", "edition"),
    [
        (Continuation(3), ""),
        (Continuation(1, "a"), "b"),
        (Continuation(1, "a"), ""),
        (Continuation(1), "b"),
    ],
)
async def test_an_answer_does_not_go_on_with_other_items(
    bench: Bench, continuation: Continuation, edition: str
):
    attempt = FakeAttempt(replace(make_post(*PICTURES), edition=edition))
    with pytest.raises(PostChangedError):
        await bench.fetch(attempt, fake_request(changed(GROUP, continuation=continuation)))
    assert attempt.wanted == []
    first = fake_request(GROUP)
    assert len((await bench.fetch(attempt, first)).items) == 2


def test_file_ids_are_cached_by_quality_or_as_documents(bench: Bench):
    small = make_request(preferences=Preferences(quality=Quality.SMALL))
    more = make_request(continuation=Continuation(10, "a"))
    requests = [make_request(), small, make_request(file_mode=True), more]
    variants = [bench.service.variant(fake_request(request).context) for request in requests]
    assert variants == ["media/best", "media/small", "document", "media/best/from/10.a"]


async def test_a_video_that_is_too_long_is_not_fetched(bench: Bench):
    attempt = FakeAttempt(make_post(clip(duration_s=601)))
    with pytest.raises(TooLongError):
        await bench.fetch(attempt)
    assert attempt.wanted == []
    await bench.fetch(FakeAttempt(make_post(clip(duration_s=600))))


async def test_a_long_video_that_the_group_would_not_get_does_not_matter(bench: Bench):
    attempt = FakeAttempt(make_post(*PICTURES[:2], clip(duration_s=601)))
    assert len((await bench.fetch(attempt, fake_request(GROUP))).items) == 2


async def test_a_video_that_cannot_even_be_made_smaller_is_refused(bench: Bench):
    huge = Rendition(("https://cdn.example/v",), "h264", size_bytes=POLICY.shrinkable_bytes + 1)
    with pytest.raises(TooLargeError):
        await bench.fetch(FakeAttempt(make_post(clip(huge))))


# --- what is missing ------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "may_miss"), [(1, False), (2, False), (3, True)])
async def test_items_of_an_album_may_miss_in_the_last_attempt(
    bench: Bench, number: int, may_miss: bool
):
    attempt = FakeAttempt(make_post(*PICTURES), number)
    await bench.fetch(attempt)
    assert {file.may_miss for file in attempt.wanted} == {may_miss}


async def test_a_single_item_never_may(bench: Bench):
    attempt = FakeAttempt(make_post(PICTURES[0]), 3)
    await bench.fetch(attempt)
    assert not attempt.wanted[0].may_miss


async def test_missing_items_are_counted_and_the_others_kept_in_order(bench: Bench):
    attempt = FakeAttempt(make_post(*PICTURES), 3, missing=frozenset({f"{NAME}_2"}))
    fetched = await bench.fetch(attempt)
    assert [item.file.name for item in fetched.items] == [f"{NAME}_1", f"{NAME}_3"]
    assert [item.item for item in fetched.items] == [PICTURES[0], PICTURES[2]]
    assert fetched.missing == 1


async def test_a_missing_still_is_no_missing_item(bench: Bench):
    post = make_post(clip(cover_urls=("https://cdn.example/a.jpg",)))
    fetched = await bench.fetch(FakeAttempt(post, missing=frozenset({f"{NAME}.still"})))
    assert (fetched.missing, fetched.items[0].still) == (0, None)


async def test_a_post_without_any_file_is_a_failure_of_the_site(bench: Bench):
    names = frozenset(f"{NAME}_{n}" for n in (1, 2, 3))
    with pytest.raises(PlatformUnreachableError):
        await bench.fetch(FakeAttempt(make_post(*PICTURES), 3, missing=names))


# --- what is prepared -----------------------------------------------------------------------------


def kinds(prepared: Prepared) -> list[type]:
    assert not isinstance(prepared.files, AudioFile)
    return [type(file) for file in prepared.files]


async def test_pictures_and_videos_are_prepared_each_in_its_way(bench: Bench):
    prepared = await bench.service.prepare(fake_request().context, bench.fetched("1", "2.mp4"))
    assert kinds(prepared) == [PhotoFile, VideoFile]
    assert bench.tools.media.steps == [("picture", "1"), ("video", "2.mp4")]
    assert prepared.options_of(0).caption == f"{NAME}: 2 shown, 0 missing"
    assert (prepared.items, prepared.is_processed) == (2, False)


async def test_in_file_mode_nothing_is_converted(bench: Bench):
    context = fake_request(make_request(file_mode=True)).context
    prepared = await bench.service.prepare(context, bench.fetched("1", "2.mp4"))
    assert kinds(prepared) == [DocumentFile] * 2
    assert not prepared.is_processed


async def test_a_converted_video_counts_as_processed(bench: Bench):
    bench.tools.media.encoded = bench.space.folder / "encoded.mp4"
    prepared = await bench.service.prepare(fake_request().context, bench.fetched("2.mp4"))
    assert prepared.is_processed


async def test_separate_audio_is_joined_first(bench: Bench):
    folder = bench.space.folder
    item = FetchedItem(clip(), folder / "v.mp4", audio=folder / "v.audio")
    fetched = FetchedPost(make_post(), [item], 0)
    prepared = await bench.service.prepare(fake_request().context, fetched)
    assert bench.tools.media.steps == [("joined", "v.mp4"), ("video", "v.joined.mp4")]
    assert prepared.is_processed


@pytest.mark.parametrize("error", [BrokenFileError(), PlatformChangedError()])
async def test_damaged_items_are_left_out_and_counted(bench: Bench, error: BrokenFileError):
    bench.tools.media.damaged["2"] = error
    fetched = bench.fetched("1", "2", "3", missing=1)
    prepared = await bench.service.prepare(fake_request().context, fetched)
    assert [file.path.name for file in cast("list[PhotoFile]", prepared.files)] == ["1", "3"]
    assert prepared.options_of(0).caption == f"{NAME}: 2 shown, 2 missing"
    assert prepared.items is None  # so it is not cached


async def test_a_post_of_damaged_items_only_is_refused(bench: Bench):
    first, second = BrokenFileError("first"), PlatformChangedError("second")
    bench.tools.media.damaged |= {"1": first, "2": second}
    with pytest.raises(BrokenFileError) as raised:
        await bench.service.prepare(fake_request().context, bench.fetched("1", "2"))
    assert raised.value is first


@pytest.mark.parametrize("error", [TooLargeError(2, 1), BrokenFileError(), PlatformChangedError()])
async def test_an_item_that_cannot_be_sent_is_missing(bench: Bench, error: ClipferryError):
    bench.tools.media.damaged["2.mp4"] = error
    prepared = await bench.service.prepare(fake_request().context, bench.fetched("1", "2.mp4"))
    assert [file.path.name for file in prepared.files] == ["1"]
    assert prepared.items is None
    with pytest.raises(type(error)):
        await bench.service.prepare(fake_request().context, bench.fetched("2.mp4"))


@pytest.mark.parametrize(
    "item",
    [
        clip(duration_s=601),
        clip(Rendition(("https://cdn.example/v",), "bytevc2")),
        clip(Rendition(("https://cdn.example/v",), "h264", size_bytes=10**9)),
        Unreadable(),
    ],
)
async def test_an_item_that_cannot_be_fetched_is_missing(bench: Bench, item: Item):
    attempt = FakeAttempt(make_post(PICTURES[0], item, PICTURES[1]))
    fetched = await bench.fetch(attempt)
    assert attempt.names == [f"{NAME}_1", f"{NAME}_3"]
    assert (len(fetched.items), fetched.missing) == (2, 1)
    assert {file.may_be_too_large for file in attempt.wanted} == {True}


async def test_if_no_item_can_be_fetched_the_first_reason_is_said(bench: Bench):
    with pytest.raises(TooLongError):
        await bench.fetch(FakeAttempt(make_post(clip(duration_s=601), clip(duration_s=700))))


async def test_a_video_that_is_longer_than_the_site_says_is_refused(bench: Bench):
    bench.tools.media.duration_s = 601
    with pytest.raises(TooLongError):
        await bench.service.prepare(fake_request().context, bench.fetched("2.mp4"))


# --- a whole request ------------------------------------------------------------------------------


@pytest.mark.usefixtures("sqlite_db")
async def test_a_request_is_fetched_once_and_then_known(bench: Bench):
    first, second = fake_request(), fake_request(make_request(chat_id=8))
    assert not (await bench.service.deliver(first.context)).is_known
    assert (await bench.service.deliver(second.context)).is_known
    assert first.status.shown == ["accepted", "working", "sending"]
    assert second.status.shown == []
    captions = [options.caption for _, options in bench.tools.sender.sent]
    assert captions == [f"{NAME}: 1 shown, 0 missing"] * 2


@pytest.mark.usefixtures("sqlite_db")
async def test_another_attempt_is_shown(bench: Bench):
    bench.tools.fetcher.number = 2
    one = fake_request()
    await bench.service.deliver(one.context)
    assert one.status.shown == ["accepted", "retrying 2/3", "working", "sending"]


# --- what is recorded -----------------------------------------------------------------------------


def delivered(*items: Any) -> Delivered:
    return Delivered(make_post(*items), is_processed=True, is_known=False, chat_id=PERSON)


async def entered(store: RequestStore, request: Any) -> FakeRequest:
    (stored,) = await store.enter(5, [request])
    one = fake_request(request)
    return replace(one, context=replace(one.context, stored=stored))


@pytest.mark.usefixtures("sqlite_db")
async def test_a_delivery_is_written_together_with_the_end_of_its_request(bench: Bench):
    await register_chat(PERSON, "en")
    store = RequestStore(BOT_ID, 60)
    one = await entered(store, make_request())
    assert not await bench.service.record(one.context, delivered())
    assert [link for _, link in await get_user_videos(PERSON)] == [LINK.url]
    assert one.stored.is_finished
    await store.hand_back(60)
    assert await store.take_over(9) == []


@pytest.mark.parametrize(
    ("request_", "has_ad", "is_due"),
    [
        (make_request(), True, True),
        (make_request(), False, False),
        (make_request(is_private=False), True, False),
        (make_request(inline_id="i"), True, False),
    ],
    ids=["private", "no ad in the language", "group", "inline"],
)
@pytest.mark.usefixtures("sqlite_db")
async def test_ads_are_due_in_private_chats_only(
    bench: Bench, request_: Any, has_ad: bool, is_due: bool
):
    await register_chat(PERSON, "en")
    one = fake_request(request_)
    one.presenter.has_ad = has_ad
    assert await bench.service.record(one.context, delivered()) is is_due


@pytest.mark.usefixtures("sqlite_db")
async def test_no_ad_follows_an_answer_that_ends_with_an_error(bench: Bench):
    await register_chat(PERSON, "en")
    one = fake_request(make_request())
    one.presenter.has_ad = True
    one.stored.progress = Progress(sent=(0, 12), total=2)
    assert not await bench.service.record(one.context, delivered())
    one.stored.progress = Progress(sent=(11, 12), total=2)
    assert await bench.service.record(one.context, delivered())


@pytest.mark.parametrize(
    "request_", [make_request(business_id="b"), make_request(is_recorded=False)]
)
@pytest.mark.usefixtures("sqlite_db")
async def test_people_who_have_not_started_the_bot_have_no_history(bench: Bench, request_: Any):
    await register_chat(PERSON, "en")
    one = fake_request(request_)
    one.presenter.has_ad = True
    assert not await bench.service.record(one.context, delivered())
    assert await get_user_videos(PERSON) == []


@pytest.mark.usefixtures("sqlite_db")
async def test_an_inline_message_remembers_its_post(bench: Bench):
    request = make_request(inline_id="i", is_recorded=False)
    await store_inline("i", PERSON, request)
    await bench.service.record(fake_request(request).context, delivered())
    message = await find_inline("i")
    assert message
    assert message.post_id == LINK.post_id


async def test_a_database_that_fails_costs_only_the_history(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object, **__: object) -> None:
        raise StorageError

    monkeypatch.setattr("services.requests.posts.record_download", failing)
    monkeypatch.setattr("services.requests.posts.record_shown_post", failing)
    one = fake_request(make_request(inline_id="i"), row=5)
    assert not await bench.service.record(one.context, delivered())
    assert not one.stored.is_finished


async def test_pictures_are_recorded_as_pictures(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    records: list[dict[str, object]] = []

    async def record(_chat_id: int, _link: str, **facts: object) -> bool:
        records.append(facts)
        return False

    monkeypatch.setattr("services.requests.posts.record_download", record)
    context: RequestContext = fake_request().context
    await bench.service.record(context, delivered(*PICTURES))
    await bench.service.record(context, delivered())
    assert [facts["is_images"] for facts in records] == [True, False]
    assert {facts["is_processed"] for facts in records} == {True}
