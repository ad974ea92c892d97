"""Every usage example of the seed page runs unchanged, on both databases.

The tests supply the context of an example (a message, a logger, a keyboard). The lines between the
rulers are copied from the page.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import Message
from sqlalchemy import BigInteger, Boolean, Integer, String, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from data import database
from data.models import Music, Users, Video
from delivery.client import make_bot
from misc.ui import keyboards
from misc.ui.texts import load_texts
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority

logger = logging.getLogger(__name__)
locale = load_texts()
ad_button = keyboards.link_button("x", "https://example.com")


@dataclass
class VideoInfo:
    """The object that the page's second example uses."""

    is_slideshow: bool = True


@dataclass
class Scene:
    """A simulated Telegram, and messages in it as a handler receives them."""

    simulator: Simulator
    bot: Bot

    def message(self, text: str = "hi") -> Message:
        """Send a text as Ada; return the message as an aiogram object."""
        ada = self.simulator.world.person(7, "Ada", language_code="ru")
        raw = self.simulator.world.say(ada, text)
        return Message.model_validate(raw, context={"bot": self.bot})

    def sent(self) -> list[str]:
        """Return the texts that the bot has sent to Ada."""
        messages = self.simulator.world.chats[7].messages.values()
        return [m["text"] for m in messages if m["from"].get("is_bot")]


@pytest.fixture
async def scene(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Scene]:
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    bot = make_bot(simulator.token, server=simulator.address, connections=5)
    yield Scene(simulator, bot)
    await bot.session.close()
    await simulator.stop()


async def test_the_initialization_example_creates_the_tables(db_url: str):
    user_id = 7
    # ------------------------------------------------------------------------------------------
    from data.database import init_db, initialize_database_components

    # 1. Initialize engine and session factory (once at startup)
    initialize_database_components(db_url)

    # 2. Create tables
    await init_db()

    # 3. Use db_service functions for all operations
    from data.db_service import create_user, get_user

    user = await get_user(user_id)
    # ------------------------------------------------------------------------------------------
    assert user is None
    assert (await create_user(user_id, "en")).user_id == 7
    await database.close()


async def test_the_initialization_example_reads_the_configured_url(
    db_url: str, monkeypatch: pytest.MonkeyPatch
):
    import data.config

    monkeypatch.setenv("DATABASE_URL", db_url)
    data.config.load_default_settings.cache_clear()
    # ------------------------------------------------------------------------------------------
    from data.config import config
    from data.database import initialize_database_components

    # In main.py or startup
    db_url = config["database"]["url"]
    initialize_database_components(db_url)
    # ------------------------------------------------------------------------------------------
    data.config.load_default_settings.cache_clear()
    await database.init_db()
    await database.close()


async def test_the_registration_example_registers_a_new_user_once(db: str, scene: Scene):
    message = scene.message()
    for is_first in (True, False):
        # --------------------------------------------------------------------------------------
        from data.db_service import get_user_settings
        from misc.utils import lang_func, start_manager

        settings = await get_user_settings(message.chat.id)
        assert message.from_user
        if not settings:
            # New user - register
            lang = await lang_func(message.chat.id, message.from_user.language_code, True)
            file_mode = False
            await start_manager(message.chat.id, message, lang)
        else:
            # Existing user
            lang, file_mode = settings
        # --------------------------------------------------------------------------------------
        assert bool(settings) is not is_first
        assert (lang, file_mode) == ("ru", False)
    assert len(scene.sent()) == 1


async def test_the_settings_example_returns_language_and_file_mode(db: str, scene: Scene):
    message = scene.message()
    chat_id = message.chat.id
    # ------------------------------------------------------------------------------------------
    from data.db_service import get_user_settings
    from misc.utils import lang_func

    settings = await get_user_settings(message.chat.id)
    assert message.from_user
    if settings:
        lang, file_mode = settings
    else:
        # New user - register them
        lang = await lang_func(chat_id, message.from_user.language_code)
        file_mode = False
    # ------------------------------------------------------------------------------------------
    assert (lang, file_mode) == ("ru", False)


async def test_the_download_example_records_the_video(
    db: str, scene: Scene, caplog: pytest.LogCaptureFixture
):
    from data.db_service import create_user, get_user_stats

    message = scene.message()
    video_link, video_info, was_processed = "https://x.example", VideoInfo(), True
    caplog.set_level(logging.INFO)
    for is_registered in (False, True):
        if is_registered:
            await create_user(message.chat.id, "en")
        # --------------------------------------------------------------------------------------
        from data.db_service import add_video

        # After successful download
        try:
            await add_video(
                user_id=message.chat.id,
                video_link=video_link,
                is_images=video_info.is_slideshow,
                is_processed=was_processed,
                is_inline=False,
            )
            logger.info(f"Video Download: CHAT {message.chat.id} - VIDEO {video_link}")  # noqa: G004
        except Exception as e:  # noqa: BLE001 - the page's own line
            logger.error(f"Can't write into database: {e}")  # noqa: G004, TRY400
        # --------------------------------------------------------------------------------------
    assert "Can't write into database" in caplog.text
    assert "Video Download: CHAT 7" in caplog.text
    _, videos, images = await get_user_stats(7)
    assert (videos, images) == (1, 1)


async def test_the_advertisement_example_follows_the_ad_rule(db: str, scene: Scene):
    from data.db_service import create_user

    message = scene.message()
    await create_user(message.chat.id, "ru")
    lang, group_chat = "ru", False
    shown = []
    for _ in range(7):
        before = len(scene.sent())
        # --------------------------------------------------------------------------------------
        from data.db_service import increase_ad_count, record_ad_show, should_show_ad

        if not group_chat:
            if await should_show_ad(message.chat.id):
                # Show ad
                await record_ad_show(message.chat.id)
                await message.answer(
                    locale[lang]["ad_support"],
                    reply_markup=ad_button,
                )
            else:
                # Increment counter
                await increase_ad_count(message.chat.id)
        # --------------------------------------------------------------------------------------
        shown.append(len(scene.sent()) > before)
    assert shown == [True, False, False, True, False, False, True]
    assert set(scene.sent()) == {locale["ru"]["ad_support"]}


#: Columns of `users` that later migrations added.
LATER = {"blocked_at", "wishes"} | {"posts", "slideshows", "sounds"}
LATER |= {"is_channel", "post_at", "slideshow_at", "sound_at"}


async def test_names_and_columns_match_the_page(db: str):
    assert isinstance(database.engine, AsyncEngine)
    assert database.async_session is not None
    async with await database.get_session() as session:
        assert isinstance(session, AsyncSession)
    columns: dict[type[database.Base], dict[str, tuple[type[Any], bool]]] = {
        Users: {
            "user_id": (BigInteger, False),
            "registered_at": (BigInteger, True),
            "lang": (String, False),
            "link": (String, True),
            "file_mode": (Boolean, False),
            "ad_count": (Integer, False),
            "ad_cooldown": (BigInteger, False),
        },
        Video: {
            "pk_id": (BigInteger, False),
            "user_id": (BigInteger, False),
            "downloaded_at": (BigInteger, True),
            "video_link": (String, False),
            "is_images": (Boolean, False),
            "is_processed": (Boolean, False),
            "is_inline": (Boolean, False),
        },
        Music: {
            "pk_id": (BigInteger, False),
            "user_id": (BigInteger, False),
            "downloaded_at": (BigInteger, True),
            "video_id": (BigInteger, False),
        },
    }
    tables = {Users: "users", Video: "videos", Music: "music"}
    for model, expected in columns.items():
        assert model.__tablename__ == tables[model]
        actual = {c.name: (type(c.type), c.nullable) for c in inspect(model).columns}
        for name in LATER:
            actual.pop(name, None)
        assert {k: (t, n) for k, (t, n) in actual.items() if k in expected} == expected
        assert set(actual) == set(expected)
    assert {c.name for c in inspect(Users).primary_key} == {"user_id"}


async def test_model_defaults_match_the_page(db: str):
    async with await database.get_session() as session:
        session.add(Users(user_id=1))
        await session.flush()
        session.add(Video(user_id=1, video_link="x"))
        await session.commit()
        user = await session.get_one(Users, 1)
        assert (user.lang, user.file_mode, user.ad_count, user.ad_cooldown) == ("en", False, 0, 0)
        video = await session.get_one(Video, 1)
        assert (video.is_images, video.is_processed, video.is_inline) == (False, False, False)
