"""How far the work on a request is, and what its status note says about that.

The objects are written where the work is done, by plain assignments, and read when the note is due.
Nothing here waits, and nothing is computed for a request that ends before its note.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from core.facts import Fact, FileSize

_BYTES_PER_MB: Final = 1_000_000
#: Updates per second of the notes of all waiting requests together, at most: Telegram takes 30
#: messages per second, and most of those are for answers.
_WAITING_UPDATES_PER_S: Final = 10

#: Returns the share of a conversion that is done, from 0 to 1.
Share = Callable[[], float]


class Stage(Enum):
    """What is being done for a request."""

    #: The post is looked up and read.
    STARTED = auto()
    DOWNLOADING = auto()
    CONVERTING = auto()
    UPLOADING = auto()


@dataclass(slots=True)
class ByteCount:
    """The bytes of one file that have arrived."""

    received: int = 0
    #: Size as the server announces it; None while it has not.
    total: int | None = None


@dataclass(slots=True)
class DownloadProgress:
    """The downloads of one post."""

    #: Number of items, such as the pictures of an album, and how many of them have ended.
    items: int = 1
    items_done: int = 0
    #: By file; small extras are not counted.
    files: dict[str, ByteCount] = field(default_factory=dict)

    def restart(self, items: int) -> None:
        """Begin anew: nothing has arrived."""
        self.items, self.items_done = items, 0
        self.files.clear()

    def count(self, name: str) -> ByteCount:
        """Return a new count for a file; an earlier one is dropped."""
        counted = self.files[name] = ByteCount()
        return counted

    @property
    def received(self) -> int:
        """Return how many bytes have arrived."""
        return sum(file.received for file in self.files.values())

    @property
    def total(self) -> int | None:
        """Return the size of all files that have begun; None if one of them is unknown."""
        begun = [file for file in self.files.values() if file.received or file.total]
        sizes = [file.total for file in begun if file.total is not None]
        return sum(sizes) if sizes and len(sizes) == len(begun) else None


@dataclass(slots=True)
class Conversion:
    """The conversion of one item."""

    #: None while nothing is known, which is all that short conversions need.
    share: Share | None = None
    is_done: bool = False

    def watch(self, share: Share) -> None:
        """Follow a long conversion."""
        self.share = share

    @property
    def done(self) -> float:
        """Return the share that is done, from 0 to 1."""
        if self.is_done:
            return 1.0
        return min(max(self.share(), 0.0), 1.0) if self.share else 0.0


@dataclass(slots=True)
class UploadProgress:
    """The uploads of one answer, in bytes."""

    total: int
    #: Bytes of the messages that Telegram has confirmed.
    confirmed: int = 0
    #: Bytes that have left, confirmed or not.
    sent: int = 0


@dataclass(slots=True)
class WorkProgress:
    """How far the work on one request is."""

    stage: Stage = Stage.STARTED
    #: The number of the current attempt to fetch the post, from 1, and of how many at most.
    attempt: int = 1
    attempts: int = 1
    downloads: DownloadProgress = field(default_factory=DownloadProgress)
    conversions: Sequence[Conversion] = ()
    upload: UploadProgress | None = None
    #: The request that fetches the same post at the moment, while this one waits for it.
    leader: "WorkProgress | None" = None
    #: The answer is there, or never comes: there is nothing to say any more.
    is_over: bool = False

    def begin_attempt(self, number: int, most: int) -> None:
        """Begin to fetch the post, for the first time or again."""
        self.stage, self.attempt, self.attempts = Stage.STARTED, number, most
        self.downloads = DownloadProgress()

    def begin_download(self) -> DownloadProgress:
        """Begin to download files; return where they are counted."""
        self.stage = Stage.DOWNLOADING
        self.downloads.restart(1)
        return self.downloads

    def begin_conversion(self, items: int) -> Sequence[Conversion]:
        """Begin to convert; return the conversion of each item."""
        self.stage = Stage.CONVERTING
        self.conversions = [Conversion() for _ in range(items)]
        return self.conversions

    def begin_upload(self, total_bytes: int) -> None:
        """Begin to upload an answer of `total_bytes` bytes."""
        self.stage, self.upload = Stage.UPLOADING, UploadProgress(total_bytes)

    def begin_message(self) -> None:
        """Begin to upload a message, or begin again after Telegram has refused it."""
        if self.upload:
            self.stage = Stage.UPLOADING
            self.upload.sent = self.upload.confirmed

    def count_uploaded(self, size: int) -> None:
        """Count bytes of the current message that have left."""
        if self.upload:
            self.upload.sent += size

    def confirm_message(self) -> None:
        """Count the current message as uploaded."""
        if self.upload:
            self.upload.confirmed = self.upload.sent


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a status note: the key of its text, and the facts in it."""

    key: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotePace:
    """When status notes are shown and updated. All times are in seconds."""

    #: What ends earlier gets no note.
    first_s: float = 2.5
    #: Shortest time between two updates.
    again_s: float = 3.0

    def next_s(self, requests: int, *, is_waiting: bool) -> float:
        """Return the time until the next update; `requests` counts those of all chats.

        The more requests there are, the more rarely those that wait are updated.
        """
        share = requests / _WAITING_UPDATES_PER_S if is_waiting else 0.0
        return max(self.again_s, share)


def note_lines(work: WorkProgress, place: int | None) -> list[Line]:
    """Return what a status note says.

    `place` is the request's place among those that wait, from 1; None if it does not wait.
    """
    if place is not None:
        return [Line("status_next") if place <= 1 else Line("waiting", {"place": place})]
    work = work.leader or work
    lines = [_stage_line(work)]
    if work.attempt > 1 and work.stage in {Stage.STARTED, Stage.DOWNLOADING}:
        facts = {"number": work.attempt, "total": work.attempts}
        lines.append(Line("status_attempt", facts))
    return lines


def _stage_line(work: WorkProgress) -> Line:
    match work.stage:
        case Stage.STARTED:
            return Line("working")
        case Stage.DOWNLOADING:
            return _download_line(work.downloads)
        case Stage.CONVERTING:
            return _conversion_line(work.conversions)
        case Stage.UPLOADING:
            upload = work.upload or UploadProgress(0)
            return Line("status_uploading", {"percent": _percent(upload.sent, upload.total)})


def _download_line(downloads: DownloadProgress) -> Line:
    if downloads.items > 1:
        number = min(downloads.items_done + 1, downloads.items)
        return Line("status_downloading_item", {"number": number, "total": downloads.items})
    received, total = downloads.received, downloads.total
    if total is not None:
        facts: dict[str, Fact] = {"percent": _percent(received, total), "size": FileSize(total)}
        return Line("status_downloading_share", facts)
    if received < _BYTES_PER_MB:
        return Line("status_downloading")
    return Line("status_downloading_size", {"size": FileSize(received)})


def _conversion_line(conversions: Sequence[Conversion]) -> Line:
    if not any(one.is_done or one.share for one in conversions):
        return Line("status_preparing")
    done = sum(one.done for one in conversions)
    return Line("status_converting", {"percent": _percent(done, len(conversions))})


def _percent(done: float, total: float) -> int:
    """Return a share in percent, rounded down, so that 100 means all of it."""
    return min(int(done * 100 / total), 100) if total else 0
