"""Posts of a list as ZIP archives: parts under Telegram's limit, one after the other.

Posts are fetched one after the other, and packed and sent as a part when the next one does not fit.
The journal of the answer counts posts, not files: what has arrived with a part is not fetched again
after a crash, and a part without a response can be sent again.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.archives import (
    MISSING,
    ListArchivePolicy,
    names_of_post,
    needed_bytes,
    part_name,
)
from core.errors import (
    BrokenFileError,
    BrokenLinkError,
    BusyError,
    ClipferryError,
    LimitError,
    LinkError,
    MediaError,
    PlatformError,
    SpoolError,
    TooLargeError,
    UnknownOutcomeError,
)
from core.formats import Quality
from core.lists import about_posts
from core.media import Access, DocumentFile, Link, Post
from core.request import MOST_ITEMS, REFUSED, Progress, Selection
from delivery.targets import ChatTarget
from platforms import Attempt, Workspace
from services.requests.context import Delivered, RequestContext, Toolkit
from services.requests.kept_answers import Prepared
from services.requests.posts import FetchedPost, PostService
from services.requests.recovery import send_following
from services.requests.store import StoredRequest

#: Failures of a single post. Those of the disk, the database and Telegram end the request.
_OF_A_POST = (LinkError, MediaError, LimitError, PlatformError)


@dataclass(slots=True)
class _Part:
    """The posts that go into the next archive; their files are on disk."""

    space: Workspace
    #: Indexes of the posts that it stands for, in order.
    posts: list[int] = field(default_factory=list)
    #: Those that are not in it as a whole, and why.
    missing: dict[int, ClipferryError] = field(default_factory=dict)
    #: Its files and their names, in order.
    files: list[tuple[Path, str]] = field(default_factory=list)
    #: Bytes of its files in the archive, and of the largest one: packing needs that room twice.
    size: int = 0
    largest: int = 0

    def reserve(self, size: int, source: Workspace) -> bool:
        """Reserve room for another post, also while it is packed; return False if there is none.

        `source` has the files of the post, whose room comes with them.
        """
        needed = self.size + size + max(self.largest, size)
        moved = self.space.take_over(source, needed - self.space.reserved)
        if self.space.extend(needed):
            return True
        source.take_over(self.space, moved)
        return False

    def add(self, index: int, files: Sequence[tuple[Path, str]], size: int) -> None:
        """Move the files of a post here."""
        for path, name in files:
            self.files.append((path.rename(self.space.folder / name), name))
        self.posts.append(index)
        self.size, self.largest = self.size + size, max(self.largest, size)

    def leave_out(self, index: int, error: ClipferryError) -> None:
        """Note that a post could not be fetched."""
        self.posts.append(index)
        self.missing[index] = error

    async def clear(self) -> None:
        """Begin the next part: delete this one, and release its space."""
        for path in self.space.folder.iterdir():
            path.unlink()
        await self.space.shrink(0)
        self.posts, self.missing, self.files = [], {}, []
        self.size = self.largest = 0


@dataclass(slots=True)
class _PartJournal:
    """Records a part as its posts in the journal of the whole answer.

    A post that could not be fetched is recorded as refused, so that it is never waited for.
    """

    stored: StoredRequest
    part: _Part

    @property
    def progress(self) -> Progress:
        """Return what is being sent; of the part itself nothing was sent before."""
        return replace(self.stored.progress, sent=())

    def record_total(self, files: int) -> None:
        """Do nothing: the number of posts is recorded."""

    async def record_sending(self, files: int) -> None:  # noqa: ARG002 - a part is one file
        """Record that the posts are about to be sent."""
        await self.stored.record_sending(len(self.part.posts))

    def may_send(self) -> bool:
        """Return False if the send must not leave although it is recorded."""
        return self.stored.may_send()

    async def ensure_ours(self) -> None:
        """Wait until no other process can have taken the request over."""
        await self.stored.ensure_ours()

    async def record_not_sent(self) -> None:
        """Record that the part has certainly not arrived."""
        await self.stored.record_not_sent()

    def begin_upload(self, size: int) -> None:
        """Take the size of the part in bytes."""
        self.stored.begin_upload(size)

    def count_uploaded(self, size: int) -> None:
        """Count bytes that have left."""
        self.stored.count_uploaded(size)

    async def record_unknown(self) -> None:
        """Record that the part may have arrived."""
        await self.stored.record_unknown()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Record the message of the part for each of its posts."""
        part, (message_id,) = self.part, message_ids
        sent = [REFUSED if index in part.missing else message_id for index in part.posts]
        await self.stored.record_sent(sent)


class ListArchiveService:
    """Answers with posts of a list in archives, which have the original files."""

    def __init__(self, toolkit: Toolkit, posts: PostService, policy: ListArchivePolicy) -> None:
        self._toolkit = toolkit
        self._posts = posts
        self._policy = policy

    async def deliver(self, context: RequestContext) -> Delivered:
        """Fetch, pack and send the posts that have not arrived yet.

        Without a slot the request holds no disk space, because requests with one may wait for it.

        Raises:
            ClipferryError: none of them could be fetched, and why; of a single one, its error.
            SpoolError: there is no room on the disk.
            DeliveryError: Telegram did not take a part.
        """
        await context.status.accepted()
        toolkit, stored = self._toolkit, context.stored
        stored.record_total(len(stored.request.selection.posts))
        await stored.begin()
        left = deque(stored.progress.left_of(range(len(stored.request.selection.posts))))
        async with toolkit.spool.workspace() as space:
            packing = _Packing(toolkit, self._posts, self._policy, context, _Part(space))
            while left:
                async with toolkit.slots.one(context.lane):
                    await self._take_turn(packing, left)
        link = context.link
        about = Post(link.platform, link.post_id or "", link.url, Access(proxy=""))
        return Delivered(about, is_processed=False, is_known=False, chat_id=packing.chat_id)

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:  # noqa: ARG002 - an archive is no post
        """Record nothing."""
        return False

    async def _take_turn(self, packing: "_Packing", left: deque[int]) -> None:
        """Fetch and send posts until none is left, or others have waited long enough."""
        ends_at = time.monotonic() + self._policy.turn_s
        while left:
            await packing.add(left.popleft())
            if self._toolkit.slots.waiting and time.monotonic() >= ends_at:
                break
        await packing.send(is_last=not left)


class _Packing:
    """Fills the parts of one answer, and sends them."""

    def __init__(
        self,
        toolkit: Toolkit,
        posts: PostService,
        policy: ListArchivePolicy,
        context: RequestContext,
        part: _Part,
    ) -> None:
        self._toolkit = toolkit
        self._posts = posts
        self._policy = policy
        self._context = context
        self._part = part
        self._begun_at = time.monotonic()
        #: Bytes of all parts.
        self._packed_bytes = 0
        self._room = policy.room(toolkit.sender.ceiling_bytes, toolkit.spool.quota_bytes)
        #: The chat, under its new id if the group has become a supergroup.
        self.chat_id = context.chat_id

    async def add(self, index: int) -> None:
        """Add a post to the current part, or note why it is not in it.

        While the part has files, nothing waits for room on the disk: two requests that hold some
        and wait for more would wait for each other. The part is sent instead, which frees its room.

        Raises:
            SpoolError: there is no room even so.
            DeliveryError: Telegram did not take the current part.
        """
        passed_s = time.monotonic() - self._begun_at
        if not self._policy.may_begin(passed_s, self._packed_bytes):
            self._part.leave_out(index, BusyError("the archive has reached its limits"))
            return
        for may_wait in (False, True) if self._part.files else (True,):
            async with self._toolkit.spool.workspace(may_wait=may_wait) as space:
                try:
                    fetched = await self._fetch(index, space)
                except SpoolError:
                    if may_wait:
                        raise
                except _OF_A_POST as error:
                    self._part.leave_out(index, error)
                    return
                else:
                    await self._take(index, space, *fetched)
                    return
            await self.send()

    async def send(self, *, is_last: bool = False) -> None:
        """Pack and send the current part, and begin the next one.

        Raises:
            ClipferryError: none of all the posts could be fetched; of a single one, its error.
            DeliveryError: Telegram did not take the part.
        """
        part, stored = self._part, self._context.stored
        if not part.files and not (is_last and part.posts):
            return  # what is missing is named in the next part
        total, missing = len(stored.request.selection.posts), len(part.missing)
        if not part.files and not stored.progress.sent:
            first = next(iter(part.missing.values()))
            if total == 1:
                raise first
            raise about_posts(part.missing.values()) from first
        archive = await self._pack(is_last=is_last)
        places = part.posts[0] + 1, part.posts[-1] + 1
        options = self._context.presenter.list_archive(places, total, missing)
        await self._context.status.sending()
        journal = _PartJournal(stored, part)

        async def send(target: ChatTarget) -> None:
            await self._toolkit.sender.send(target, [archive], options, journal)

        with self._toolkit.metrics.stage("send"):
            try:
                _, self.chat_id = await send_following(self._context, send)
            except UnknownOutcomeError:
                await journal.record_unknown()  # the next parts are sent all the same
        await part.clear()

    async def _fetch(
        self, index: int, space: Workspace
    ) -> tuple[list[tuple[Path, str]], int, ClipferryError | None]:
        """Fetch the files of a post, and name them for the archive.

        Return the files with their names in the archive, their size there, and why the post is not
        there as a whole.

        Raises:
            SpoolError: there is no room on the disk at the moment.
            ClipferryError: why the post is not in the archive.
        """
        prepared = await self._read(self._link(index), index, space)
        paths = [file.path for file in prepared.files]
        total, post_name = len(self._context.request.selection.posts), prepared.post.file_name
        names = names_of_post(index + 1, total, post_name, [path.suffix for path in paths])
        files = list(zip(paths, names, strict=True))
        size = sum(needed_bytes(path.stat().st_size, name) for path, name in files)
        if size > self._room:
            raise TooLargeError(size, self._room)
        error = BrokenFileError("an item is missing") if prepared.items is None else None
        return files, size, error

    async def _take(
        self,
        index: int,
        source: Workspace,
        files: Sequence[tuple[Path, str]],
        size: int,
        error: ClipferryError | None,
    ) -> None:
        """Move the files of a post from `source` into the current part, or into the next one.

        Raises:
            SpoolError: there is no room on the disk.
            DeliveryError: Telegram did not take the current part.
        """
        if self._part.size + size > self._room or not self._part.reserve(size, source):
            await self.send()
            if not self._part.reserve(size, source):
                raise SpoolError("no room for an archive")
        self._part.add(index, files, size)
        self._packed_bytes += size
        if error:
            self._part.missing[index] = error

    async def _read(self, link: Link, index: int, space: Workspace) -> Prepared:
        """Fetch the original files of a post.

        Raises:
            ClipferryError: why that is impossible.
        """
        inner, toolkit = _context_of(link, self._context), self._toolkit
        downloads = self._context.work.begin_download()
        downloads.items, downloads.items_done = len(self._context.request.selection.posts), index

        async def once(attempt: Attempt) -> FetchedPost:
            try:
                return await self._posts.fetch(attempt, inner, space)
            finally:
                toolkit.metrics.traffic.downloaded(inner.work.downloads.received)

        with toolkit.metrics.stage("fetch"):
            fetched = await toolkit.fetcher.attempt(link, once)
        with toolkit.metrics.stage("shape"):
            return await self._posts.prepare(inner, fetched)

    async def _pack(self, *, is_last: bool) -> DocumentFile:
        """Pack the current part, with a text that says which of its posts are missing.

        Raises:
            SpoolError: the disk is full.
            MediaTimeoutError: it took too long.
        """
        part, context = self._part, self._context
        files = list(part.files)
        if part.missing:
            named = {self._link(index, is_named=True).url: e for index, e in part.missing.items()}
            report = part.space.folder / MISSING
            report.write_text(context.presenter.missing_posts(named), encoding="utf-8")
            files.append((report, MISSING))
        sent = {number for number in context.stored.progress.sent if number > 0}
        list_id = context.link.post_id or context.link.platform
        name = part_name(list_id, len(sent) + 1, is_only=is_last and not sent)
        return await self._toolkit.media.archive(part.space.folder / name, files)

    def _link(self, index: int, *, is_named: bool = False) -> Link:
        """Return the link to a post; with `is_named` also one that cannot be fetched any more.

        Raises:
            BrokenLinkError: its site is not allowed any more.
        """
        request, registry = self._context.request, self._toolkit.fetcher.registry
        platform, post_id = request.link.platform, request.selection.posts[index]
        link = registry.link_to(platform, post_id)
        if link is None and not is_named:
            raise BrokenLinkError("no post of an allowed site")
        return link or Link(platform, post_id, post_id)


def _context_of(link: Link, context: RequestContext) -> RequestContext:
    """Return the context of one post, whose progress is not that of the whole answer."""
    preferences = replace(context.preferences, album_cap=MOST_ITEMS, quality=Quality.BEST)
    request = replace(context.request, kind="post", link=link, selection=Selection())
    return replace(context, link=link, preferences=preferences, stored=StoredRequest(request))
