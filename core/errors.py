"""Everything that can go wrong, in one tree.

    ClipferryError
    ├─ LinkError                 the user's side
    │   └─ BrokenLinkError
    ├─ CardReplyError                 an administrator's side
    ├─ MediaError                the site says no, for good
    │   ├─ MediaDeletedError · MediaPrivateError · LoginRequiredError · AgeRestrictedError
    │   ├─ UnderReviewError · RegionBlockedError · NotAvailableError
    │   ├─ NoMediaError · NoAudioError · NotFoundError · LiveError · ListError
    │   └─ BrokenFileError ── MediaTimeoutError
    ├─ LimitError                we say no
    │   └─ TooLongError · TooLargeError · BusyError · QueueFullError
    │      · RequestCancelledError · TooOldError · GivenUpError · ShuttingDownError
    ├─ PlatformError             the site, or our reading of it, is in trouble
    │   └─ PlatformChangedError · PlatformUnreachableError · PlatformRefusedError
    │      · PlatformRateLimitedError
    ├─ DeliveryError             Telegram says no
    │   ├─ ChatForbiddenError ── ChatMovedError
    │   ├─ FileRejectedError ── FileUnknownError · UnchangedError · SourceGoneError
    │   └─ FloodError · TelegramUnreachableError
    │      · UnknownOutcomeError · PartialDeliveryError
    ├─ StorageError              the database is in trouble; users are served all the same
    ├─ SettingsError             only at start
    └─ BugError                  everything that nobody has foreseen

A class's docstring is the developer's message. `text_key` names the sentence for the user in
`locale/`; `facts` fill its placeholders. `retryable` says whether asking again can help, which is
what a try-again button needs to know. `another_proxy_may_help` and `signing_in_may_help` are for the
loop that fetches.
"""

from typing import ClassVar


class ClipferryError(Exception):
    """Something expected went wrong."""

    #: Stands in the database and in metrics, so a class keeps it when it is renamed.
    code: ClassVar[str] = "ClipferryError"
    text_key: ClassVar[str] = "platform_trouble"
    retryable: ClassVar[bool] = False
    another_proxy_may_help: ClassVar[bool] = False
    signing_in_may_help: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Let a class be called by its name, unless it says otherwise."""
        super().__init_subclass__()
        cls.code = vars(cls).get("code", cls.__name__)

    def __init__(self, detail: str = "") -> None:
        #: For the log: what exactly was seen. Never shown to users, never holds a secret.
        self.detail = detail
        summary = (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(f"{summary} ({detail})" if detail else summary)

    @property
    def facts(self) -> dict[str, str | int]:
        """Values for the placeholders of the user's sentence."""
        return {}


class LinkError(ClipferryError):
    """The link cannot be used."""

    text_key = "link_broken"


class BrokenLinkError(LinkError):
    """The link leads to no post."""


class CardReplyError(ClipferryError):
    """What an administrator has answered to a broadcast's card makes no sense."""

    code = "NoteError"
    text_key = "broadcast_note_wrong"


class MediaError(ClipferryError):
    """The site has no such media for us."""


class MediaDeletedError(MediaError):
    """The post does not exist any more; sites say so as well to clients they distrust."""

    text_key = "media_deleted"
    another_proxy_may_help = True


class NotFoundError(MediaError):
    """There is no such post, and the site says so to everybody."""

    text_key = "media_not_found"


class MediaPrivateError(MediaError):
    """Only its author, or the author's friends, may see the post."""

    text_key = "media_private"
    signing_in_may_help = True


class LoginRequiredError(MediaError):
    """The site shows the post to signed-in people only."""

    text_key = "media_login"
    signing_in_may_help = True


class AgeRestrictedError(MediaError):
    """The site hides the post behind an age check."""

    text_key = "media_age"
    signing_in_may_help = True


class UnderReviewError(MediaError):
    """The site is checking the post or has refused it."""

    text_key = "media_review"


class RegionBlockedError(MediaError):
    """The post may not be seen from this exit's country."""

    text_key = "media_region"
    another_proxy_may_help = True


class NotAvailableError(MediaError):
    """The site refuses the post without a reason: deleted, or hidden from this exit."""

    text_key = "media_unavailable"
    another_proxy_may_help = True


class NoMediaError(MediaError):
    """The post holds neither a video nor pictures."""

    text_key = "media_none"


class LiveError(MediaError):
    """The link leads to a live broadcast."""

    text_key = "media_live"


class ListError(MediaError):
    """The link leads to a list of posts."""

    text_key = "media_list"


class NoAudioError(MediaError):
    """The post has no sound of its own, or the site does not give it away."""

    code = "NoSoundError"
    text_key = "media_no_sound"


class BrokenFileError(MediaError):
    """A file of the post is damaged, or too large to be opened."""

    text_key = "media_broken"


class MediaTimeoutError(BrokenFileError):
    """Work on a file was given up because it took too long."""

    code = "FileOverdueError"


class LimitError(ClipferryError):
    """We refuse for our own reasons."""


class TooLongError(LimitError):
    """The video is longer than the operator allows."""

    text_key = "too_long"

    def __init__(self, seconds: int, limit_s: int) -> None:
        super().__init__(f"{seconds} s, limit {limit_s} s")
        self.seconds = seconds
        self.limit_s = limit_s

    @property
    def facts(self) -> dict[str, str | int]:
        """Both lengths as minutes and seconds."""
        return {"length": _minutes(self.seconds), "limit": _minutes(self.limit_s)}


class TooLargeError(LimitError):
    """No version of the file fits under the limit."""

    text_key = "too_large"

    def __init__(self, size_bytes: int | None, limit_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes, limit {limit_bytes} bytes")
        #: None when a download was stopped at the limit before its size was known.
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes

    @property
    def facts(self) -> dict[str, str | int]:
        """Both sizes in megabytes (10^6 bytes), the size rounded up so that it never looks fitting."""
        size = self.size_bytes if self.size_bytes is not None else self.limit_bytes + 1
        return {"size": -(-size // 1_000_000), "limit": self.limit_bytes // 1_000_000}


class BusyError(LimitError):
    """There is no room for another request at the moment."""

    text_key = "busy"
    retryable = True


class QueueFullError(LimitError):
    """A chat has as many requests in the queue as it may have."""

    text_key = "queue_full"
    retryable = True

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} already")
        self.number = number

    @property
    def facts(self) -> dict[str, str | int]:
        """How many there are."""
        return {"number": self.number}


class RequestCancelledError(LimitError):
    """The asker does not want it any more."""

    code = "CalledOffError"
    text_key = "called_off"


class TooOldError(LimitError):
    """The request is from so long ago that nobody waits for its answer any more."""

    text_key = "too_old"
    retryable = True


class GivenUpError(LimitError):
    """The program has ended so often with this request in its hands that it is not tried again."""

    text_key = "given_up"

    def __init__(self, attempts: int) -> None:
        super().__init__(f"left unfinished {attempts} times")


class ShuttingDownError(LimitError):
    """The bot is about to stop and takes no new work."""

    text_key = "shutting_down"
    retryable = True


class PlatformError(ClipferryError):
    """The site, or our reading of it, is in trouble."""

    retryable = True
    another_proxy_may_help = True


class PlatformChangedError(PlatformError):
    """The site's answer does not have the expected shape."""


class PlatformUnreachableError(PlatformError):
    """The site did not answer, or its answer broke off."""


class PlatformRefusedError(PlatformError):
    """The site refuses this client, not this post."""


class PlatformRateLimitedError(PlatformError):
    """The site asks this client to slow down."""

    text_key = "platform_slow_down"


class DeliveryError(ClipferryError):
    """Telegram did not take the answer."""

    text_key = "delivery_failed"


class ChatForbiddenError(DeliveryError):
    """The bot may not write to this chat: blocked, removed or without the right to."""


class ChatMovedError(ChatForbiddenError):
    """The group has become a supergroup, with another id."""

    def __init__(self, new_chat_id: int) -> None:
        super().__init__()  # details are logged, and ids of chats are not
        self.new_chat_id = new_chat_id


class FileRejectedError(DeliveryError):
    """Telegram refuses the file or the message as it is."""


class FileUnknownError(FileRejectedError):
    """Telegram does not know a file id (any more)."""


class UnchangedError(FileRejectedError):
    """The message says already what it was to say."""


class SourceGoneError(FileRejectedError):
    """The message that was to be copied does not exist any more."""


class FloodError(DeliveryError):
    """Telegram asks us to slow down."""

    retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TelegramUnreachableError(DeliveryError):
    """Telegram was not reached, so nothing was sent."""

    retryable = True


class UnknownOutcomeError(DeliveryError):
    """The connection broke after the file was on its way: it may or may not arrive."""

    text_key = "delivery_unknown"


class SettingsError(ClipferryError):
    """The settings are wrong; `mistakes` lists all of them."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class PartialDeliveryError(DeliveryError):
    """Some of the albums of a post have arrived, the rest has not."""

    text_key = "delivery_partial"

    def __init__(self, sent: int, total: int) -> None:
        super().__init__(f"{sent} of {total} items")
        self.sent = sent
        self.total = total

    @property
    def facts(self) -> dict[str, str | int]:
        """How many items have surely arrived, and how many there are."""
        return {"sent": self.sent, "total": self.total}


class StorageError(ClipferryError):
    """The database did not answer, or refused."""

    text_key = "busy"
    retryable = True


class BugError(ClipferryError):
    """Something nobody has foreseen; the log has the traceback under the same code."""

    text_key = "error"

    def __init__(self, report_code: str) -> None:
        super().__init__(report_code)
        #: Eight letters and digits that the user sees and the operator can look for.
        self.report_code = report_code

    @property
    def facts(self) -> dict[str, str | int]:
        """The code of the report."""
        return {"code": self.report_code}


def _minutes(seconds: int) -> str:
    """Give a length as m:ss, which reads the same in every language."""
    return f"{seconds // 60}:{seconds % 60:02}"
