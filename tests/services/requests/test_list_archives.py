"""Posts of a list as archives: parts, what is missing, and what is not sent again."""

import asyncio
import io
import zipfile
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aiogram.methods import SendDocument

from core.archives import ListArchivePolicy
from core.errors import (
    ClipferryError,
    FileRejectedError,
    MediaDeletedError,
    NoPostsError,
    PlatformUnreachableError,
    PostsGoneError,
    PostsTroubleError,
    SpoolError,
    TooLargeError,
    UnknownOutcomeError,
)
from core.media import DocumentFile, Link
from core.request import REFUSED, UNKNOWN, Progress
from delivery.rate_limiter import on_send_start
from media.archives import pack
from platforms import Attempt, Workspace, load_registry
from services.requests.context import RequestContext
from services.requests.kept_answers import Prepared
from services.requests.list_archives import ListArchiveService
from services.requests.posts import FetchedPost, PostService
from tests.fakes import (
    FakeTelegram,
    RecordingSession,
    fake_request,
    fake_tools,
    make_post,
    make_request,
    settle,
)

LIST = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
IDS = tuple(f"730000000000000000{number}" for number in range(5))
#: With a part of a quarter of it, two files of the size below fit into a part.
QUOTA = 1_200_000
SIZE = 90_000


class FakePosts:
    """Posts of one file each; those in `failures` cannot be fetched."""

    def __init__(self) -> None:
        self.failures: dict[str, ClipferryError] = {}
        self.size = SIZE
        self.fetched: list[str] = []
        #: What is reserved before the download, if that is more.
        self.expected = 0
        self.incomplete = ""
        #: Started with the first fetch.
        self.at_first: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.task: asyncio.Task[None] | None = None

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedPost:
        post_id = context.link.post_id or ""
        self.fetched.append(post_id)
        if self.at_first and not self.task:
            self.task = asyncio.create_task(self.at_first())
            await settle()
        if error := self.failures.get(post_id):
            raise error
        await space.reserve(self.expected or self.size)
        await space.shrink(self.size)
        (space.folder / f"{post_id}.mp4").write_bytes(post_id[-1:].encode() * self.size)
        return FetchedPost(make_post(id=post_id), cast("Any", space), 0)

    async def prepare(self, context: RequestContext, fetched: FetchedPost) -> Prepared:
        space = cast("Workspace", fetched.items)
        files = [DocumentFile(path) for path in space.folder.iterdir()]
        items = None if fetched.post.id == self.incomplete else 1
        return Prepared(fetched.post, files, cast("Any", None), is_processed=False, items=items)


class Session(RecordingSession):
    """Tells, like the real one, when a call leaves."""

    async def make_request(self, *arguments: Any, **named: Any) -> Any:
        if begin := on_send_start.get():
            await begin()
        return await super().make_request(*arguments, **named)


class Packing:
    """The service with real archives and a recording Telegram."""

    def __init__(self, folder: Path, telegram: FakeTelegram, posts: FakePosts) -> None:
        self.folder, self.telegram, self.posts = folder, telegram, posts
        self.tools = fake_tools(folder, slots=1)
        self.tools.toolkit.spool.quota_bytes = QUOTA
        cast("Any", self.tools.fetcher).registry = load_registry()
        self.policy = ListArchivePolicy()

        async def archive(target: Path, files: Sequence[tuple[Path, str]]) -> DocumentFile:
            return DocumentFile(pack(target, files))

        cast("Any", self.tools.media).archive = archive

    async def deliver(self, progress: Progress | None = None, posts: Sequence[str] = IDS) -> Any:
        request = make_request("list_archive", LIST, file_mode=True, posts=tuple(posts))
        self.request = fake_request(request, progress=progress)
        toolkit = replace(self.tools.toolkit, sender=self.telegram.sender)
        service = ListArchiveService(toolkit, cast("PostService", self.posts), self.policy)
        delivered = await service.deliver(self.request.context)
        assert not await service.record(self.request.context, delivered)
        return delivered

    @property
    def parts(self) -> dict[str, list[str]]:
        """Return the names in each archive that was sent, by its own name."""
        contents = self.telegram.session.uploads
        return {name: _open(content).namelist() for name, content in contents.items()}

    @property
    def captions(self) -> list[str | None]:
        return [call.caption for call in self.telegram.of(SendDocument)]

    def is_tidy(self) -> bool:
        """Return True if nothing is left on the disk."""
        return not self.tools.toolkit.spool.reserved_bytes and not [*self.folder.iterdir()]


def _open(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.fixture
def packing(tmp_path: Path, telegram: FakeTelegram) -> Packing:
    telegram.bot.session = telegram.session = Session()
    return Packing(tmp_path, telegram, FakePosts())


def member(index: int) -> str:
    return f"0{index + 1}_{IDS[index]}.mp4"


async def test_posts_that_fit_come_as_one_archive(packing: Packing):
    delivered = await packing.deliver(posts=IDS[:2])
    assert packing.parts == {"ferry_demo.zip": [member(0), member(1)]}
    assert packing.captions == ["1-2 of 2, 0 missing"]
    progress = packing.request.stored.progress
    assert (len({*progress.sent}), progress.settled, progress.total) == (1, 2, 2)
    assert delivered.post.id == "@ferry.demo"
    archive = _open(packing.telegram.session.uploads["ferry_demo.zip"])
    assert archive.testzip() is None
    assert archive.read(member(1)) == b"1" * SIZE
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert packing.is_tidy()


async def test_what_does_not_fit_comes_in_parts(packing: Packing):
    await packing.deliver()
    assert packing.parts == {
        "ferry_demo.1.zip": [member(0), member(1)],
        "ferry_demo.2.zip": [member(2), member(3)],
        "ferry_demo.3.zip": [member(4)],
    }
    assert packing.captions == [f"{span} of 5, 0 missing" for span in ("1-2", "3-4", "5-5")]
    first, second, third, fourth, fifth = packing.request.stored.progress.sent
    assert 0 < first == second < third == fourth < fifth
    assert packing.posts.fetched == list(IDS)
    assert packing.is_tidy()


async def test_posts_that_cannot_be_fetched_are_named_in_the_archive(packing: Packing):
    packing.posts.failures = {IDS[0]: MediaDeletedError(), IDS[2]: PlatformUnreachableError("x")}
    packing.posts.incomplete = IDS[1]
    await packing.deliver(posts=IDS[:3])
    assert packing.parts == {"ferry_demo.zip": [member(1), "missing.txt"]}
    assert packing.captions == ["1-3 of 3, 3 missing"]
    report = _open(packing.telegram.session.uploads["ferry_demo.zip"]).read("missing.txt").decode()
    codes = [part.rpartition(" ")[2] for part in report.split(" https")]
    assert len(codes) == 3
    assert all(post_id in report for post_id in IDS[:3])
    # What is missing is not waited for, and not fetched again.
    assert packing.request.stored.progress.sent == (REFUSED,) * 3
    assert packing.is_tidy()


@pytest.mark.parametrize(
    ("others", "said"),
    [(MediaDeletedError(), PostsGoneError), (PlatformUnreachableError(), PostsTroubleError)],
)
async def test_without_any_post_it_is_said_what_is_true_of_all(
    packing: Packing, others: ClipferryError, said: type[ClipferryError]
):
    packing.posts.failures = {IDS[0]: MediaDeletedError(), **dict.fromkeys(IDS[1:], others)}
    with pytest.raises(said):
        await packing.deliver()
    assert packing.parts == {}
    assert packing.is_tidy()


async def test_what_was_sent_before_a_crash_is_not_fetched_again(packing: Packing):
    await packing.deliver(Progress((501, 501, REFUSED), 5))
    assert packing.posts.fetched == [IDS[3], IDS[4]]
    assert packing.parts == {"ferry_demo.2.zip": [member(3), member(4)]}
    assert packing.captions == ["4-5 of 5, 0 missing"]
    assert packing.request.stored.progress.sent[:3] == (501, 501, REFUSED)


async def test_after_a_crash_that_left_only_missing_posts_they_are_named(packing: Packing):
    packing.posts.failures = {IDS[4]: MediaDeletedError()}
    await packing.deliver(Progress((501, 501, 502, 502), 5))
    assert packing.parts == {"ferry_demo.3.zip": ["missing.txt"]}
    assert packing.captions == ["5-5 of 5, 1 missing"]


async def test_an_answer_that_was_complete_sends_nothing(packing: Packing):
    await packing.deliver(Progress((501,) * 5, 5))
    assert (packing.posts.fetched, packing.parts) == ([], {})


async def test_a_part_without_a_response_is_left_open_and_the_others_are_sent(packing: Packing):
    packing.telegram.fail(SendDocument, UnknownOutcomeError("no response"))
    await packing.deliver()
    progress = packing.request.stored.progress
    assert progress.sent[:2] == (UNKNOWN, UNKNOWN)
    assert progress.is_uncertain
    assert [len(names) for names in packing.parts.values()] == [2, 1]
    # The button fetches what may be missing.
    again = progress.wanted_again()
    packing.posts.fetched.clear()
    await packing.deliver(again)
    assert packing.posts.fetched == [IDS[0], IDS[1]]
    assert not packing.request.stored.progress.is_uncertain


async def test_beside_a_part_that_may_have_arrived_missing_posts_are_named(packing: Packing):
    """Nothing is certain about the first part, so it is not said that there is no post."""
    packing.posts.failures = {IDS[4]: MediaDeletedError()}
    await packing.deliver(Progress((UNKNOWN,) * 4, 5))
    assert packing.parts == {"ferry_demo.zip": ["missing.txt"]}


async def test_a_part_that_telegram_refuses_ends_the_request(packing: Packing):
    packing.telegram.fail(SendDocument, FileRejectedError("refused"))
    with pytest.raises(FileRejectedError):
        await packing.deliver()
    assert packing.request.stored.progress.sent == ()
    assert packing.is_tidy()


async def test_a_post_larger_than_a_part_is_left_out(packing: Packing):
    packing.posts.size = QUOTA // 4
    with pytest.raises(NoPostsError) as caught:
        await packing.deliver(posts=IDS[:2])
    assert isinstance(caught.value.__cause__, TooLargeError)


async def test_of_a_single_post_it_is_said_why_it_cannot_be_fetched(packing: Packing):
    packing.posts.failures = {IDS[0]: MediaDeletedError()}
    with pytest.raises(MediaDeletedError):
        await packing.deliver(posts=IDS[:1])


async def test_a_full_disk_ends_the_request(packing: Packing):
    spool = packing.tools.toolkit.spool
    async with spool.workspace() as other:
        await other.reserve(QUOTA - SIZE)
        with pytest.raises(SpoolError):
            await packing.deliver()
    assert packing.parts == {}


@pytest.mark.parametrize("expected", [SIZE, 2 * SIZE])
async def test_a_part_gives_its_room_to_the_next_post(packing: Packing, expected: int):
    spool, packing.posts.expected = packing.tools.toolkit.spool, expected
    async with spool.workspace() as other:
        # Room for a post, which comes with it into the part, and for packing it; not for two.
        await other.reserve(QUOTA - 2 * SIZE - 1_000)
        async with asyncio.timeout(30):
            await packing.deliver(posts=IDS[:3])
    assert [len(names) for names in packing.parts.values()] == [1, 1, 1]


async def test_what_is_over_the_limits_is_left_out(packing: Packing):
    packing.policy = ListArchivePolicy(most_bytes=SIZE)
    await packing.deliver(posts=IDS[:3])
    assert packing.posts.fetched == [IDS[0]]
    assert packing.captions == ["1-3 of 3, 2 missing"]


async def test_a_request_that_has_waited_long_enough_is_served_between_two_parts(packing: Packing):
    packing.policy = ListArchivePolicy(turn_s=0)
    slots, served = packing.tools.toolkit.slots, []
    other = fake_request(make_request(chat_id=8)).context.lane

    async def wait() -> None:
        async with slots.one(other):
            served.append((len(packing.parts), packing.tools.toolkit.spool.reserved_bytes))

    packing.posts.at_first = wait
    await packing.deliver(posts=IDS[:3])
    assert served == [(1, 0)]  # and no room on the disk is held meanwhile
    assert [len(names) for names in packing.parts.values()] == [1, 2]
