"""The versions of a post that can be chosen, with their sizes."""

from dataclasses import dataclass

from core.chat_queue import Lane
from core.choices import Choice, Offer, offers_of
from core.media import Link
from core.subtitles import offered
from services.requests.context import Toolkit


@dataclass(frozen=True, slots=True)
class VersionFinder:
    """Reads a post's page for the versions that it offers now."""

    toolkit: Toolkit

    async def find(self, link: Link, lane: Lane, language: str) -> list[Offer]:
        """Return the versions of a post, and its subtitles; `language` is that of the chat.

        Raises:
            ClipferryError: the page cannot be read.
        """
        async with self.toolkit.slots.one(lane):
            post = await self.toolkit.fetcher.read(link)
        subtitles = [
            Offer(Choice(subtitles=one.language), is_automatic=one.is_automatic)
            for one in offered(post.subtitles, language)
        ]
        return [*offers_of(post, self.toolkit.sender.ceiling_bytes), *subtitles]
