"""Inline mode with a database, and without sites and Telegram."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from core.cached_post import CachedPost
from core.formats import Quality
from core.media import Link, RemoteFile
from core.preferences import Preferences
from data.chats import change_preferences, register_chat
from data.media_cache import store_cached
from handlers.inline.buttons import InlineButtons
from handlers.inline.lookup import Lookup
from handlers.inline.queries import InlineQueries
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.caption_writer import CaptionWriter
from misc.ui.keyboards import Extras
from misc.ui.presenter import PresenterFactory
from misc.ui.texts import load_texts
from platforms import Fetcher, load_registry
from services.access import AccessPolicy
from services.requests.file_id_cache import FileIdCache
from services.requests.store import RequestStore
from tests.fakes import (
    BOT_ID,
    LINK,
    PERSON,
    VIDEO,
    FakeIntake,
    FakeTelegram,
    FakeTools,
    fake_tools,
    make_access,
    make_post,
)

TEXTS = load_texts()
REGISTRY = load_registry()
AUDIO = RemoteFile("audio", "audio-1")


@dataclass
class Bench:
    """The objects behind inline mode, and the fakes in them."""

    telegram: FakeTelegram
    tools: FakeTools
    intake: FakeIntake
    lookup: Lookup
    queries: InlineQueries
    buttons: InlineButtons


def make_bench(
    telegram: FakeTelegram,
    folder: Path,
    *,
    is_for_everybody: bool = False,
    access: AccessPolicy | None = None,
) -> Bench:
    tools, intake = fake_tools(folder), FakeIntake()
    cache = FileIdCache(tools.toolkit, RequestStore(BOT_ID, 60), BOT_ID)
    lookup = Lookup(BOT_ID, TEXTS, cast("Fetcher", tools.fetcher), cache)
    presenters = PresenterFactory(
        TEXTS,
        telegram.sender,
        "demo_bot",
        (),
        admins=frozenset(),
        extras=Extras(),
        captions=CaptionWriter("demo_bot", {"tiktok": "TikTok"}, None),
    )
    queries = InlineQueries(
        telegram.bot,
        TEXTS,
        REGISTRY,
        lookup,
        intake.as_intake,
        presenters,
        Deduplicator(),
        tools.metrics,
        access or make_access(telegram),
        is_for_everybody,
    )
    buttons = InlineButtons(
        telegram.sender,
        TEXTS,
        REGISTRY,
        lookup,
        intake.as_intake,
        presenters,
        RunningButtons(),
    )
    return Bench(telegram, tools, intake, lookup, queries, buttons)


async def register(lang: str = "en", quality: Quality = Quality.BEST) -> None:
    """Let the person have started the bot."""
    await register_chat(PERSON, lang)
    await change_preferences(PERSON, "en", lambda _: Preferences(quality=quality))


async def cache(
    bench: Bench,
    *files: RemoteFile,
    quality: Quality = Quality.BEST,
    link: Link = LINK,
) -> None:
    """Let a post be known to Telegram."""
    key = bench.lookup.key(link, link.post_id or "", quality)
    await store_cached(key, CachedPost(make_post(), files or (VIDEO,), is_processed=False))
