"""The versions of a post that can be chosen, with their sizes."""

from dataclasses import dataclass

from core.chat_queue import Lane
from core.choices import Offer, offers_of
from core.media import Link, Post
from platforms import Attempt
from services.requests.context import Toolkit


@dataclass(frozen=True, slots=True)
class VersionFinder:
    """Reads a post's page for the versions that it offers now."""

    toolkit: Toolkit

    async def find(self, link: Link, lane: Lane) -> list[Offer]:
        """Return the versions of a post; see `offers_of`.

        Raises:
            ClipferryError: the page cannot be read.
        """

        async def read(attempt: Attempt) -> Post:
            return await attempt.read()

        async with self.toolkit.slots.one(lane):
            post = await self.toolkit.fetcher.attempt(link, read)
        return offers_of(post, self.toolkit.sender.ceiling_bytes)
