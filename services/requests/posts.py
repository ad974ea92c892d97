"""A link comes in, its post goes out: the main job, from the first reaction to the ad."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.ads import AdRule
from core.concurrency import run_all
from core.errors import (
    BrokenFileError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
    TooLongError,
)
from core.formats import choose_rendition
from core.media import Clip, Item, LocalFile, Picture, Post, VideoFile
from core.pseudonyms import LoggedChat
from data.downloads import record_download
from data.inline_messages import record_shown_post
from delivery.api_requests import MessageOptions
from platforms import Attempt, FileRequest, Workspace
from services.requests.file_id_cache import FileIdCache, MadeFiles
from services.requests.pipeline import (
    MAX_AUDIO_BYTES,
    MAX_PICTURE_BYTES,
    MAX_STILL_BYTES,
    Delivered,
    RequestContext,
    Toolkit,
    fetched,
    serve,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PostFile:
    """One item of a post, and its files on disk."""

    item: Item
    file: Path
    still: Path | None = None
    #: The sound, where the site serves it in a file of its own.
    tone: Path | None = None


@dataclass(frozen=True, slots=True)
class FetchedPost:
    """A post on disk, in order."""

    post: Post
    parts: Sequence[PostFile]
    #: Items that could not be fetched.
    missing: int


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """The operator's preferences."""

    #: Longest video in seconds; 0 allows every length.
    max_duration_s: int
    #: A group gets no more items of one post than these, unless it says otherwise.
    group_items: int
    #: A video that is too large to be sent is fetched and made smaller up to this size, in bytes.
    shrinkable_bytes: int
    #: How often an ad is shown.
    ads: AdRule


class PostService:
    """Serves orders. What it needs of the world is handed in."""

    def __init__(self, toolkit: Toolkit, file_id_cache: FileIdCache, policy: PostPolicy) -> None:
        self._toolkit = toolkit
        self._file_id_cache = file_id_cache
        self._policy = policy

    async def serve(self, context: RequestContext) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(context, self._deliver, self._record)

    async def _deliver(self, context: RequestContext) -> Delivered:
        variant = "document" if context.file_mode else f"media/{context.preferences.quality}"

        def look_of(post: Post, shown: int) -> MessageOptions:
            return context.presenter.options(post, shown=shown, missing=0)

        return await self._file_id_cache.deliver(
            context, variant, self._make, look_of, most=self._most_items(context)
        )

    def _most_items(self, context: RequestContext) -> int | None:
        """Give how many items a chat wants to see; None for all."""
        if context.target.is_private:
            return None
        return context.preferences.album_cap or self._policy.group_items

    async def _make(self, context: RequestContext) -> MadeFiles:
        async with fetched(self._toolkit, context, self._fetch) as found:
            with context.metrics.stage("shape"):
                files, spoilt = await self._shape(context, found)
            missing = found.missing + spoilt
            options = context.presenter.options(
                found.post, shown=len(found.parts) - spoilt, missing=missing
            )
            await context.status.sending()
            with context.metrics.stage("send"):
                sent = await self._toolkit.sender.send(
                    context.target, files, options, context.stored
                )
            originals = {part.file for part in found.parts}
            is_processed = not context.file_mode and any(f.path not in originals for f in files)
            return MadeFiles(found.post, sent, is_processed, None if missing else len(found.parts))

    async def _fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedPost:
        post = await attempt.read()
        items = post.items[: self._most_items(context)]
        for item in items:
            if isinstance(item, Clip):
                self._check_length(item.duration_s)
        names = [f"{post.file_name}_{n}" for n in range(1, len(items) + 1)]
        if len(items) == 1:
            names = [post.file_name]
        wanted = [self._wanted(*pair, context) for pair in zip(items, names, strict=True)]
        if attempt.is_last and len(items) > 1:
            wanted = [[replace(file, may_miss=True) for file in files] for files in wanted]
        await context.status.working()
        flat = [file for files in wanted for file in files]
        saved = dict(zip(flat, await attempt.save(post, flat, space), strict=True))
        parts = []
        for item, files in zip(items, wanted, strict=True):
            main, *others = (saved[file] for file in files)
            by_kind = {path.suffix: path for path in others if path}
            if main:
                parts.append(PostFile(item, main, by_kind.get(".still"), by_kind.get(".tone")))
        if not parts:
            raise PlatformUnreachableError("none of the items")
        return FetchedPost(post, parts, missing=len(items) - len(parts))

    def _wanted(self, item: Item, name: str, context: RequestContext) -> list[FileRequest]:
        """List the files that an item consists of, the main one first."""
        if isinstance(item, Picture):
            return [FileRequest(item.urls, name, MAX_PICTURE_BYTES)]
        sender = self._toolkit.sender
        most = max(sender.ceiling_bytes, 0 if context.file_mode else self._policy.shrinkable_bytes)
        rendition = choose_rendition(
            item.renditions,
            sender.ceiling_bytes,
            quality=context.preferences.quality,
            shrinkable_bytes=most,
        )
        wanted = [FileRequest(rendition.urls, f"{name}.mp4", most, rendition.size_bytes)]
        if rendition.audio_urls:
            wanted.append(FileRequest(rendition.audio_urls, f"{name}.tone", MAX_AUDIO_BYTES))
        if item.cover_urls and not context.file_mode:
            still = FileRequest(
                item.cover_urls[:1], f"{name}.still", MAX_STILL_BYTES, is_optional=True
            )
            wanted.append(still)
        return wanted

    async def _shape(
        self, context: RequestContext, found: FetchedPost
    ) -> tuple[list[LocalFile], int]:
        """Make the files fit for Telegram, side by side; give them, and how many items are damaged.

        Raises:
            ClipferryError: the only item cannot be sent, or all of them are damaged.
        """
        media = self._toolkit.media

        async def shape(part: PostFile) -> list[LocalFile]:
            file = await media.joined(part.file, part.tone) if part.tone else part.file
            if context.file_mode:
                return [await media.untouched(file)]
            if isinstance(part.item, Picture):
                return [await media.picture(file)]
            return await media.video(file, part.still)

        async def shape_or_miss(
            part: PostFile,
        ) -> list[LocalFile] | BrokenFileError | PlatformChangedError:
            try:
                return await shape(part)
            except (BrokenFileError, PlatformChangedError) as error:
                logger.info("An item of %s is damaged: %s", found.post.id, error)
                return error

        shaped = await run_all(shape_or_miss(part) for part in found.parts)
        files = [file for group in shaped if isinstance(group, list) for file in group]
        if not files:
            raise next(group for group in shaped if not isinstance(group, list))
        for file in files:
            if isinstance(file, VideoFile):
                self._check_length(file.duration_s)
        return files, sum(not isinstance(group, list) for group in shaped)

    def _check_length(self, seconds: int) -> None:
        longest = self._policy.max_duration_s
        if longest and seconds > longest:
            raise TooLongError(seconds, longest)

    async def _record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write what follows a delivery, all at once; tell whether it brings an ad."""
        chat_id, post = context.target.chat_id, delivered.post
        is_ad_due = False
        request = context.stored.request
        if request.inline_id:
            await self._note_shown(request.inline_id, post)
        if request.business_id or not request.is_recorded:
            return False  # somebody who has never come to us
        may_show_ad = (
            context.presenter.has_ad and context.target.is_private and not request.inline_id
        )
        # Where something may be missing, the request is answered only by the word about it.
        row = None if context.stored.progress.is_uncertain else context.stored.row
        answers = None if row is None else (row, context.stored.progress)
        try:
            is_ad_due = await record_download(
                chat_id,
                context.link.url,
                is_images=post.has_pictures,
                is_processed=delivered.is_processed,
                is_inline=request.inline_id is not None,
                ads=self._policy.ads if may_show_ad else None,
                answers=answers,
            )
            context.stored.is_finished = answers is not None
        except StorageError as error:
            logger.error("The delivery to chat %s is not recorded: %s", LoggedChat(chat_id), error)  # noqa: TRY400 - no traceback needed
        return is_ad_due

    async def _note_shown(self, inline_id: str, post: Post) -> None:
        """Note what an inline message shows, so that its pages can be turned."""
        try:
            await record_shown_post(inline_id, post.id)
        except StorageError as error:
            logger.warning("The pages of an inline message cannot be turned: %s", error)
