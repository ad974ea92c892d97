"""Every expected error, in one tree.

    ClipferryError
    ├─ LinkError                 the user's side
    │   ├─ BrokenLinkError ── ExpiredLinkError
    │   └─ ProfileError · StoriesError · HighlightsError · TagPageError · AudioPageError
    │      · UnnamedPostError
    ├─ CardReplyError            an administrator's side
    ├─ CookieFileError           the same
    │   └─ CookiesTooLargeError · CookiesOfOtherSitesError · CookiesExpiredError
    ├─ MediaError                the site refuses, permanently
    │   ├─ MediaDeletedError · MediaPrivateError · LoginRequiredError · AgeRestrictedError
    │   ├─ UnderReviewError · RegionBlockedError · NotAvailableError
    │   ├─ NoMediaError · NoAudioError · NoSubtitlesError · LiveError
    │   ├─ ListError ── ListFoundError
    │   ├─ NotFoundError ── StoryExpiredError
    │   ├─ PostChangedError
    │   ├─ DrmError ── StreamingServiceError
    │   ├─ PreviewError · UnreadablePageError
    │   ├─ EmptyListError · ListPrivateError · ListGoneError
    │   ├─ PostsGoneError · NoPostsError
    │   └─ BrokenFileError ── MediaTimeoutError
    ├─ LimitError                the bot refuses
    │   ├─ TooLargeError ── TrackTooLargeError
    │   └─ TooLongError · PieceError · BusyError · QueueFullError
    │      · LinksLeftOutError · AlreadySentError · IdentitiesBusyError
    │      · RequestCancelledError · TooOldError · GivenUpError · ShuttingDownError
    ├─ PlatformError             the site, or our parser for it, has a problem
    │   └─ PlatformChangedError · PlatformUnreachableError · PlatformRefusedError
    │      · PlatformRateLimitedError · ListTroubleError · PostsTroubleError
    ├─ DeliveryError             Telegram refuses
    │   ├─ ChatForbiddenError ── ChatMovedError
    │   ├─ SendingForbiddenError · StorageChannelError
    │   ├─ FileRejectedError ── ContentRejectedError · FileUnknownError · UnchangedError
    │   │   · SourceGoneError
    │   └─ FloodError · TelegramUnreachableError
    │      · UnknownOutcomeError · PartialDeliveryError · TokenRejectedError
    ├─ SpoolError                the disk for downloads is full or unavailable
    ├─ StorageError              the database has a problem; users are still served
    │   └─ NewerDatabaseError · WrongFileError
    ├─ RequestTakenOverError     another worker answers; users are told nothing
    ├─ UpdateError               a newer yt-dlp cannot be had now; only administrators are told
    │   └─ ReleaseRefusedError
    ├─ SettingsError             only at startup
    │   └─ AddressError
    └─ BugError                  everything unexpected

The first line of a class docstring is the developer's message. `text_key` names the user's sentence
in `locale/`; `facts` fill its placeholders. `retryable` decides whether the user gets a retry
button, `resendable` whether that button sends the same answer again, without a second download.
`another_proxy_may_help` and `signing_in_may_help` control the fetcher's next attempt.
"""

from collections.abc import Sequence
from math import ceil, floor
from typing import ClassVar, Final

from core.facts import Fact, FileSize, length
from core.media import Link


class ClipferryError(Exception):
    """An expected error occurred."""

    #: Stored in the database and used as a metric label, so it survives renaming the class.
    code: ClassVar[str] = "ClipferryError"
    text_key: str = "platform_trouble"
    retryable: ClassVar[bool] = False
    another_proxy_may_help: ClassVar[bool] = False
    signing_in_may_help: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Use the class name as the code, unless the class sets its own."""
        super().__init_subclass__()
        cls.code = vars(cls).get("code", cls.__name__)

    def __init__(self, detail: str = "") -> None:
        #: What exactly was seen, for the log. Never shown to users, never contains a secret.
        self.detail = detail
        summary = (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(f"{summary} ({detail})" if detail else summary)

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the values for the placeholders of the user's sentence."""
        return {}

    @property
    def resendable(self) -> bool:
        """Return True if the answer was ready, and Telegram may take it, or take it again."""
        return False


class LinkError(ClipferryError):
    """The link cannot be used."""

    text_key = "link_broken"


class BrokenLinkError(LinkError):
    """The link does not lead to a post."""


class ExpiredLinkError(BrokenLinkError):
    """The short link leads to the site's home page: it has expired, or was copied incompletely."""

    text_key = "link_expired"


class ProfileError(LinkError):
    """The link leads to a profile."""

    text_key = "link_profile"


class StoriesError(LinkError):
    """The link leads to all stories of a person."""

    text_key = "link_stories"


class HighlightsError(LinkError):
    """The link leads to the highlights of a person."""

    text_key = "link_highlights"


class TagPageError(LinkError):
    """The link leads to a hashtag, to search results, or to another changing page."""

    text_key = "link_tag"


class AudioPageError(LinkError):
    """The link leads to a sound, with the posts that use it."""

    text_key = "link_audio"


class UnnamedPostError(LinkError):
    """The link leads to a file, or may lead anywhere: which post is meant is not known."""

    text_key = "link_unnamed"


class CardReplyError(ClipferryError):
    """An administrator's reply to a broadcast card is not valid."""

    code = "NoteError"
    text_key = "broadcast_note_wrong"

    def __init__(self, mistakes: Sequence[tuple[int, str]] = ()) -> None:
        # No detail: the reply is the administrator's own text, and details are logged.
        super().__init__()
        #: The number of each wrong line, from 1, and the key of the text that explains it.
        self.mistakes = tuple(mistakes)


class CookieFileError(ClipferryError):
    """The file is not a cookie file in Netscape format."""

    text_key = "identity_malformed"


class CookiesTooLargeError(CookieFileError):
    """The cookie file is larger than any that a browser exports."""

    text_key = "identity_too_large"


class CookiesOfOtherSitesError(CookieFileError):
    """The cookie file has no cookies of this site."""

    text_key = "identity_other_sites"


class CookiesExpiredError(CookieFileError):
    """All cookies of this site in the file have expired."""

    text_key = "identity_out_of_date"


class MediaError(ClipferryError):
    """The site does not provide this media."""


class MediaDeletedError(MediaError):
    """The post no longer exists; sites also claim this to clients they distrust."""

    text_key = "media_deleted"
    another_proxy_may_help = True


class NotFoundError(MediaError):
    """The post does not exist, whichever client asks."""

    text_key = "media_not_found"


class StoryExpiredError(NotFoundError):
    """The stories are gone, or the operator's account may not see them."""

    text_key = "media_expired"


class PostChangedError(MediaError):
    """The post's items are no longer those of which a button promises the remaining ones."""

    text_key = "button_expired"


class MediaPrivateError(MediaError):
    """Only the author, or the author's friends, may see the post."""

    text_key = "media_private"
    signing_in_may_help = True


class LoginRequiredError(MediaError):
    """The site shows the post only to signed-in users."""

    text_key = "media_login"
    signing_in_may_help = True


class AgeRestrictedError(MediaError):
    """The site hides the post behind an age check."""

    text_key = "media_age"
    signing_in_may_help = True


class UnderReviewError(MediaError):
    """The site is still reviewing the post, or has rejected it."""

    text_key = "media_review"


class RegionBlockedError(MediaError):
    """The post is not available in this proxy's country."""

    text_key = "media_region"
    another_proxy_may_help = True


class NotAvailableError(MediaError):
    """The site refuses the post without a reason: deleted, or hidden from this proxy."""

    text_key = "media_unavailable"
    another_proxy_may_help = True


class NoMediaError(MediaError):
    """The post contains neither videos nor pictures."""

    text_key = "media_none"


class LiveError(MediaError):
    """The link leads to a live stream."""

    text_key = "media_live"


class DrmError(MediaError):
    """The media is copy-protected (DRM)."""

    text_key = "media_drm"


class StreamingServiceError(DrmError):
    """The link leads to a music streaming service, which encrypts its tracks."""

    text_key = "link_streaming"


class PreviewError(MediaError):
    """The site plays only a short part of a track or video without a subscription."""

    text_key = "media_preview"
    signing_in_may_help = True


class UnreadablePageError(MediaError):
    """The post's page would take too long to search."""

    text_key = "media_unreadable"


class ListError(MediaError):
    """The link leads to a list of posts."""

    text_key = "media_list"


class ListFoundError(ListError):
    """The short link leads to a list that can be read."""

    def __init__(self, detail: str, link: Link, text_key: str) -> None:
        """`text_key`: what the user is told where no card can offer the list."""
        super().__init__(detail)
        self.link = link
        self.text_key = text_key


class EmptyListError(MediaError):
    """The list has no posts, or none that can be fetched."""

    text_key = "list_empty"


class ListPrivateError(MediaError):
    """The site shows the list only to people whom its owner has chosen, or who are signed in."""

    text_key = "list_private"


class ListGoneError(MediaError):
    """The list, or the account that it belongs to, does not exist, or is hidden from the bot."""

    text_key = "list_gone"


class PostsGoneError(MediaError):
    """Each of several posts is gone, or hidden from the bot."""

    text_key = "list_posts_gone"


class NoPostsError(MediaError):
    """None of several posts can be fetched, for different reasons."""

    text_key = "list_posts_none"


class NoAudioError(MediaError):
    """The post has no audio of its own, or the site does not offer it."""

    code = "NoSoundError"
    text_key = "media_no_sound"


class NoSubtitlesError(MediaError):
    """The video has no subtitles, or the site does not offer them."""

    text_key = "media_no_subtitles"


class BrokenFileError(MediaError):
    """A file of the post is damaged, or too large to open."""

    text_key = "media_broken"


class MediaTimeoutError(BrokenFileError):
    """Processing a file took too long and was aborted."""

    code = "FileOverdueError"


class LimitError(ClipferryError):
    """The bot refuses the request because of its own limits."""


class TooLongError(LimitError):
    """The video is longer than the operator allows."""

    text_key = "too_long"

    def __init__(self, seconds: int, limit_s: int) -> None:
        super().__init__(f"{seconds} s, limit {limit_s} s")
        self.seconds = seconds
        self.limit_s = limit_s

    @property
    def facts(self) -> dict[str, Fact]:
        """Return both lengths as m:ss or h:mm:ss."""
        return {"length": length(self.seconds), "limit": length(self.limit_s)}


class PieceError(LimitError):
    """The video ends before the requested piece starts."""

    text_key = "piece_outside"

    def __init__(self, start_s: int) -> None:
        super().__init__(f"from {start_s} s")
        self.start_s = start_s

    def __reduce__(self) -> tuple[type["PieceError"], tuple[int]]:
        """Keep the start when the error leaves a worker process."""
        return PieceError, (self.start_s,)

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the start as m:ss."""
        return {"start": length(self.start_s)}


class TooLargeError(LimitError):
    """No version of the file fits under the limit."""

    text_key = "too_large"

    def __init__(self, size_bytes: int | None, limit_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes, limit {limit_bytes} bytes")
        #: None if the download was stopped at the limit before its size was known.
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        if size_bytes is None:
            self.text_key = "too_large_unknown"

    @property
    def least_bytes(self) -> int:
        """Return the size, or the smallest size that is possible if it is not known."""
        return self.limit_bytes + 1 if self.size_bytes is None else self.size_bytes

    @property
    def facts(self) -> dict[str, Fact]:
        """Return both sizes, rounded so that the file never appears to fit."""
        size = FileSize(self.least_bytes, ceil)
        return {"size": size, "limit": FileSize(self.limit_bytes, floor)}


class TrackTooLargeError(TooLargeError):
    """No file of a track fits under the limit."""

    def __init__(self, size_bytes: int | None, limit_bytes: int) -> None:
        super().__init__(size_bytes, limit_bytes)
        self.text_key = "track_too_large"


class BusyError(LimitError):
    """The request queue is full."""

    text_key = "busy"
    retryable = True


class IdentitiesBusyError(BusyError):
    """All accounts of the site that may be used are reading other posts."""

    another_proxy_may_help = True


class QueueFullError(LimitError):
    """The chat already has the maximum number of messages in the queue."""

    text_key = "queue_full"
    retryable = True

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} queued")
        self.number = number

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the number of messages that the chat has in the queue."""
        return {"count": self.number}


class LinksLeftOutError(LimitError):
    """The person already has the maximum number of links in the queue."""

    text_key = "links_left_out"

    def __init__(self, limit: int) -> None:
        super().__init__(f"limit {limit}")
        self.limit = limit

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the number of links that were left out, this one, and the limit."""
        return {"count": 1, "limit": self.limit}


class AlreadySentError(LimitError):
    """The chat has received this post since it was asked for."""

    text_key = "already_running"


class RequestCancelledError(LimitError):
    """The user cancelled the request."""

    code = "CalledOffError"
    text_key = "called_off"


class TooOldError(LimitError):
    """The request is too old to be worth answering after downtime."""

    text_key = "too_old"
    retryable = True


class GivenUpError(LimitError):
    """The process ended too often while serving this request; it is not tried again."""

    text_key = "given_up"

    def __init__(self, attempts: int) -> None:
        super().__init__(f"unfinished after {attempts} attempts")


class ShuttingDownError(LimitError):
    """The bot is shutting down and accepts no new requests."""

    text_key = "shutting_down"
    retryable = True


class PlatformError(ClipferryError):
    """The site, or our parser for it, has a problem."""

    retryable = True
    another_proxy_may_help = True


class PlatformChangedError(PlatformError):
    """The site's response does not have the expected shape."""


class PlatformUnreachableError(PlatformError):
    """The site did not respond, or its response was cut off."""


class PlatformRefusedError(PlatformError):
    """The site refuses this client, not this post."""


class PlatformRateLimitedError(PlatformError):
    """The site rate-limits this client."""

    text_key = "platform_slow_down"


class ListTroubleError(PlatformError):
    """The site did not say what is in a list."""

    text_key = "list_trouble"


class PostsTroubleError(PlatformError):
    """None of several posts could be fetched, and some may be later."""

    text_key = "list_posts_trouble"


class DeliveryError(ClipferryError):
    """Telegram did not accept the answer."""

    text_key = "delivery_failed"


class ChatForbiddenError(DeliveryError):
    """The bot may not write to this chat at all: it was blocked or removed."""


class ChatMovedError(ChatForbiddenError):
    """The group was upgraded to a supergroup and has a new chat id."""

    def __init__(self, new_chat_id: int) -> None:
        super().__init__()  # No detail: details are logged, and chat ids must not be.
        self.new_chat_id = new_chat_id


class SendingForbiddenError(DeliveryError):
    """The chat does not allow the bot this kind of message, or messages in this topic."""

    text_key = "delivery_forbidden"

    def __init__(self, detail: str = "", *, is_about_kind: bool = False) -> None:
        super().__init__(detail)
        #: Another kind of message, such as a document, may be allowed.
        self.is_about_kind = is_about_kind


class StorageChannelError(DeliveryError):
    """The storage channel, which holds the files of inline messages, does not take them."""


class FileRejectedError(DeliveryError):
    """Telegram rejects the file or the message as it is."""


class ContentRejectedError(FileRejectedError):
    """Telegram cannot process an uploaded file in this form."""

    def __init__(self, detail: str = "", position: int | None = None) -> None:
        super().__init__(detail)
        #: Position of the file in its album, from 1; None if Telegram does not say.
        self.position = position


class FileUnknownError(FileRejectedError):
    """Telegram does not know the file id, or no longer does."""


class UnchangedError(FileRejectedError):
    """The edit does not change the message."""


class SourceGoneError(FileRejectedError):
    """The message to be copied no longer exists."""


class FloodError(DeliveryError):
    """Telegram asks the bot to slow down (HTTP 429)."""

    retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s

    @property
    def resendable(self) -> bool:
        return True


class TelegramUnreachableError(DeliveryError):
    """Telegram cannot be reached.

    What was to be sent has certainly not arrived.
    """

    retryable = True

    @property
    def resendable(self) -> bool:
        return True


#: The mistake in the settings that a `TokenRejectedError` is.
WRONG_TOKEN: Final = "[bot] token (BOT_TOKEN): the token is wrong or revoked"  # noqa: S105 - a sentence


class TokenRejectedError(DeliveryError):
    """The token is wrong or revoked."""


class UnknownOutcomeError(DeliveryError):
    """Telegram did not confirm the message, which may or may not have arrived."""

    text_key = "delivery_unknown"

    @property
    def resendable(self) -> bool:
        return True


class PartialDeliveryError(DeliveryError):
    """Some albums of the post were delivered, the rest was not."""

    text_key = "delivery_partial"

    def __init__(self, sent: int, total: int) -> None:
        super().__init__(f"{sent} of {total} items")
        self.sent = sent
        self.total = total

    @property
    def resendable(self) -> bool:
        """Return True if what stopped the rest may pass."""
        cause = self.__cause__
        return isinstance(cause, ClipferryError) and (cause.resendable or cause.retryable)

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the number of items that certainly arrived, and the total."""
        return {"sent": self.sent, "count": self.total}


class SpoolError(ClipferryError):
    """The disk for temporary files is full, or the folder cannot be used."""

    text_key = "disk_full"
    retryable = True


class StorageError(ClipferryError):
    """The database did not respond, or refused."""

    text_key = "busy"
    retryable = True


class NewerDatabaseError(StorageError):
    """The database was made by a newer version of Clipferry."""

    retryable = False


class WrongFileError(StorageError):
    """The file or the database that a command was given cannot be used."""

    retryable = False


class RequestTakenOverError(ClipferryError):
    """Another worker has taken the request over, so this one must not answer it any more."""


class UpdateError(ClipferryError):
    """A newer yt-dlp cannot be had now."""


class ReleaseRefusedError(UpdateError):
    """A release of yt-dlp must not be used."""


class SettingsError(ClipferryError):
    """The settings are invalid; `mistakes` lists every problem found."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class AddressError(SettingsError):
    """An address that the settings name does not exist on this machine, or not yet."""


class BugError(ClipferryError):
    """An unexpected error occurred; the log has the traceback under the same code."""

    text_key = "error"

    def __init__(self, report_code: str) -> None:
        super().__init__(report_code)
        #: Eight letters and digits, shown to the user so that the operator can find the report.
        self.report_code = report_code

    @property
    def facts(self) -> dict[str, Fact]:
        """Return the code of the error report."""
        return {"code": self.report_code}
