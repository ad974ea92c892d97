"""Why requests were not answered, in words: the text for each outcome that is stored.

Outcomes are stored as the codes of errors. Several codes share a text where the difference does not
matter to an administrator. A code without an entry has the text of the error's parent class.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from core.errors import ClipferryError, PlatformError

#: Keys of texts by the code of an error.
OUTCOME_KEYS: Final = {
    "LinkError": "stats_why_link",
    "ProfileError": "stats_why_page",
    "StoriesError": "stats_why_page",
    "HighlightsError": "stats_why_page",
    "TagPageError": "stats_why_page",
    "AudioPageError": "stats_why_page",
    "UnnamedPostError": "stats_why_page",
    "ListError": "stats_why_page",
    "MediaError": "stats_why_unavailable",
    "MediaDeletedError": "stats_why_deleted",
    "NotFoundError": "stats_why_deleted",
    "MediaPrivateError": "stats_why_private",
    "LoginRequiredError": "stats_why_login",
    "AgeRestrictedError": "stats_why_age",
    "UnderReviewError": "stats_why_review",
    "RegionBlockedError": "stats_why_region",
    "NotAvailableError": "stats_why_unavailable",
    "NoMediaError": "stats_why_empty",
    "NoSoundError": "stats_why_empty",
    "LiveError": "stats_why_live",
    "DrmError": "stats_why_drm",
    "PreviewError": "stats_why_login",
    "BrokenFileError": "stats_why_broken",
    "LimitError": "stats_why_busy",
    "TooLongError": "stats_why_long",
    "TooLargeError": "stats_why_large",
    "BusyError": "stats_why_busy",
    "QueueFullError": "stats_why_busy",
    "CalledOffError": "stats_why_cancelled",
    "TooOldError": "stats_why_old",
    "GivenUpError": "stats_why_interrupted",
    "ShuttingDownError": "stats_why_interrupted",
    "RequestTakenOverError": "stats_why_interrupted",
    "PlatformError": "stats_why_site",
    "PlatformChangedError": "stats_why_changed",
    "PlatformUnreachableError": "stats_why_silent",
    "PlatformRefusedError": "stats_why_refused",
    "PlatformRateLimitedError": "stats_why_limited",
    "DeliveryError": "stats_why_telegram",
    "ChatForbiddenError": "stats_why_blocked",
    "SendingForbiddenError": "stats_why_forbidden",
    "StorageChannelError": "stats_why_storage",
    "FloodError": "stats_why_pace",
    "TelegramUnreachableError": "stats_why_offline",
    "UnknownOutcomeError": "stats_why_unconfirmed",
    "PartialDeliveryError": "stats_why_partial",
    "SpoolError": "stats_why_disk",
    "StorageError": "stats_why_database",
    "BugError": "stats_why_bug",
}
_OTHER: Final = "stats_why_other"


def outcome_key(code: str) -> str:
    """Return the key of the text for an outcome; codes of other versions have a general one."""
    error = _classes().get(code)
    for parent in error.__mro__ if error else ():
        if issubclass(parent, ClipferryError) and parent.code in OUTCOME_KEYS:
            return OUTCOME_KEYS[parent.code]
    return OUTCOME_KEYS.get(code, _OTHER)


def is_site_fault(code: str) -> bool:
    """Return True if an outcome means that the site, or our parser for it, has a problem."""
    return issubclass(_classes().get(code, ClipferryError), PlatformError)


@cache
def _classes() -> dict[str, type[ClipferryError]]:
    """Return the classes of all errors by their codes."""
    return {error.code: error for error in _descendants(ClipferryError)}


def _descendants(error: type[ClipferryError]) -> Iterator[type[ClipferryError]]:
    yield error
    for child in error.__subclasses__():
        yield from _descendants(child)
