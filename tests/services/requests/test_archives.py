"""A post's files as archives: what the caption says, and where there is no room."""

from pathlib import Path
from typing import Any, cast

import pytest

from core.errors import SpoolError
from core.media import DocumentFile, Picture
from services.requests.archives import ArchiveService, FetchedFiles
from services.requests.file_id_cache import FileIdCache
from services.requests.kept_answers import Prepared
from services.requests.posts import FetchedPost, PostService
from services.requests.store import RequestStore
from tests.fakes import BOT_ID, FakeTools, fake_request, fake_tools, make_post, make_request

PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(5))


class FakePosts:
    """Prepares files that are on disk; of a post with more items, only some."""

    def __init__(self, files: list[Path], items: int | None) -> None:
        self.files, self.items = files, items

    async def prepare(self, context: Any, fetched: FetchedPost) -> Prepared:
        def options_of(refused: int) -> Any:
            return context.presenter.options(fetched.post, shown=len(self.files), missing=refused)

        files = [DocumentFile(path) for path in self.files]
        return Prepared(fetched.post, files, options_of, is_processed=False, items=self.items)


async def captioned(tools: FakeTools, number: int, items: int | None, bytes_each: int = 10) -> str:
    """Pack the first files of a post of five, and return the caption."""
    async with tools.toolkit.spool.workspace() as space:
        files = [space.folder / f"{n}.jpg" for n in range(number)]
        for path in files:
            path.write_bytes(b"x" * bytes_each)
        cache = FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID)
        posts = cast("PostService", FakePosts(files, items))
        service = ArchiveService(tools.toolkit, cache, posts)
        fetched = FetchedFiles(FetchedPost(make_post(*PICTURES), [], 0), space)
        context = fake_request(make_request("archive", file_mode=True)).context
        return (await service.prepare(context, fetched)).options_of(0).caption


@pytest.mark.parametrize(
    ("number", "items", "is_whole"),
    [(5, 5, True), (4, None, False), (3, 3, False)],
    ids=["all", "with a gap", "the first ones of a long post"],
)
async def test_an_archive_that_is_not_the_whole_post_says_so(
    tmp_path: Path, number: int, items: int | None, is_whole: bool
):
    caption = await captioned(fake_tools(tmp_path), number, items)
    assert (caption == "audio") == is_whole
    assert is_whole or f"{number} shown" in caption


async def test_without_room_for_its_largest_file_twice_nothing_is_packed(tmp_path: Path):
    tools = fake_tools(tmp_path)
    tools.toolkit.spool.quota_bytes = 55
    with pytest.raises(SpoolError):
        await captioned(tools, 5, 5)
    tools.toolkit.spool.quota_bytes = 60
    assert await captioned(tools, 5, 5) == "audio"
