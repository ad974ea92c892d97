"""The main job: a link comes in, its post goes out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.ads import AdRule
from core.choices import Piece
from core.concurrency import beside, run_all
from core.errors import (
    BrokenFileError,
    ClipferryError,
    LimitError,
    NoMediaError,
    PlatformChangedError,
    PlatformUnreachableError,
    PostChangedError,
    StorageError,
    TooLongError,
)
from core.formats import Quality
from core.media import (
    Audio,
    AudioFile,
    Clip,
    DocumentFile,
    Item,
    LivePhoto,
    LocalFile,
    Picture,
    Post,
    Unreadable,
    VideoFile,
    named_after,
)
from core.progress import Conversion
from core.pseudonyms import LoggedChat
from core.request import MOST_ITEMS, Continuation
from data.downloads import record_download
from data.inline_messages import record_shown_post
from delivery.api_requests import MessageOptions
from platforms import Attempt, FileRequest, Workspace
from services.requests.audio import FetchedAudio, named_as_track, titled_audio
from services.requests.context import Delivered, RequestContext, Toolkit
from services.requests.file_id_cache import FileIdCache
from services.requests.file_requests import (
    audio_request,
    picture_request,
    piece_share,
    still_request,
    video_request,
)
from services.requests.kept_answers import Prepared
from services.requests.media_service import MediaService, with_piece

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedItem:
    """One item of a post, and its files on disk."""

    item: Item
    file: Path
    still: Path | None = None
    #: The audio, where the site serves it in a file of its own.
    audio: Path | None = None
    #: The video of a live photo.
    motion: Path | None = None


@dataclass(frozen=True, slots=True)
class FetchedPost:
    """A post on disk, in order."""

    post: Post
    items: Sequence[FetchedItem]
    #: How many items could not be fetched.
    missing: int


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """The operator's limits."""

    #: Longest video in seconds; 0 allows every length.
    max_duration_s: int
    #: Most items of one post in a group that has not set its own number.
    group_items: int
    #: Videos up to this size are fetched and made smaller, in bytes.
    shrinkable_bytes: int
    ads: AdRule


class PostService(MediaService[FetchedPost]):
    """Answers a link with the videos and pictures of its post."""

    def __init__(self, toolkit: Toolkit, cache: FileIdCache, policy: PostPolicy) -> None:
        super().__init__(toolkit, cache)
        self._policy = policy

    def variant(self, context: RequestContext) -> str:
        """Return "document" or the quality, and what of the post it is, if it is not all."""
        kind = "document" if context.file_mode else f"media/{context.preferences.quality}"
        if continuation := context.request.selection.continuation:
            kind = f"{kind}/from/{continuation}"
        return with_piece(kind, context)

    def max_items(self, context: RequestContext) -> int | None:
        """Return the group's own number, or the operator's; a private chat has no own limit."""
        if context.target.is_private:
            return None
        return context.preferences.album_cap or self._policy.group_items

    def options(self, context: RequestContext, post: Post, shown: int) -> MessageOptions:
        """Return caption and buttons."""
        return context.presenter.options(post, shown=shown, missing=0)

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedPost:
        """Read the post and save the files of its items.

        Raises:
            TooLongError: a video is longer than the operator allows.
            PostChangedError: its items are not those that the request goes on with.
            ClipferryError: this attempt failed otherwise.
        """
        post = await attempt.read()
        items = self._items_of(post, context)
        requests = self._all_requests(post, items, context)
        if attempt.is_last and len(items) > 1:
            requests = [[replace(file, may_miss=True) for file in files] for files in requests]
        flat = [file for files in requests for file in files]
        with named_as_track(post):
            async with beside(context.status.working()):
                files_on_disk = await attempt.save(post, flat, space, context.work.begin_download())
        saved = dict(zip(flat, files_on_disk, strict=True))
        fetched = []
        for item, files in zip(items, requests, strict=True):
            main, *others = (saved[file] for file in files) if files else (None,)
            if main:
                other = next((other.path for other in others if other), None)
                is_live = isinstance(item, LivePhoto)
                still, motion = (None, other) if is_live else (other, None)
                fetched.append(FetchedItem(item, main.path, still, main.audio, motion))
        if not fetched:
            raise PlatformUnreachableError("none of the items")
        return FetchedPost(post, fetched, missing=len(items) - len(fetched))

    async def prepare(self, context: RequestContext, fetched: FetchedPost) -> Prepared:
        """Convert the files, and count the items that are damaged.

        Raises:
            ClipferryError: the only item cannot be sent, or all of them are damaged.
        """
        conversions = context.work.begin_conversion(len(fetched.items))
        groups = await run_all(
            self._prepare_or_skip(item, fetched.post, context, conversion)
            for item, conversion in zip(fetched.items, conversions, strict=True)
        )
        files = [file for group in groups if isinstance(group, list) for file in group]
        if not files:
            raise next(group for group in groups if not isinstance(group, list))
        damaged = sum(not isinstance(group, list) for group in groups)
        missing = fetched.missing + damaged
        shown = len(fetched.items) - damaged
        originals = {item.file for item in fetched.items}

        post = _with_silence(fetched.post, files)

        def options_of(refused: int) -> MessageOptions:
            left = max(shown - refused, 0)
            return context.presenter.options(post, shown=left, missing=missing + refused)

        return Prepared(
            post=post,
            files=files,
            options_of=options_of,
            is_processed=not context.file_mode and any(f.path not in originals for f in files),
            items=None if missing else len(fetched.items),
        )

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write the history, the ad counter and the request's end in one transaction."""
        request, post = context.request, delivered.post
        target = request.target
        if target.inline_id:
            await self._record_shown_post(target.inline_id, post)
        if target.business_id or not request.is_recorded:
            return False  # the person has never started the bot
        may_show_ad = (
            context.presenter.has_ad
            and target.is_private
            and not target.inline_id
            # Its answer ends with an explanation, and an ad never follows an error.
            and not context.stored.progress.is_uncertain
        )
        claim = context.stored.claim
        answers = None if claim is None else (claim, context.stored.progress)
        try:
            is_ad_due = await record_download(
                delivered.chat_id,
                context.link.url,
                is_images=post.has_pictures,
                is_processed=delivered.is_processed,
                is_inline=target.inline_id is not None,
                ads=self._policy.ads if may_show_ad else None,
                answers=answers,
            )
        except StorageError as error:
            logger.error(  # noqa: TRY400 - expected
                "Could not record a delivery to chat %s: %s",
                LoggedChat(context.chat_id),
                error,
                extra={"event": "delivery_not_recorded"},
            )
            return False
        context.stored.is_finished = answers is not None
        return is_ad_due

    def _items_of(self, post: Post, context: RequestContext) -> Sequence[Item]:
        """Return the items that this answer has.

        Raises:
            PostChangedError: see `fetch`.
        """
        continuation = context.request.selection.continuation or Continuation(0, post.edition)
        items = post.items[continuation.start :][: self.max_items(context) or MOST_ITEMS]
        if not items or continuation.edition != post.edition:
            raise PostChangedError(f"{len(post.items)} items, edition {post.edition!r}")
        return items

    def _all_requests(
        self, post: Post, items: Sequence[Item], context: RequestContext
    ) -> list[list[FileRequest]]:
        """List the files of each item. Of several, one that cannot be sent has none.

        Raises:
            ClipferryError: why no item can be sent.
        """
        continuation = context.request.selection.continuation
        if len(items) == 1 and not continuation:
            return [self._file_requests(items[0], post.file_name, context)]
        requests: list[list[FileRequest]] = []
        refusal: ClipferryError | None = None
        for number, item in enumerate(items, continuation.start + 1 if continuation else 1):
            try:
                files = self._file_requests(item, f"{post.file_name}_{number}", context)
            except (NoMediaError, LimitError) as error:
                logger.info(
                    "Item %d of post %s cannot be sent: %s",
                    number,
                    post.id,
                    error,
                    extra={"event": "item_refused"},
                )
                files, refusal = [], refusal or error
            requests.append([replace(file, may_be_too_large=True) for file in files])
        if refusal and not any(requests):
            raise refusal
        return requests

    def _file_requests(self, item: Item, name: str, context: RequestContext) -> list[FileRequest]:
        """List the files of an item, the main one first; none for an unreadable item."""
        ceiling = self.toolkit.sender.ceiling_bytes
        match item:
            case Unreadable():
                return []
            case Picture():
                return [picture_request(item, name, ceiling)]
            case LivePhoto():
                still = picture_request(item.picture, name, ceiling)
                if context.file_mode:
                    return [still]
                motion = video_request(item.clip, f"{name}.mp4", ceiling, Quality.BEST)
                # Without its video, it is still a picture.
                return [still, replace(motion, may_miss=True, is_companion=True)]
            case Audio():
                return self._track_requests(item, name, context)
        return self._clip_requests(item, name, context)

    def _track_requests(
        self, track: Audio, name: str, context: RequestContext
    ) -> list[FileRequest]:
        if context.request.selection.piece is None:
            self._check_length(track.duration_s)
        audio = audio_request(track.urls, f"{name}.audio", self.toolkit.sender.ceiling_bytes)
        files = [replace(audio, part=self.part_of(context))]
        if track.cover_urls and not context.file_mode:
            files.append(still_request(track.cover_urls, f"{name}.still"))
        return files

    def _clip_requests(self, item: Clip, name: str, context: RequestContext) -> list[FileRequest]:
        ceiling = self.toolkit.sender.ceiling_bytes
        piece = context.request.selection.piece
        if piece is None:
            self._check_length(item.duration_s)
        shrinkable = 0 if context.file_mode else self._policy.shrinkable_bytes
        quality, share = context.preferences.quality, piece_share(piece, item.duration_s)
        video = video_request(item, f"{name}.mp4", ceiling, quality, shrinkable, share)
        files = [replace(video, part=self.part_of(context))]
        if item.cover_urls and not context.file_mode:
            files.append(still_request(item.cover_urls, f"{name}.still"))
        return files

    async def _prepare_or_skip(
        self, item: FetchedItem, post: Post, context: RequestContext, conversion: Conversion
    ) -> list[LocalFile] | ClipferryError:
        """Convert the files of one item; return the error of an item that cannot be sent."""
        try:
            files = await self._prepare_item(item, post, context, conversion)
            for file in files:
                if isinstance(file, VideoFile | AudioFile):
                    self._check_length(file.duration_s)
        except (BrokenFileError, PlatformChangedError, LimitError) as error:
            logger.info(
                "An item of post %s cannot be sent: %s",
                post.id,
                error,
                extra={"event": "item_damaged"},
            )
            return error
        finally:
            conversion.is_done = True
        return files

    async def _prepare_item(
        self, item: FetchedItem, post: Post, context: RequestContext, conversion: Conversion
    ) -> list[LocalFile]:
        media = self.toolkit.media
        if isinstance(item.item, Audio):
            return [await self._prepare_track(item, post, context)]
        file = await self._prepare_video(item, context.request.selection.piece)
        if context.file_mode:
            return [await media.untouched(file)]
        if isinstance(item.item, LivePhoto):
            return await media.live_photo(file, item.motion, conversion.watch)
        if isinstance(item.item, Picture):
            return [await media.picture(file)]
        files = await media.video(file, item.still, conversion.watch)
        return [named_after(post, f) if isinstance(f, AudioFile) else f for f in files]

    async def _prepare_track(
        self, item: FetchedItem, post: Post, context: RequestContext
    ) -> LocalFile:
        fetched = FetchedAudio(post, item.file, item.still)
        piece = context.request.selection.piece
        audio = await titled_audio(fetched, self.toolkit.media, piece=piece)
        # As a document, it needs its real file extension all the same.
        return DocumentFile(audio.path) if context.file_mode else audio

    async def _prepare_video(self, item: FetchedItem, piece: Piece | None) -> Path:
        """Return the file of an item: its piece, and with its audio."""
        media, file, audio = self.toolkit.media, item.file, item.audio
        if piece and isinstance(item.item, Clip):
            # First, because what was downloaded of either file may be only the part for the piece.
            file = await media.piece(file, piece)
            audio = (await media.audio(audio, piece=piece))[0] if audio else None
        return await media.joined(file, audio) if audio else file

    def _check_length(self, seconds: int) -> None:
        longest = self._policy.max_duration_s
        if longest and seconds > longest:
            raise TooLongError(seconds, longest)

    async def _record_shown_post(self, inline_id: str, post: Post) -> None:
        """Store which post an inline message shows, for its page buttons."""
        try:
            await record_shown_post(inline_id, post.id)
        except StorageError as error:
            logger.warning(
                "The page buttons of an inline message will not work: %s",
                error,
                extra={"event": "inline_page_not_recorded"},
            )


def _with_silence(post: Post, files: Sequence[LocalFile]) -> Post:
    """Return a post whose only video turned out to have no audio, so that none is offered."""
    match post.items, files:
        case [Clip() as clip], [VideoFile(is_animation=True)]:
            return replace(post, items=(replace(clip, is_silent=True),))
    return post
