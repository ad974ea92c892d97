"""Archives of lists that share a disk: nobody waits forever, and no room is lost or used twice."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from core.archives import ListArchivePolicy
from core.errors import ClipferryError, MediaDeletedError, UnknownOutcomeError
from core.media import DocumentFile, Link
from delivery.targets import ChatTarget
from platforms import Attempt, Workspace, load_registry
from services.requests.context import RequestContext
from services.requests.kept_answers import Prepared
from services.requests.list_archives import ListArchiveService
from services.requests.posts import FetchedPost, PostService
from tests.fakes import FakeRequest, fake_request, fake_tools, make_post, make_request
from tests.interleavings.explorer import FEW_INTERLEAVINGS, choice, explore, invariant

LIST = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
REGISTRY = load_registry()
IDS = tuple(f"730000000000000000{number}" for number in range(2))
#: A part of a quarter of it takes two files.
QUOTA, SIZE = 1_200_000, 90_000
#: Each run takes hundreds of steps.
RUNS = 600


class Posts:
    """Posts of one file each; some are gone."""

    async def fetch(
        self, _attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedPost:
        if choice([False, False, False, True]):
            raise MediaDeletedError
        await space.reserve(SIZE * choice([1, 4]))
        await asyncio.sleep(0)
        await space.shrink(SIZE)
        with (space.folder / f"{context.link.post_id}.mp4").open("wb") as file:
            file.truncate(SIZE)
        return FetchedPost(make_post(id=context.link.post_id), cast("Any", space), 0)

    async def prepare(self, _context: RequestContext, fetched: FetchedPost) -> Prepared:
        files = [DocumentFile(path) for path in cast("Workspace", fetched.items).folder.iterdir()]
        return Prepared(fetched.post, files, cast("Any", None), is_processed=False, items=1)


class Telegram:
    """Takes parts, and does not always answer."""

    ceiling_bytes = 50_000_000

    def __init__(self) -> None:
        self.sent: Counter[int] = Counter()

    async def send(
        self, target: ChatTarget, files: Sequence[Any], _options: Any, journal: Any
    ) -> tuple[Any, ...]:
        await journal.record_sending(1)
        await asyncio.sleep(0)
        self.sent[target.chat_id] += 1
        if choice([False, False, True]):
            raise UnknownOutcomeError
        await journal.record_sent([100])
        return ()


async def archive(target: Path, _files: Sequence[tuple[Path, str]]) -> DocumentFile:
    await asyncio.sleep(0)
    target.touch()
    return DocumentFile(target)


def request(chat_id: int) -> FakeRequest:
    wanted = make_request("list_archive", LIST, file_mode=True, posts=IDS, chat_id=chat_id)
    return fake_request(wanted)


def test_archives_that_share_a_disk_wait_for_nobody_forever(tmp_path: Path):
    async def scenario() -> None:
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        tools, telegram = fake_tools(tmp_path), Telegram()
        toolkit = replace(tools.toolkit, sender=cast("Any", telegram))
        spool = toolkit.spool
        spool.quota_bytes = QUOTA
        cast("Any", tools.fetcher).registry = REGISTRY
        cast("Any", tools.media).archive = archive
        invariant(lambda: 0 <= spool.reserved_bytes <= QUOTA, "the quota is kept")
        service = ListArchiveService(
            toolkit, cast("PostService", Posts()), ListArchivePolicy(turn_s=choice([0.0, 120.0]))
        )
        requests = [request(chat_id) for chat_id in (1, 2, 3)]
        tasks = [asyncio.create_task(service.deliver(one.context)) for one in requests]
        for _ in range(choice([0, 3, 9, 20])):
            await asyncio.sleep(0)
        tasks[choice([0, 1, 2])].cancel()
        if choice([False, False, True]):
            toolkit.slots.close()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        bugs = [end for end in ends if isinstance(end, Exception)]
        assert all(isinstance(bug, ClipferryError) for bug in bugs)
        assert (spool.reserved_bytes, [*tmp_path.iterdir()]) == (0, [])
        for one, end in zip(requests, ends, strict=True):
            if not isinstance(end, BaseException):
                assert one.stored.progress.settled == len(IDS)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS
