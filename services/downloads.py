"""A link comes in, its post goes out: the main job, from the first reaction to the ad."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.ads import AdRule
from core.errors import (
    BrokenFileError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
    TooLongError,
)
from core.formats import choose_rendition
from core.logs import ChatName
from core.media import Clip, Item, LocalFile, Picture, Post, VideoFile
from core.together import together
from data.downloads import record_download
from data.errors import storage_errors
from data.inline_messages import note_shown
from delivery.requests import Look
from platforms import Attempt, Wanted, Workspace
from services.serving import (
    MAX_PICTURE_BYTES,
    MAX_SOUND_BYTES,
    MAX_STILL_BYTES,
    Delivered,
    Order,
    Workbench,
    fetched,
    serve,
)
from services.shelf import Made, Shelf

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a post, and its files on disk."""

    item: Item
    file: Path
    still: Path | None = None
    #: The sound, where the site serves it in a file of its own.
    tone: Path | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A post on disk, in order."""

    post: Post
    parts: Sequence[Part]
    #: Items that could not be fetched.
    missing: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's wishes."""

    #: Longest video in seconds; 0 allows every length.
    max_duration_s: int
    #: A group gets no more items of one post than these, unless it says otherwise.
    group_items: int
    #: A video that is too large to be sent is fetched and made smaller up to this size, in bytes.
    shrinkable_bytes: int
    #: How often an ad is shown.
    ads: AdRule


class Downloads:
    """Serves orders. What it needs of the world is handed in."""

    def __init__(self, bench: Workbench, shelf: Shelf, policy: Policy) -> None:
        self._bench = bench
        self._shelf = shelf
        self._policy = policy

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(order, self._deliver, self._record)

    async def _deliver(self, order: Order) -> Delivered:
        variant = "document" if order.file_mode else f"media/{order.wishes.quality}"

        def look_of(post: Post, shown: int) -> Look:
            return order.voice.look(post, shown=shown, missing=0)

        return await self._shelf.deliver(
            order, variant, self._make, look_of, most=self._most_items(order)
        )

    def _most_items(self, order: Order) -> int | None:
        """Give how many items a chat wants to see; None for all."""
        if order.target.is_private:
            return None
        return order.wishes.album_cap or self._policy.group_items

    async def _make(self, order: Order) -> Made:
        async with fetched(self._bench, order, self._fetch) as found:
            with order.meters.stage("shape"):
                files, spoilt = await self._shape(order, found)
            missing = found.missing + spoilt
            look = order.voice.look(found.post, shown=len(found.parts) - spoilt, missing=missing)
            await order.status.sending()
            with order.meters.stage("send"):
                sent = await self._bench.sender.send(order.target, files, look, order.entry)
            originals = {part.file for part in found.parts}
            is_processed = not order.file_mode and any(f.path not in originals for f in files)
            return Made(found.post, sent, is_processed, None if missing else len(found.parts))

    async def _fetch(self, attempt: Attempt, order: Order, space: Workspace) -> Found:
        post = await attempt.read()
        items = post.items[: self._most_items(order)]
        for item in items:
            if isinstance(item, Clip):
                self._check_length(item.duration_s)
        names = [f"{post.file_name}_{n}" for n in range(1, len(items) + 1)]
        if len(items) == 1:
            names = [post.file_name]
        wanted = [self._wanted(*pair, order) for pair in zip(items, names, strict=True)]
        if attempt.is_last and len(items) > 1:
            wanted = [[replace(file, may_miss=True) for file in files] for files in wanted]
        await order.status.working()
        flat = [file for files in wanted for file in files]
        saved = dict(zip(flat, await attempt.save(post, flat, space), strict=True))
        parts = []
        for item, files in zip(items, wanted, strict=True):
            main, *others = (saved[file] for file in files)
            by_kind = {path.suffix: path for path in others if path}
            if main:
                parts.append(Part(item, main, by_kind.get(".still"), by_kind.get(".tone")))
        if not parts:
            raise PlatformUnreachableError("none of the items")
        return Found(post, parts, missing=len(items) - len(parts))

    def _wanted(self, item: Item, name: str, order: Order) -> list[Wanted]:
        """List the files that an item consists of, the main one first."""
        if isinstance(item, Picture):
            return [Wanted(item.urls, name, MAX_PICTURE_BYTES)]
        sender = self._bench.sender
        most = max(sender.ceiling_bytes, 0 if order.file_mode else self._policy.shrinkable_bytes)
        rendition = choose_rendition(
            item.renditions,
            sender.ceiling_bytes,
            quality=order.wishes.quality,
            shrinkable_bytes=most,
        )
        wanted = [Wanted(rendition.urls, f"{name}.mp4", most, rendition.size_bytes)]
        if rendition.sound_urls:
            wanted.append(Wanted(rendition.sound_urls, f"{name}.tone", MAX_SOUND_BYTES))
        if item.cover_urls and not order.file_mode:
            still = Wanted(item.cover_urls[:1], f"{name}.still", MAX_STILL_BYTES, is_optional=True)
            wanted.append(still)
        return wanted

    async def _shape(self, order: Order, found: Found) -> tuple[list[LocalFile], int]:
        """Make the files fit for Telegram, side by side; give them, and how many items are damaged.

        Raises:
            ClipferryError: the only item cannot be sent, or all of them are damaged.
        """
        shaper = self._bench.shaper

        async def shape(part: Part) -> list[LocalFile]:
            file = await shaper.joined(part.file, part.tone) if part.tone else part.file
            if order.file_mode:
                return [await shaper.untouched(file)]
            if isinstance(part.item, Picture):
                return [await shaper.picture(file)]
            return await shaper.video(file, part.still)

        async def shape_or_miss(
            part: Part,
        ) -> list[LocalFile] | BrokenFileError | PlatformChangedError:
            try:
                return await shape(part)
            except (BrokenFileError, PlatformChangedError) as error:
                logger.info("An item of %s is damaged: %s", found.post.id, error)
                return error

        shaped = await together(shape_or_miss(part) for part in found.parts)
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

    async def _record(self, order: Order, delivered: Delivered) -> bool:
        """Write what follows a delivery, all at once; tell whether it brings an ad."""
        chat_id, post = order.target.chat_id, delivered.post
        is_ad_due = False
        request = order.entry.request
        if request.inline_id:
            await self._note_shown(request.inline_id, post)
        if request.business_id or not request.is_recorded:
            return False  # somebody who has never come to us
        may_show_ad = order.voice.has_ad and order.target.is_private and not request.inline_id
        # Where something may be missing, the request is answered only by the word about it.
        row = None if order.entry.progress.is_uncertain else order.entry.row
        answers = None if row is None else (row, order.entry.progress)
        try:
            with storage_errors():
                is_ad_due = await record_download(
                    chat_id,
                    order.link.url,
                    is_images=post.has_pictures,
                    is_processed=delivered.is_processed,
                    is_inline=request.inline_id is not None,
                    ads=self._policy.ads if may_show_ad else None,
                    answers=answers,
                )
            order.entry.is_finished = answers is not None
        except StorageError as error:
            logger.error("The delivery to chat %s is not recorded: %s", ChatName(chat_id), error)  # noqa: TRY400 - no traceback needed
        return is_ad_due

    async def _note_shown(self, inline_id: str, post: Post) -> None:
        """Note what an inline message shows, so that its pages can be turned."""
        try:
            with storage_errors():
                await note_shown(inline_id, post.id)
        except StorageError as error:
            logger.warning("The pages of an inline message cannot be turned: %s", error)
