"""Save the files of a post: each in the best version that can be downloaded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.concurrency import run_all
from core.errors import (
    ClipferryError,
    DrmError,
    LiveError,
    NotFoundError,
    PlatformError,
    SpoolError,
    TooLargeError,
)
from core.media import Post
from core.progress import ByteCount, DownloadProgress
from platforms._download import Checks, FileServer, download
from platforms._partial import SelectPart, download_part
from platforms._playlist import is_playlist
from platforms._segments import download_segments
from platforms._spool import Workspace

logger = logging.getLogger(__name__)

#: Maximum number of files of one post that are downloaded concurrently.
_MAX_CONCURRENT_FILES: Final = 4
#: After this many versions of a file that cannot be downloaded, the others are not tried.
_MAX_DEAD_VERSIONS: Final = 3
#: How often a request waits for its turn because its files are larger than expected. Each turn
#: reserves what the one before has learned.
_MAX_TURNS: Final = 10
#: Reserved for a required file whose size is unknown, in bytes, until its download announces it.
_UNKNOWN_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a file, such as a video in one resolution."""

    #: Alternative URLs of the same bytes, best first.
    urls: tuple[str, ...]
    #: The version is not used if it is larger than this.
    limit_bytes: int
    #: Size as the page states it, which may be another version's; None if it does not.
    size_bytes: int | None = None
    #: Size as calculated from bitrate and duration; None if unknown.
    estimated_bytes: int | None = None
    #: URLs of the audio that belongs to this version; empty if it is part of the file.
    audio_urls: tuple[str, ...] = ()

    @property
    def expected_bytes(self) -> int:
        """Return the space to reserve for it, in bytes."""
        expected = self.size_bytes or self.estimated_bytes or _UNKNOWN_BYTES
        return min(expected, self.limit_bytes)


@dataclass(frozen=True, slots=True)
class FileRequest:
    """One file of a post to download."""

    #: Tried in this order, until one can be downloaded.
    versions: tuple[FileVersion, ...]
    #: File name in the workspace.
    name: str
    #: A small extra, such as a still: no space is reserved for it, and a failure is ignored.
    is_optional: bool = False
    #: It belongs to the item of another file, such as the video of a live photo.
    is_companion: bool = False
    #: If the download fails, the other files are returned without this one.
    may_miss: bool = False
    #: The same if it is too large, which no other attempt changes.
    may_be_too_large: bool = False
    #: Selects the part that is needed; None means all of the file.
    part: SelectPart | None = None

    @property
    def is_item(self) -> bool:
        """Return True if users count it, as a picture or a video."""
        return not (self.is_optional or self.is_companion)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file on disk."""

    path: Path
    #: Its audio, if that is a file of its own.
    audio: Path | None = None


class _NoRoomError(Exception):
    """A file is larger than expected, and the spool has no space for it at the moment."""


#: Returns True if a file itself says that a part of it is missing.
IsTruncated = Callable[[Path], Awaitable[bool]]


class FileSaver:
    """Saves the files of one post in a workspace.

    `server_of` returns how the files behind a URL are reached. `suspended` stops the attempt's
    clock while the disk is waited for. `progress` counts what has arrived.
    """

    def __init__(
        self,
        space: Workspace,
        server_of: Callable[[str], FileServer],
        suspended: Callable[[], AbstractAsyncContextManager[None]],
        is_truncated: IsTruncated,
        progress: DownloadProgress,
    ) -> None:
        self._space = space
        self._progress = progress
        self._server_of = server_of
        self._suspended = suspended
        self._is_truncated = is_truncated
        #: Space that each file needs as far as known, in bytes.
        self._needs: dict[str, int] = {}
        self._semaphore = asyncio.Semaphore(_MAX_CONCURRENT_FILES)

    async def save(self, post: Post, wanted: Sequence[FileRequest]) -> list[SavedFile | None]:
        """Reserve space, then download the files; see `Attempt.save`.

        If files turn out to be larger than expected and the spool has no space for them at the
        moment, all of them are given up, and the request waits for its turn again.
        """
        required = {file.name: file.versions[0] for file in wanted if not file.is_optional}
        self._needs = {name: first.expected_bytes for name, first in required.items()}
        if (excess := sum(self._needs.values()) - self._space.most) > 0:
            # Guesses give way: most files are smaller.
            guessed = [name for name, first in required.items() if not first.size_bytes]
            for name in guessed:
                self._needs[name] = max(self._needs[name] - -(-excess // len(guessed)), 0)
        for _ in range(_MAX_TURNS):
            async with self._suspended():
                await self._space.reserve(sum(self._needs.values()))
            self._progress.restart(sum(file.is_item for file in wanted))
            try:
                return await run_all(self._save_or_skip(post, file) for file in wanted)
            except _NoRoomError:
                logger.info(
                    "Files of %s post %s are larger than expected; waiting for space",
                    post.platform,
                    post.id,
                    extra={"event": "spool_reservation_grown"},
                )
        raise SpoolError("the files keep growing")

    async def _save_or_skip(self, post: Post, file: FileRequest) -> SavedFile | None:
        try:
            async with self._semaphore:
                return await self._save(file)
        except ClipferryError as error:
            is_too_large = file.may_be_too_large and isinstance(error, TooLargeError)
            may_miss = file.is_optional or file.may_miss or is_too_large
            if not may_miss or isinstance(error, SpoolError):
                raise
            logger.info(
                "Skipped %s of %s post %s: %s",
                file.name,
                post.platform,
                post.id,
                error,
                extra={"event": "file_skipped"},
            )
            return None
        finally:
            self._progress.items_done += file.is_item

    async def _save(self, file: FileRequest) -> SavedFile:
        """Save the first version that can be downloaded.

        Raises:
            TooLargeError: all versions are too large; the error has the smallest known size.
            NotFoundError: the permanent URL of the last version does not exist.
            DrmError, LiveError: the last version is a playlist that cannot be used.
            PlatformError: at least one version could not be downloaded for another reason.
        """
        dead: dict[tuple[str, ...], ClipferryError] = {}
        too_large: dict[tuple[str, ...], TooLargeError] = {}
        for version in file.versions:
            known = too_large.get(version.urls)
            if version.urls in dead or (known and known.least_bytes > version.limit_bytes):
                continue
            try:
                return await self._save_version(file, version)
            except (PlatformError, NotFoundError, DrmError, LiveError) as error:
                dead[version.urls] = error
                if len(dead) == _MAX_DEAD_VERSIONS:
                    break
            except TooLargeError as error:
                too_large[version.urls] = error
        if dead:
            raise list(dead.values())[-1]
        raise min(too_large.values(), key=lambda error: error.least_bytes)

    async def _save_version(self, file: FileRequest, version: FileVersion) -> SavedFile:
        target = self._space.folder / file.name
        await self._download(file, version, version.urls, target)
        if not version.audio_urls:
            return SavedFile(target)
        audio = target.with_suffix(".audio")
        await self._download(file, version, version.audio_urls, audio)
        return SavedFile(target, audio)

    async def _download(
        self, file: FileRequest, version: FileVersion, urls: tuple[str, ...], target: Path
    ) -> None:
        def claim(size_bytes: int, *, is_exact: bool) -> None:
            if not file.is_optional:
                most_bytes = size_bytes if is_exact else version.limit_bytes
                self._claim(target.name, size_bytes, most_bytes)

        is_main = urls is version.urls
        checks = Checks(
            limit_bytes=version.limit_bytes,
            stated_bytes=version.size_bytes if is_main else None,
            claim=claim,
            is_truncated=self._is_truncated,
            count=ByteCount() if file.is_optional else self._progress.count(target.name),
        )
        server, size = self._server_of(urls[0]), None
        fetch = download_segments if is_playlist(urls[0]) else download
        if file.part and fetch is download:
            size = await download_part(server, urls, target, checks, file.part)
        if size is None:
            size = await fetch(server, urls, target, checks)
        if not file.is_optional:
            self._needs[target.name] = size
            await self._space.shrink(sum(self._needs.values()))

    def _claim(self, name: str, size_bytes: int, most_bytes: int) -> None:
        """Reserve more space if a file turns out to be larger than expected.

        Raises:
            _NoRoomError: there is none at the moment; the file then needs up to `most_bytes`.
        """
        self._needs[name] = size_bytes
        if not self._space.extend(sum(self._needs.values())):
            self._needs[name] = most_bytes
            raise _NoRoomError
