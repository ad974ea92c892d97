"""What a request carries through the pipeline, and what the services work with."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.chat_queue import Lane
from core.errors import ClipferryError
from core.lists import ListCard
from core.media import Link, Post
from core.preferences import Preferences
from core.progress import WorkProgress
from core.request import Request, Ticket
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.status_indicator import StatusIndicator
from delivery.targets import ChatTarget
from media.processor import MediaProcessor
from platforms import Fetcher, Spool
from services.metrics import Metrics
from services.requests.kept_answers import KeptAnswers
from services.requests.slots import Slots
from services.requests.store import StoredRequest


class Presenter(Protocol):
    """The texts and buttons of one request, in the chat's language."""

    def options(self, post: Post, *, shown: int, missing: int) -> MessageOptions:
        """Return caption and buttons of a post; `shown` and `missing` count its items."""

    def audio_options(self, post: Post) -> MessageOptions:
        """Return the caption of a file made from a post: its audio, its subtitles, an archive."""

    def list_archive(self, places: tuple[int, int], total: int, missing: int) -> MessageOptions:
        """Return the caption of a part of a list's archive.

        `places` are those of its first and last post, from 1; `missing` counts the posts that
        could not be fetched as a whole.
        """

    def missing_posts(self, missing: Mapping[str, ClipferryError]) -> str:
        """Return a plain text that names posts by their URLs, and why each could not be fetched."""

    def list_card(self, card: ListCard) -> MessageOptions:
        """Return the card of a list: its text and its buttons."""

    def status_note(self, work: WorkProgress, number: int, place: int | None) -> MessageOptions:
        """Return the status note of a request, by its number in the queue; see `note_lines`."""

    async def explain(self, error: ClipferryError, ticket: Ticket | None) -> None:
        """Send the explanation of a failure, where the chat wants one.

        `ticket` is for a button that sends the answer again; None for a request that has no row.

        Raises:
            DeliveryError: Telegram did not take it.
        """

    @property
    def has_ad(self) -> bool:
        """Whether there is an ad in the chat's language."""

    async def show_ad(self) -> None:
        """Send an ad and count it.

        Raises:
            DeliveryError: Telegram did not take it.
            StorageError: it was sent, but not counted.
        """


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request of one chat."""

    link: Link
    target: ChatTarget
    #: Send the file as a document, unchanged.
    file_mode: bool
    preferences: Preferences
    status: StatusIndicator
    presenter: Presenter
    #: Its row, and how much of its answer has been sent.
    stored: StoredRequest
    #: Start of the request on the monotonic clock, in seconds.
    begun_at: float = field(default_factory=time.monotonic)

    @property
    def request(self) -> Request:
        """The request as it was accepted."""
        return self.stored.request

    @property
    def chat_id(self) -> int:
        """The chat that gets the answer."""
        return self.target.chat_id

    @property
    def work(self) -> WorkProgress:
        """How far the work on the request is."""
        return self.stored.work

    @property
    def row(self) -> int | None:
        """The id of its row; None if it is not stored."""
        return self.stored.row

    @property
    def has_note(self) -> bool:
        """Whether the chat sees a status note: groups do not, and an inline message is one."""
        return self.target.is_private and not self.target.inline_id

    @property
    def lane(self) -> Lane:
        """The queue in which the request stands."""
        return Lane(self.chat_id, self.request.person_id)

    @property
    def position(self) -> int:
        """The id of its message: a lane's requests are served in the order of their messages."""
        return self.target.message_id


@dataclass(frozen=True, slots=True)
class Delivered:
    """What has arrived in a chat."""

    post: Post
    #: A file had to be converted.
    is_processed: bool
    #: The files came from Telegram, by their ids.
    is_known: bool
    #: The chat, under its new id if the group has become a supergroup.
    chat_id: int
    #: It was the card of a list, and no post.
    is_card: bool = False


@dataclass(frozen=True, slots=True)
class Toolkit:
    """What every service works with."""

    fetcher: Fetcher
    sender: Sender
    spool: Spool
    media: MediaProcessor
    slots: Slots
    metrics: Metrics
    kept_answers: KeptAnswers
