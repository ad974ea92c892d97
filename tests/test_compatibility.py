"""What lies outside the code and must survive its renaming: rows, JSON, buttons, names others use.

The files in tests/compatibility/ were written by version 0.1.0 and are never written again.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import text

from app.bot_commands import GROUP_ADMIN_COMMANDS, PRIVATE_COMMANDS
from core import broadcasts as broadcast_rules
from core.broadcasts import Audience
from core.cached_post import CacheKey, read_cached
from core.captions import CaptionPart
from core.errors import ClipferryError
from core.formats import Quality
from core.media import Clip, Link, Picture, RemoteFile
from core.preferences import DEFAULT_PREFERENCES, Preferences
from core.referrals import read_referral
from core.request import (
    Asker,
    ButtonPress,
    ChatSettings,
    Origin,
    Progress,
    Request,
    Target,
)
from data import config, database
from data.broadcasts import find_broadcast, next_recipients
from data.chats import find_chat
from data.db_service import get_user, get_user_stats, get_user_videos
from data.error_reports import find_report
from data.inline_messages import find_inline
from data.key_values import read_value
from data.media_cache import find_cached
from data.requests import take_over
from data.statistics import counts_since, outcomes_since
from misc.ui import callback_data
from services.metrics import Metrics

_FILES = Path(__file__).parent / "compatibility"
_FORMS = json.loads((_FILES / "stored_forms.json").read_text())
_NAMES = json.loads((_FILES / "public_names.json").read_text())
_ROOT = Path(__file__).parent.parent
_POST = "7300000000000000001"
_PREFERENCES = Preferences(
    quality=Quality("720p"),
    caption=(CaptionPart.AUTHOR, CaptionPart.TEXT, CaptionPart.SOURCE, CaptionPart.BOT),
    muted=("tiktok", "x"),
    album_cap=10,
    delete_request=True,
    silent=True,
    spoiler=True,
    only_mentioned=True,
)
_TIKTOK = Link("tiktok", f"https://www.tiktok.com/@demo/video/{_POST}", _POST)
_AT = 1_790_000_000
_REQUESTS = [
    Request("post", _TIKTOK, Target(42, 7, True), _AT, ChatSettings("de")),
    Request(
        "sound",
        _TIKTOK,
        Target(42, 8, True),
        _AT,
        ChatSettings("en", file_mode=True),
        origin=Origin(press=ButtonPress(f"id/{_POST}", '{"inline_keyboard": []}')),
    ),
    Request(
        "slides",
        Link("instagram", "https://www.instagram.com/p/Cdemo/", "Cdemo"),
        Target(-1001, 9, False, thread_id=3),
        _AT,
        ChatSettings("ar", preferences=_PREFERENCES),
        Asker(name="Ada & <Co>"),
        is_recorded=False,
    ),
    Request(
        "post",
        Link("tiktok", "https://vm.tiktok.com/ZMdemo/", None),
        Target(42, 0, True, business_id="biz-1"),
        _AT,
        ChatSettings("uk"),
    ),
    Request(
        "post",
        Link("reddit", "https://redd.it/demo1", "demo1"),
        Target(42, 0, True, inline_id="AgAAAinline"),
        _AT,
        ChatSettings("hi"),
    ),
]
_PROGRESS = [
    Progress(),
    Progress((11, 12, 0), 4, 2, False),
    Progress((11,), 1, None, True),
    Progress((11, 12), 2, 0, False),
]


def _with_parts(stored: str) -> str:
    """Return stored JSON with the parts of the caption, which were one switch at that time."""
    switch, parts = '"describe": true', '"caption": ["author", "text", "source", "bot"]'
    if stored.startswith('{"kind"'):  # a request, which contains the preferences as a string
        switch, parts = switch.replace('"', r"\""), parts.replace('"', r"\"")
    return stored.replace(switch, parts)


@pytest.mark.parametrize(
    ("stored", "meant"), [*zip(_FORMS["requests"], _REQUESTS, strict=True)], ids=range(5)
)
def test_stored_requests_are_read_and_written_as_before(stored: str, meant: Request):
    assert Request.from_json(stored) == meant
    assert meant.as_json() == _with_parts(stored)


@pytest.mark.parametrize(
    ("stored", "meant"), [*zip(_FORMS["progress"], _PROGRESS, strict=True)], ids=range(4)
)
def test_stored_progress_is_read_and_written_as_before(stored: str, meant: Progress):
    assert Progress.from_json(stored) == meant
    assert meant.as_json() == stored


def test_stored_preferences_are_read_and_written_as_before():
    assert Preferences.from_json(_FORMS["wishes"]) == _PREFERENCES
    assert _PREFERENCES.as_json() == _with_parts(_FORMS["wishes"])
    assert [str(quality) for quality in Quality] == _FORMS["qualities"]


def test_stored_posts_are_read_and_written_as_before():
    key = CacheKey(1, "tiktok", _POST, "media/best")
    stored = _FORMS["cached_post"]
    cached = read_cached(key, stored["about"], stored["files"], version=1, refreshed_at=_AT)
    assert cached is not None
    assert cached.files == (
        RemoteFile("video", "BAADvideo", "1/2"),
        RemoteFile("photo", "AgADphoto"),
    )
    assert cached.post.items == (Clip(()), Picture(()))
    assert (cached.post.details.text, cached.post.details.likes, cached.post.details.views) == (
        "Grüße <b>",
        5,
        None,
    )
    assert cached.post.audio is not None
    assert cached.post.is_sensitive
    assert cached.is_processed
    assert cached.about_json() == stored["about"]
    assert cached.files_json() == stored["files"]


def test_stored_broadcasts_are_read_and_written_as_before():
    assert [str(state) for state in broadcast_rules.State] == _FORMS["states"]
    assert [str(end) for end in broadcast_rules.Outcome] == _FORMS["recipient_outcomes"]
    for stored in _FORMS["audiences"]:
        assert Audience.from_json(stored).as_json() == stored


def _all_errors(base: type[ClipferryError] = ClipferryError) -> Iterator[type[ClipferryError]]:
    yield base
    for derived in base.__subclasses__():
        yield from _all_errors(derived)


def test_every_outcome_in_the_database_still_has_its_error():
    errors = {error.code: error.text_key for error in _all_errors()}
    missing = [code for code in _FORMS["error_codes"] if code not in errors]
    assert missing == []
    changed = {
        code: errors[code] for code, key in _FORMS["error_text_keys"].items() if errors[code] != key
    }
    assert changed == {}


def test_no_two_errors_have_one_code():
    codes = [error.code for error in _all_errors()]
    assert len(codes) == len(set(codes))


# Buttons below messages that were sent long ago.
_CALLBACKS = {
    "lang/",
    "id/",
    "sound/",
    "slides/",
    "retry_video",
    "again",
    "page/",
    "cancel/",
    "set/",
    "cast/",
    "privacy/",
    "count/",
    "history/",
}


def _constants(module: ModuleType) -> set[object]:
    return {value for value in vars(module).values() if isinstance(value, str)}


def test_buttons_carry_what_they_always_have():
    assert _constants(callback_data) >= _CALLBACKS
    assert {"stats_noop", "loading", "slide:noop", "wait"} <= callback_data.NOOP
    assert callback_data.OLD_INLINE == ("ir:", "sr:")
    assert callback_data.audio_of("tiktok", _POST) == f"id/{_POST}"
    assert callback_data.audio_of("x", "12") == "sound/x/12"
    assert callback_data.slides_of("tiktok", _POST) == f"slides/tiktok/{_POST}"


@pytest.mark.parametrize(
    ("data", "post"),
    [
        (f"id/{_POST}", ("tiktok", _POST)),
        ("sound/instagram/Cdemo-_1", ("instagram", "Cdemo-_1")),
        ("slides/tiktok/12", ("tiktok", "12")),
        ("sound/x/..", ("x", "..")),
        ("id/abc", None),
    ],
)
def test_posts_of_old_buttons_are_found(data: str, post: tuple[str, str] | None):
    assert callback_data.read_post(data) == post


def test_inline_buttons_of_older_bots_are_understood():
    old = callback_data.read_old_inline("ir:tt:16:vm.tiktok.com/ZMdemo")
    assert old is not None
    assert old.url == "https://vm.tiktok.com/ZMdemo"
    assert old.is_of(42)  # 42 in base 36
    assert old.is_of(16)
    assert not old.is_of(7)


def test_deep_links_are_understood():
    assert read_referral("/start inline") == "inline"
    assert read_referral("/start@any_bot Flyer-7_a") == "flyer-7_a"
    assert read_referral("/start") is None


def test_commands_keep_their_names():
    assert set(_NAMES["commands"]) <= {*PRIVATE_COMMANDS, *GROUP_ADMIN_COMMANDS}


def test_settings_and_environment_keep_their_names():
    keys = {tuple(row[:2]) for row in config.describe()}
    assert {tuple(key) for key in _NAMES["settings"]} <= keys
    read = {config.env_name(*key) for key in keys}
    assert set(_NAMES["environment"]) <= read


def test_metrics_keep_their_names_and_labels():
    collected = {metric.name: metric.type for metric in Metrics().registry.collect()}
    assert collected.items() >= _NAMES["metrics"].items()
    code = "\n".join(
        path.read_text()
        for folder in ("app", "handlers", "services")
        for path in (_ROOT / folder).rglob("*.py")
    )
    for name in (*_NAMES["gauges"], *(v for vs in _NAMES["label_values"].values() for v in vs)):
        assert f'"{name}"' in code


@pytest.mark.parametrize("file", _NAMES["locale_files"])
def test_every_text_of_that_time_still_exists(file: str):
    texts = json.loads((_ROOT / "locale" / file).read_text())
    assert [key for key in _NAMES["locale_keys"] if key not in texts] == []


def test_the_container_keeps_its_volume_and_the_compose_file_its_database():
    docker = (_ROOT / "Dockerfile").read_text()
    compose = (_ROOT / "docker-compose.yml").read_text()
    assert "VOLUME /app/var" in docker
    assert "var/heartbeat" in docker
    assert "POSTGRES_USER: ferry" in compose
    assert "POSTGRES_DB: ferry" in compose


@pytest.fixture
async def old_database(tmp_path: Path) -> AsyncIterator[None]:
    """A database that version 0.1.0 has written, opened by the program under test."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((_FILES / "database.sql").read_text())
    connection.close()
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    yield
    await database.close()


def _with_old_caption(request: Request) -> Request:
    """Return a request as the upgrade leaves it: its default caption is that of its time."""
    if request.chat.preferences is not DEFAULT_PREFERENCES:
        return request
    caption = (CaptionPart.SOURCE, CaptionPart.BOT)
    preferences = replace(DEFAULT_PREFERENCES, caption=caption)
    return replace(request, chat=replace(request.chat, preferences=preferences))


@pytest.mark.usefixtures("old_database")
class TestOldDatabase:
    """Every table of it is understood."""

    async def test_chats(self):
        user = await get_user(42)
        assert user is not None
        assert (user.lang, user.link, user.file_mode) == ("de", "flyer", True)
        group = await find_chat(-1001)
        assert group is not None
        assert group.preferences == _PREFERENCES
        assert await get_user_videos(42) == [(_AT, _TIKTOK.url)]
        assert (await get_user_stats(42))[1:] == (1, 0)
        assert (await get_user(77)).blocked_at == _AT  # type: ignore[union-attr]

    async def test_open_requests_are_taken_over(self):
        taken = await take_over(1, "worker-new", 100)
        assert [entry.request for entry in taken] == [*map(_with_old_caption, _REQUESTS[:3])]
        assert [entry.attempts for entry in taken] == [1, 0, 0]
        assert taken[2].progress == _PROGRESS[1].interrupted()

    async def test_cached_posts(self):
        cached = await find_cached(CacheKey(1, "tiktok", _POST, "media/best"))
        assert cached is not None
        assert cached.files_json() == _FORMS["cached_post"]["files"]

    async def test_inline_messages(self):
        message = await find_inline("AgAAAinline")
        assert message is not None
        assert (message.owner_id, message.post_id) == (42, "demo1")
        assert message.request == _with_old_caption(_REQUESTS[4])

    async def test_broadcasts(self):
        broadcast = await find_broadcast(1)
        assert broadcast is not None
        assert str(broadcast.state) == "running"
        assert broadcast.content.message_id == 5
        recipients = await next_recipients(1, None, 10)
        assert recipients  # the list was complete

    async def test_reports_notes_and_counts(self):
        report = await find_report("ABCD2345")
        assert report is not None
        assert report.summary == "ValueError: demo"
        assert await read_value("demo") == "on"
        assert set(await outcomes_since(None)) == {
            ("tiktok", "known", 3),
            ("tiktok", "CalledOffError", 2),
            ("x", "fetched", 1),
        }
        counts = await counts_since(None)
        assert max(count.posts for count in counts.values()) == 1

    async def test_the_schema_is_the_one_of_a_new_database(self, tmp_path: Path):
        question = text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        old = await database.read(lambda db: set(map(tuple, db.execute(question))))
        await database.close()
        database.initialize_database_components(f"sqlite:///{tmp_path / 'new.db'}")
        await database.init_db()
        assert await database.read(lambda db: set(map(tuple, db.execute(question)))) == old
