"""The subtitles of a post: in which language, in which format, and for whom they are known."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from core.choices import Piece
from core.errors import NoSubtitlesError, PlatformChangedError, TooLargeError
from core.media import Clip, DocumentFile, Picture, Post, Rendition, Subtitles
from core.request import Selection
from platforms import Attempt, Workspace
from services.requests.context import RequestContext
from services.requests.file_id_cache import FileIdCache
from services.requests.store import RequestStore
from services.requests.subtitles import FetchedSubtitles, SubtitleService
from tests.fakes import (
    BOT_ID,
    LINK,
    FakeAttempt,
    FakeTools,
    fake_request,
    fake_tools,
    make_post,
    make_request,
)


def in_language(language: str, **values: Any) -> Subtitles:
    """Return subtitles that the site offers in two formats."""
    urls = tuple(f"https://cdn.example/{language}.{suffix}" for suffix in ("vtt", "json"))
    return Subtitles(language, urls, **values)


CLIP = Clip((Rendition(("https://cdn.example/v",), "h264", 576, 1024, 1_000),))
POST = make_post(
    replace(CLIP, subtitles=(in_language("de"), in_language("pt-BR"), in_language("uk")))
)
PIECE = Piece(30, 70)


@dataclass
class Bench:
    tools: FakeTools
    space: Workspace
    service: SubtitleService

    async def fetch(
        self, attempt: FakeAttempt, context: RequestContext | None = None
    ) -> FetchedSubtitles:
        context = context or asked("uk")
        return await self.service.fetch(cast("Attempt", attempt), context, self.space)


def asked(language: str, piece: Piece | None = None) -> RequestContext:
    selection = Selection(subtitles=language, piece=piece)
    return fake_request(make_request("subtitles", selection=selection)).context


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    tools = fake_tools(tmp_path, post=POST)
    service = SubtitleService(
        tools.toolkit, FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID)
    )
    async with tools.toolkit.spool.workspace() as space:
        yield Bench(tools, space, service)


@pytest.mark.parametrize(("wanted", "got"), [("uk", "uk"), ("pt", "pt-BR"), ("hi", "de")])
async def test_subtitles_come_in_the_language_that_is_closest(bench: Bench, wanted: str, got: str):
    attempt = FakeAttempt(POST)
    fetched = await bench.fetch(attempt, asked(wanted))
    assert attempt.names == [f"{LINK.post_id}.{got}.txt"]
    assert fetched.file.name == attempt.names[0]
    # Each format is tried by itself, in the site's order.
    (wanted_file,) = attempt.wanted
    assert [url for version in wanted_file.versions for url in version.urls] == [
        *in_language(got).urls
    ]
    assert all(len(version.urls) == 1 for version in wanted_file.versions)


@pytest.mark.parametrize(
    "post",
    [make_post(CLIP), make_post(Picture(("https://cdn.example/1",)))],
    ids=["no subtitles", "no video"],
)
async def test_a_post_without_subtitles_is_named(bench: Bench, post: Post):
    attempt = FakeAttempt(post)
    with pytest.raises(NoSubtitlesError, match=LINK.url):
        await bench.fetch(attempt)
    assert attempt.wanted == []


async def test_subtitles_that_are_too_large_are_none_that_the_person_could_shorten(bench: Bench):
    attempt = FakeAttempt(POST, failure=TooLargeError(None, 4_000_000))
    with pytest.raises(PlatformChangedError):
        await bench.fetch(attempt)


@pytest.mark.parametrize(("piece", "name"), [(None, "a.srt"), (PIECE, "a.30-70.srt")])
async def test_they_are_converted_and_sent_as_a_file(bench: Bench, piece: Piece | None, name: str):
    fetched = FetchedSubtitles(POST, bench.space.folder / "a.txt")
    prepared = await bench.service.prepare(asked("uk", piece), fetched)
    assert prepared.files == [DocumentFile(bench.space.folder / name)]
    assert prepared.options_of(0).caption == "audio"


@pytest.mark.usefixtures("sqlite_db")
async def test_each_language_and_piece_is_fetched_once(bench: Bench):
    wishes = [("uk", None), ("uk", None), ("de", None), ("uk", PIECE), ("uk", PIECE)]
    outcomes = [await bench.service.deliver(asked(*wish)) for wish in wishes]
    assert [outcome.is_known for outcome in outcomes] == [False, True, False, False, True]
    assert bench.tools.fetcher.reads == 3
