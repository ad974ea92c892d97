"""The posts that chats have received lately: a post that was asked for twice is sent once."""

import time
from dataclasses import replace
from typing import Final

from core.cached_post import CacheKey
from core.recent import RecentValues
from delivery.targets import ChatTarget
from services.requests.context import RequestContext

#: Answers that are remembered. One is needed only while requests from before it are open.
_MOST: Final = 10_000


class RecentAnswers:
    """When each chat received which post, in which variant."""

    def __init__(self) -> None:
        self._sent_at = RecentValues[tuple[ChatTarget, CacheKey], float](_MOST)

    def add(self, context: RequestContext, key: CacheKey) -> None:
        """Note that a request was answered now."""
        self._sent_at[self._place(context, key)] = time.monotonic()

    def has(self, context: RequestContext, key: CacheKey) -> bool:
        """Return True if the post has arrived after the request was made, and so answers it, too.

        Presses and inline messages always get their own answer, and an answer that has begun is
        completed.
        """
        request = context.request
        if request.origin.press or request.target.inline_id or context.stored.progress.sent:
            return False
        sent_at = self._sent_at.get(self._place(context, key))
        return sent_at is not None and sent_at >= context.begun_at

    def _place(self, context: RequestContext, key: CacheKey) -> tuple[ChatTarget, CacheKey]:
        # The chats of a person with business accounts have the id of the chat with the bot itself.
        return replace(context.target, message_id=0), key
