"""Answers that Telegram did not confirm: their files are kept for a while, to be sent again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from core.media import LocalFile, Post
from delivery.api_requests import MessageOptions
from platforms import Spool, Workspace

#: How long the files are kept, in seconds. Afterwards the post is fetched again.
KEPT_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that is ready to be sent."""

    #: The post, with what its files have revealed.
    post: Post
    files: Sequence[LocalFile]
    #: Returns caption and buttons by the number of files that Telegram has refused.
    options_of: Callable[[int], MessageOptions]
    is_processed: bool
    #: How many of the post's items it holds; None when some are missing, so that it is not cached.
    items: int | None
    #: The form of some file is right for this chat only.
    is_chat_specific: bool = False


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer whose files are on disk."""

    space: Workspace
    prepared: Prepared


class KeptAnswers:
    """The answers of this process that may be sent again, by the rows of their requests.

    They take part in the spool's quota, and give way to requests that need the room.
    """

    def __init__(self, spool: Spool, kept_s: float = KEPT_S) -> None:
        self._spool = spool
        self._kept_s = kept_s
        self._answers: dict[int, KeptAnswer] = {}

    def keep(self, row: int | None, answer: KeptAnswer) -> None:
        """Keep the answer to a request, if there is room; one without a row has no button."""
        self._answers = {
            one: kept for one, kept in self._answers.items() if self._spool.is_kept(kept.space)
        }
        if row is not None and self._spool.keep(answer.space, self._kept_s):
            self._answers[row] = answer

    def take(self, row: int | None) -> KeptAnswer | None:
        """Return the answer to a request, once; None if its files are gone."""
        answer = self._answers.pop(row, None) if row is not None else None
        return answer if answer and self._spool.is_kept(answer.space) else None
