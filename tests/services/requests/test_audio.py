"""The audio of a post, and its slides over that audio: files, titles, and what is recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from core.errors import (
    NoAudioError,
    NoMediaError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
)
from core.media import Audio, AudioFile, Clip, Details, Picture, Post, Rendition, VideoFile
from data.chats import register_chat
from data.exports import chat_details
from media.processor import MediaProcessor
from platforms import Attempt, Workspace
from services.requests.audio import (
    AudioService,
    FetchedAudio,
    SlideVideoService,
    audio_file_requests,
    titled_audio,
)
from services.requests.context import Delivered
from services.requests.file_id_cache import FileIdCache
from services.requests.store import RequestStore
from tests.fakes import (
    BOT_ID,
    LINK,
    PERSON,
    FakeAttempt,
    FakeTools,
    fake_request,
    fake_tools,
    make_post,
    make_request,
)

NAME = LINK.post_id
CEILING = 50_000_000
PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(3))
AUDIO = Audio(("https://cdn.example/a.mp3",), "Title", "Singer", 30, ("https://cdn.example/c",))
CLIP = Clip(
    (Rendition(("https://cdn.example/v",), "h264", 576, 1024, 1_000),),
    cover_urls=("https://cdn.example/still",),
)


@dataclass
class Bench:
    tools: FakeTools
    space: Workspace
    audio: AudioService
    slides: SlideVideoService

    def media(self) -> MediaProcessor:
        return self.tools.toolkit.media

    @property
    def file(self) -> Path:
        return self.space.folder / "a.audio"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    tools = fake_tools(tmp_path)
    cache = FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID)
    services = AudioService(tools.toolkit, cache), SlideVideoService(tools.toolkit, cache)
    async with tools.toolkit.spool.workspace() as space:
        yield Bench(tools, space, *services)


# --- which files are asked for --------------------------------------------------------------------


def test_the_sites_own_audio_comes_with_its_own_cover():
    audio, still = audio_file_requests(make_post(CLIP, audio=AUDIO), CEILING)
    (version,) = audio.versions
    assert (version.urls, audio.name, version.limit_bytes) == (AUDIO.urls, f"{NAME}.audio", CEILING)
    assert (still.name, still.is_optional) == (f"{NAME}.still", True)
    assert still.versions[0].urls == AUDIO.cover_urls


def test_audio_without_a_cover_gets_that_of_the_video():
    audio = replace(AUDIO, cover_urls=())
    _, still = audio_file_requests(make_post(CLIP, audio=audio), CEILING)
    assert still.versions[0].urls == CLIP.cover_urls


def test_without_its_own_audio_the_smallest_video_is_asked_for():
    renditions = tuple(
        Rendition((f"https://cdn.example/{side}",), "h264", side, side * 2, side)
        for side in (1080, 480)
    )
    (video,) = audio_file_requests(make_post(PICTURES[0], Clip(renditions)), CEILING)
    assert video.name == f"{NAME}.mp4"
    # The larger one is used if the smaller one cannot be downloaded.
    assert [one.urls for one in video.versions] == [r.urls for r in renditions[::-1]]
    assert (video.versions[0].limit_bytes, video.versions[0].size_bytes) == (CEILING, 480)


def test_of_a_video_in_two_files_only_the_audio_is_asked_for():
    split = Rendition(("https://cdn.example/v",), "h264", audio_urls=("https://cdn.example/a",))
    (audio,) = audio_file_requests(make_post(Clip((split,))), CEILING)
    assert (audio.versions[0].urls, audio.name) == (split.audio_urls, f"{NAME}.audio")


def test_pictures_without_audio_have_none():
    with pytest.raises(NoAudioError):
        audio_file_requests(make_post(*PICTURES), CEILING)


async def test_the_audio_of_a_post_is_fetched_with_its_still(bench: Bench):
    one, attempt = fake_request(), FakeAttempt(make_post(CLIP, audio=AUDIO))
    fetched = await bench.audio.fetch(cast("Attempt", attempt), one.context, bench.space)
    assert attempt.names == [f"{NAME}.audio", f"{NAME}.still"]
    assert (fetched.file.name, fetched.still and fetched.still.name) == tuple(attempt.names)
    assert one.status.shown == ["working"]


async def test_a_post_without_a_cover_has_no_still(bench: Bench):
    attempt = FakeAttempt(make_post(audio=replace(AUDIO, cover_urls=())))
    context = fake_request().context
    fetched = await bench.audio.fetch(cast("Attempt", attempt), context, bench.space)
    assert fetched.still is None


# --- titles ---------------------------------------------------------------------------------------


async def titled(bench: Bench, post: Post) -> AudioFile:
    return await titled_audio(FetchedAudio(post, bench.file), bench.media())


async def test_audio_is_titled_as_the_site_does(bench: Bench):
    file = await titled(bench, make_post(details=Details("Ann", "Dawn"), audio=AUDIO))
    # The page says 30 s; the file was measured.
    assert (file.title, file.performer, file.duration_s) == ("Title", "Singer", 10)
    assert file.path.suffix == ".mp3"


async def test_else_it_is_titled_by_the_post(bench: Bench):
    file = await titled(bench, make_post(details=Details("Ann", "Dawn\nat the sea")))
    assert (file.title, file.performer, file.duration_s) == ("Dawn", "Ann", 10)


async def test_a_title_is_not_endless_and_never_empty(bench: Bench):
    assert (await titled(bench, make_post(details=Details(text="x" * 100)))).title == "x" * 64
    assert (await titled(bench, make_post())).title == LINK.post_id


async def test_a_silent_video_has_no_audio(bench: Bench):
    bench.tools.media.damaged[bench.file.name] = PlatformChangedError()
    with pytest.raises(NoAudioError):
        await titled(bench, make_post())
    with pytest.raises(PlatformChangedError):
        await titled(bench, make_post(audio=AUDIO))


async def test_a_prepared_audio_has_its_thumbnail(bench: Bench):
    still = bench.space.folder / "a.still"
    fetched = FetchedAudio(make_post(audio=AUDIO), bench.file, still)
    prepared = await bench.audio.prepare(fake_request().context, fetched)
    (audio,) = prepared.files
    assert isinstance(audio, AudioFile)
    assert audio.thumbnail == still
    assert prepared.options_of(0).caption == "audio"
    assert (prepared.items, prepared.is_processed) == (1, False)


@pytest.mark.usefixtures("sqlite_db")
async def test_a_request_is_fetched_once_and_then_known(bench: Bench):
    outcomes = [await bench.audio.deliver(fake_request().context) for _ in range(2)]
    assert [outcome.is_known for outcome in outcomes] == [False, True]
    ((files, _),) = bench.tools.sender.sent[:1]
    assert isinstance(files[0], AudioFile)
    assert bench.tools.fetcher.reads == 1


# --- slides ---------------------------------------------------------------------------------------


async def fetch_slides(bench: Bench, post: Post, number: int = 1, **values: Any) -> FetchedAudio:
    attempt = FakeAttempt(post, number, **values)
    context = fake_request(make_request("slides")).context
    fetched = await bench.slides.fetch(cast("Attempt", attempt), context, bench.space)
    assert {file.may_miss for file in attempt.wanted[1:]} == {attempt.is_last}
    assert not attempt.wanted[0].may_miss
    return fetched


async def test_slides_are_the_pictures_of_a_post(bench: Bench):
    fetched = await fetch_slides(bench, make_post(*PICTURES, CLIP, audio=AUDIO))
    assert fetched.file.name == f"{NAME}.audio"
    assert [path.name for path in fetched.pictures] == [f"{NAME}_{n}" for n in (1, 2, 3)]


async def test_in_the_last_attempt_slides_may_miss(bench: Bench):
    post = make_post(*PICTURES, audio=AUDIO)
    fetched = await fetch_slides(bench, post, 3, missing=frozenset({f"{NAME}_2"}))
    assert [path.name for path in fetched.pictures] == [f"{NAME}_1", f"{NAME}_3"]
    with pytest.raises(PlatformUnreachableError):
        await fetch_slides(
            bench, post, 3, missing=frozenset(f"{NAME}_{number}" for number in (1, 2, 3))
        )


@pytest.mark.parametrize(
    ("post", "error"),
    [(make_post(CLIP, audio=AUDIO), NoMediaError), (make_post(*PICTURES), NoAudioError)],
    ids=["no pictures", "no audio"],
)
async def test_slides_need_pictures_and_audio(bench: Bench, post: Post, error: type[Exception]):
    with pytest.raises(error):
        await fetch_slides(bench, post)


@pytest.mark.parametrize(("number", "items"), [(3, 3), (2, None)])
async def test_slides_become_one_video_that_is_cached_if_whole(
    bench: Bench, number: int, items: int | None
):
    pictures = [bench.space.folder / f"{n}" for n in range(number)]
    fetched = FetchedAudio(make_post(*PICTURES, audio=AUDIO), bench.file, pictures=pictures)
    prepared = await bench.slides.prepare(fake_request().context, fetched)
    (video,) = cast("list[VideoFile]", prepared.files)
    assert video.duration_s == bench.tools.media.duration_s
    assert bench.tools.media.steps[-1] == ("slides", " ".join(path.name for path in pictures))
    assert (prepared.items, prepared.is_processed) == (items, True)


def test_both_kinds_are_cached_apart(bench: Bench):
    context = fake_request().context
    assert bench.audio.variant(context) == "sound"
    assert bench.slides.variant(context) == "slides"


# --- what is recorded -----------------------------------------------------------------------------


async def record(bench: Bench, post: Post, **values: Any) -> bool:
    context = fake_request(make_request("sound", **values)).context
    return await bench.audio.record(context, Delivered(post, False, False, PERSON))


@pytest.mark.usefixtures("sqlite_db")
async def test_only_numbered_posts_of_people_with_a_history_are_recorded(bench: Bench):
    await register_chat(PERSON, "en")
    await record(bench, make_post(id="abc"))
    await record(bench, make_post(), is_recorded=False)
    details = await chat_details(PERSON)
    assert details
    assert details.sounds == 0
    assert not await record(bench, make_post())
    details = await chat_details(PERSON)
    assert details
    assert details.sounds == 1


async def test_a_database_that_fails_costs_only_the_history(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("services.requests.audio.add_music", failing)
    assert not await record(bench, make_post())
    events = [getattr(entry, "event", "") for entry in caplog.records]
    assert events.count("audio_not_recorded") == 1
