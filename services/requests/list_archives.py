"""Posts of a list as ZIP archives: parts under Telegram's limit, one after the other.

A part is packed while its posts are fetched, and sent when the next post does not fit. The journal
of the answer counts posts, not files: what has arrived with a part is not fetched again after a
crash, and a part without a response can be sent again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from core.archives import (
    MISSING,
    ListArchivePolicy,
    files_bytes,
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
    ListTroubleError,
    MediaError,
    PlatformError,
    SpoolError,
    TooLargeError,
)
from core.media import Access, DocumentFile, Link, Post
from core.request import MOST_ITEMS, REFUSED, Progress
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
    """The archive that is packed at the moment."""

    space: Workspace
    #: Indexes of the posts that it stands for, in order.
    posts: list[int] = field(default_factory=list)
    #: Those that are not in it as a whole, and why.
    missing: dict[int, ClipferryError] = field(default_factory=dict)
    #: Bytes of its files.
    size: int = 0

    @property
    def path(self) -> Path:
        """The archive; it does not exist while the part has no files."""
        return self.space.folder / "part.zip"

    def leave_out(self, index: int, error: ClipferryError) -> None:
        """Note that a post could not be fetched."""
        self.posts.append(index)
        self.missing[index] = error

    async def clear(self) -> None:
        """Begin the next part: delete this one, and release its space."""
        for path in self.space.folder.iterdir():
            path.unlink()
        await self.space.shrink(0)
        self.posts, self.missing, self.size = [], {}, 0


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

    async def record_sending(self, files: int) -> None:
        """Record that the posts are about to be sent."""
        await self.stored.record_sending(len(self.part.posts))

    def may_send(self) -> bool:
        """Return False if the send must not leave although it is recorded."""
        return self.stored.may_send()

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
    """Answers with posts of a list in archives, with the original files."""

    def __init__(
        self,
        toolkit: Toolkit,
        posts: PostService,
        policy: ListArchivePolicy = ListArchivePolicy(),
    ) -> None:
        self._toolkit = toolkit
        self._posts = posts
        self._policy = policy

    async def deliver(self, context: RequestContext) -> Delivered:
        """Fetch, pack and send the posts that have not arrived yet.

        Raises:
            ListTroubleError: none of them could be fetched.
            SpoolError: there is no room on the disk.
            DeliveryError: Telegram did not take a part.
        """
        await context.status.accepted()
        stored, total = context.stored, len(context.stored.request.posts)
        stored.record_total(total)
        await stored.begin()
        async with self._toolkit.spool.workspace() as space:
            packing = _Packing(self._toolkit, self._posts, self._policy, context, _Part(space))
            for index in stored.progress.left_of(range(total)):
                async with self._toolkit.slots.one(context.lane):
                    await packing.add(index)
            async with self._toolkit.slots.one(context.lane):
                await packing.send(is_last=True)
        link = context.link
        about = Post(link.platform, link.post_id or "", link.url, Access(proxy=""))
        return Delivered(about, is_processed=False, is_known=False, chat_id=packing.chat_id)

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Record nothing: an archive is no post."""
        return False


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
        #: The chat, under its new id if the group has become a supergroup.
        self.chat_id = context.chat_id

    @property
    def _ids(self) -> tuple[str, ...]:
        return self._context.stored.request.posts

    @property
    def _room(self) -> int:
        """How many bytes the files of a part may have."""
        ceiling, spool = self._toolkit.sender.ceiling_bytes, self._toolkit.spool.quota_bytes
        return files_bytes(self._policy.part_bytes(ceiling, spool))

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
        while True:
            try:
                await self._fetch(index)
            except SpoolError:
                if not self._part.size:
                    raise
                await self.send()
                continue
            except _OF_A_POST as error:
                self._part.leave_out(index, error)
            return

    async def send(self, *, is_last: bool = False) -> None:
        """Send the current part, and begin the next one.

        Raises:
            ListTroubleError: it has no files, because none of its posts could be fetched.
            DeliveryError: Telegram did not take it.
        """
        part, presenter, sender = self._part, self._context.presenter, self._toolkit.sender
        if not part.posts:
            return
        if not part.size:
            first = next(iter(part.missing.values()))
            raise ListTroubleError(f"none of {len(part.posts)} posts") from first
        await self._add_report()
        archive = part.path.rename(part.space.folder / self._name(is_last=is_last))
        places = part.posts[0] + 1, part.posts[-1] + 1
        options = presenter.list_archive(places, len(self._ids), list(part.missing))
        journal = _PartJournal(self._context.stored, part)

        async def send(target: ChatTarget) -> None:
            await sender.send(target, [DocumentFile(archive)], options, journal)

        await self._context.status.sending()
        with self._toolkit.metrics.stage("send"):
            _, self.chat_id = await send_following(self._context, send)
        await part.clear()

    async def _fetch(self, index: int) -> None:
        """Fetch a post, and pack its files; the current part is sent before if they do not fit."""
        link = self._link(index)
        may_wait = not self._part.size
        async with self._toolkit.spool.workspace(may_wait=may_wait) as space:
            prepared = await self._read(link, index, space)
            paths = [file.path for file in prepared.files]
            name = prepared.post.file_name
            suffixes = [path.suffix for path in paths]
            names = names_of_post(index + 1, len(self._ids), name, suffixes)
            await self._pack(index, list(zip(paths, names, strict=True)))
        if prepared.items is None:
            self._part.missing[index] = BrokenFileError("a part of the post is missing")

    async def _pack(self, index: int, files: Sequence[tuple[Path, str]]) -> None:
        """Move files of a post into the current part, or into the next one.

        Raises:
            TooLargeError: they are too large for any part.
            SpoolError: there is no room on the disk.
        """
        part = self._part
        needed = sum(needed_bytes(path.stat().st_size, name) for path, name in files)
        if needed > self._room:
            raise TooLargeError(needed, self._room)
        if part.size + needed > self._room:
            await self.send()
        if not part.space.extend(part.size + needed):
            raise SpoolError("no room for an archive")
        await self._toolkit.media.archive(part.path, files)
        part.posts.append(index)
        part.size += needed
        self._packed_bytes += needed

    async def _read(self, link: Link, index: int, space: Workspace) -> Prepared:
        """Fetch the original files of a post.

        Raises:
            ClipferryError: why that is impossible.
        """
        inner, toolkit = self._context_of(link), self._toolkit
        downloads = self._context.work.begin_download()
        downloads.items, downloads.items_done = len(self._ids), index

        async def once(attempt: Attempt) -> FetchedPost:
            try:
                return await self._posts.fetch(attempt, inner, space)
            finally:
                toolkit.metrics.traffic.downloaded(inner.work.downloads.received)

        with toolkit.metrics.stage("fetch"):
            fetched = await toolkit.fetcher.attempt(link, once)
        with toolkit.metrics.stage("shape"):
            return await self._posts.prepare(inner, fetched)

    def _link(self, index: int) -> Link:
        """Return the link to a post.

        Raises:
            BrokenLinkError: its site is not allowed any more.
        """
        registry, platform = self._toolkit.fetcher.registry, self._context.link.platform
        link = registry.link_to(platform, self._ids[index])
        if link is None:
            raise BrokenLinkError("no post of an allowed site")
        return link

    def _context_of(self, link: Link) -> RequestContext:
        """Return the context of one post, whose progress is not that of the whole answer."""
        context = self._context
        preferences = replace(context.preferences, album_cap=MOST_ITEMS)
        request = replace(context.stored.request, kind="post", link=link, posts=())
        return replace(
            context, link=link, preferences=preferences, stored=StoredRequest(request)
        )

    async def _add_report(self) -> None:
        """Add the text that says which posts are missing, and why."""
        part = self._part
        if not part.missing:
            return
        named = {self._url(index): error for index, error in part.missing.items()}
        note = part.space.folder / MISSING
        note.write_text(self._context.presenter.missing_posts(named), encoding="utf-8")
        await self._toolkit.media.archive(part.path, [(note, MISSING)])

    def _url(self, index: int) -> str:
        registry, platform = self._toolkit.fetcher.registry, self._context.link.platform
        link = registry.link_to(platform, self._ids[index])
        return link.url if link else self._ids[index]

    def _name(self, *, is_last: bool) -> str:
        sent = {number for number in self._context.stored.progress.sent if number > 0}
        list_id = self._context.link.post_id or self._context.link.platform
        return part_name(list_id, len(sent) + 1, is_only=is_last and not sent)
