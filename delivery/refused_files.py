"""Files that Telegram refuses: what is sent instead of them, in their place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from core.albums import split_album
from core.errors import (
    ContentRejectedError,
    DeliveryError,
    FileRejectedError,
    FileUnknownError,
    SendingForbiddenError,
)
from core.media import File, LivePhotoFile, LocalFile, RemoteFile
from delivery.api_requests import MessageOptions, album_kind

#: Refusals that may concern only the form of a file.
REFUSALS: Final = (FileRejectedError, SendingForbiddenError)


class Recovery(Protocol):
    """What to do about files that Telegram refuses."""

    async def next_form(self, file: LocalFile, refusal: DeliveryError) -> Sequence[LocalFile]:
        """Return the file in another form, such as a document; empty if there is no other.

        A live photo becomes two files.
        """

    def options(self, missing: int) -> MessageOptions:
        """Return caption and buttons of an answer from which `missing` more files are missing."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A file of an answer that is still to be sent."""

    file: File
    #: It is sent in a message of its own, to find out which file of an album Telegram refuses.
    is_alone: bool = False
    #: Telegram refuses it in every form, so it is left out.
    refusal: DeliveryError | None = None


def next_album(pending: Sequence[Pending], ceiling_bytes: int) -> Sequence[Pending]:
    """Return the first files of an answer that go into one message."""

    def kind_of(one: Pending) -> str | None:
        return None if one.is_alone or one.refusal else album_kind(one.file)

    return split_album(pending, lambda one: upload_bytes(one.file), ceiling_bytes, kind_of)[0]


async def repaired_album(
    album: Sequence[Pending], refusal: DeliveryError, recovery: Recovery | None
) -> list[Pending]:
    """Return what to send instead of an album that Telegram refuses: the refused file changes.

    Raises:
        DeliveryError: the refusal, if nothing helps against it.
    """
    files = [one.file for one in album]
    if recovery is None or not _another_form_may_help(files, refusal):
        raise refusal
    if isinstance(refusal, SendingForbiddenError):
        groups = [await further_forms(one.file, refusal, recovery) for one in album]
        if not all(groups):
            raise refusal
        return [Pending(form) for forms in groups for form in forms]
    position = refusal.position if isinstance(refusal, ContentRejectedError) else None
    if len(album) == 1:
        position = 1
    if position is None or not 1 <= position <= len(album):
        return [replace(one, is_alone=True) for one in album]
    before, refused, after = album[: position - 1], album[position - 1], album[position:]
    forms = await further_forms(refused.file, refusal, recovery)
    instead = [Pending(form) for form in forms] or [replace(refused, refusal=refusal)]
    return [*before, *instead, *after]


async def further_forms(
    file: File, refusal: DeliveryError, recovery: Recovery | None
) -> Sequence[LocalFile]:
    """Return what to send instead of a refused file: one file, two for a live photo, or none."""
    if recovery is None or isinstance(file, RemoteFile):
        return ()
    if not _another_form_may_help([file], refusal):
        return ()
    return await recovery.next_form(file, refusal)


def _another_form_may_help(files: Sequence[File], refusal: DeliveryError) -> bool:
    """Return True if a refusal is about the form of uploads, and not about the message."""
    if any(isinstance(file, RemoteFile) for file in files):
        return False
    if isinstance(refusal, SendingForbiddenError):
        return refusal.is_about_kind
    # A server that is older than live photos cannot even parse the request.
    has_live_photo = any(isinstance(file, LivePhotoFile) for file in files)
    return has_live_photo or isinstance(refusal, ContentRejectedError | FileUnknownError)


def upload_bytes(file: File) -> int:
    """Return the size of the upload in bytes; 0 for a file that is sent by its id."""
    if isinstance(file, RemoteFile):
        return 0
    motion = file.video.size_bytes if isinstance(file, LivePhotoFile) else 0
    return file.path.stat().st_size + motion
