"""What inline and guest mode look up before they answer: person, link and cached media."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import User

from core.cached_post import CachedPost, CacheKey
from core.choices import NO_CHOICE, Choice
from core.clock import shared_clock
from core.errors import StorageError
from core.formats import Quality
from core.media import Link, RemoteFile
from core.preferences import DEFAULT_PREFERENCES, Preferences
from core.request import ChatSettings, Kind, Request, Target, with_choice
from data.chats import find_chat
from misc.ui.texts import Texts
from platforms import Fetcher
from services.requests.file_id_cache import FileIdCache

logger = logging.getLogger(__name__)

#: Telegram drops late answers; results that the database has not returned by then are left out.
_BUDGET_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Person:
    """The person who sent an inline query or a guest call."""

    lang: str
    #: Those of the private chat with the bot.
    preferences: Preferences
    #: None if the database did not answer in time.
    is_registered: bool | None

    @property
    def quality(self) -> Quality:
        """The quality in which this person gets videos."""
        return self.preferences.quality


@dataclass(frozen=True, slots=True)
class Known:
    """What was found in time."""

    person: Person
    link: Link | None
    #: The post and its audio, if they are cached.
    post: CachedPost | None = None
    audio: RemoteFile | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks people and posts up; a failing database only leaves results out."""

    bot_id: int
    texts: Texts
    fetcher: Fetcher
    file_id_cache: FileIdCache

    async def in_time(self, user: User, links: Sequence[Link]) -> Known:
        """Look up a person and the first link, within the time that Telegram allows."""
        link = self.fetcher.known(links[0]) if links else None
        person = Person(self.texts.closest(user.language_code), DEFAULT_PREFERENCES, None)
        post = audio = None
        try:
            async with asyncio.timeout(_BUDGET_S):
                person = await self.person(user)
                if link and link.post_id:
                    post = await self.file_id_cache.find(
                        self.key(link, link.post_id, person.quality)
                    )
                    if person.quality is not Quality.SOUND:
                        audio = await self.file_id_cache.find(
                            self.key(link, link.post_id, Quality.SOUND)
                        )
        except TimeoutError:
            logger.warning(
                "The database is too slow for inline answers",
                extra={"event": "inline_lookup_slow"},
            )
        return Known(person, link, post, audio.files[0] if audio else None)

    async def person(self, user: User) -> Person:
        """Look up a person's language, preferences and registration."""
        lang = self.texts.closest(user.language_code)
        try:
            record = await find_chat(user.id)
        except StorageError as error:
            logger.warning(
                "Could not look up a person: %s", error, extra={"event": "inline_lookup_failed"}
            )
            return Person(lang, DEFAULT_PREFERENCES, None)
        if record is None:
            return Person(lang, DEFAULT_PREFERENCES, is_registered=False)
        known = record.lang if record.lang in self.texts else lang
        return Person(known, record.preferences, is_registered=True)

    def key(self, link: Link, post_id: str, quality: Quality) -> CacheKey:
        """Return the cache key of a post in a quality."""
        variant = "sound" if quality is Quality.SOUND else f"media/{quality}"
        return CacheKey(self.bot_id, link.platform, post_id, variant)

    def key_of(self, request: Request, post_id: str) -> CacheKey:
        """Return the cache key of the post that the answer to a request shows."""
        key = self.key(request.link, post_id, request.chat.preferences.quality)
        return replace(key, variant="document") if request.chat.file_mode else key

    def request(
        self,
        kind: Kind,
        link: Link,
        user: User,
        person: Person,
        inline_id: str,
        choice: Choice = NO_CHOICE,
    ) -> Request:
        """Return the request for an inline message."""
        request = Request(
            kind=kind,
            link=link,
            target=Target(user.id, 0, is_private=True, inline_id=inline_id),
            asked_at=int(shared_clock()),
            chat=ChatSettings(person.lang, preferences=person.preferences),
            is_recorded=bool(person.is_registered),
        )
        return with_choice(request, choice)
