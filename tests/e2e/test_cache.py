"""The file-id cache: cached posts are sent by file id; a new post is downloaded once for all."""

import signal
from typing import Any

import pytest

from core.cached_post import FRESH_S, CacheKey
from core.errors import StorageError
from data import database
from data.database import unix_now
from data.db_service import get_user_stats
from data.media_cache import find_cached
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from simulator.sites.tiktok import Encoding
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.programs import program

TEXTS = load_texts()
EN = TEXTS["en"]
KEY = CacheKey(42, "tiktok", ID, "media/best")


def pages(harness: BotHarness) -> int:
    return len([e for e in harness.simulator.log if e.path.startswith("/@_/video")])


def downloads(harness: BotHarness) -> int:
    return len([e for e in harness.simulator.log if e.path.startswith("/video/")])


def uploads(harness: BotHarness) -> list[Any]:
    return [c for c in harness.api.calls if c.uploads]


async def test_a_cached_link_is_sent_once_without_a_download(harness: BotHarness):
    harness.video(text="Dawn")
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    harness.simulator.log.clear()
    bo = harness.world.person(1002, "Bo")
    await harness.say("hello", bo)
    await harness.say(VIDEO.replace("ferry.demo", ""), bo)
    assert harness.simulator.log == []
    assert len(uploads(harness)) == 1
    first, second = (harness.videos(harness.world.chats[chat])[0] for chat in (1001, 1002))
    assert second["video"] == first["video"]
    assert second["caption"] == first["caption"]
    assert second["reply_markup"] == first["reply_markup"]
    assert (await get_user_stats(1002))[1] == 1
    # No "uploading" action, because nothing is uploaded.
    assert {c.params["chat_id"] for c in harness.calls("sendChatAction")} == {1001}


async def test_a_hundred_chats_share_one_page_one_download_and_one_upload(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.site.file_latency_s = 0.2
    people = [harness.world.person(2000 + n, f"P{n}") for n in range(100)]
    for person in people:
        harness.world.say(person, VIDEO)
    await harness.settled()
    assert (pages(harness), downloads(harness), len(uploads(harness))) == (1, 1, 1)
    assert all(len(harness.videos(harness.world.chats[p.id])) == 1 for p in people)
    stats = [await get_user_stats(p.id) for p in people]
    assert [videos for _, videos, _ in stats] == [1] * 100


async def test_chats_share_a_failure_of_the_site_in_their_own_language(
    harness: BotHarness,
):
    harness.site.serves_pages.clear()
    await harness.start()
    people = [harness.world.person(2000 + n, language_code="uk") for n in range(30)]
    chats = [harness.world.chats[person.id] for person in people]
    for person in people:
        harness.world.say(person, VIDEO)
    await harness.until(lambda: all(chat.reactions for chat in chats), "all to wait")
    harness.site.serves_pages.set()
    await harness.settled()
    assert pages(harness) == 1
    for chat in chats:
        assert harness.texts(chat)[-1] == TEXTS["uk"]["media_deleted"]


async def test_a_waiting_chat_is_served_when_the_first_chat_is_closed(harness: BotHarness):
    harness.video()
    harness.site.serves_files.clear()
    await harness.start()
    await harness.say("hello")
    bo = harness.world.person(1002, "Bo")
    await harness.say("hello", bo)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: pages(harness))
    harness.world.say(bo, VIDEO)
    harness.home.closed = "bot was blocked by the user"
    await harness.until(lambda: harness.world.chats[1002].reactions, "both to wait")
    harness.site.serves_files.set()
    await harness.settled()
    assert len(harness.videos(harness.world.chats[1002])) == 1


async def test_a_cached_album_keeps_its_order_and_a_group_gets_its_limit(harness: BotHarness):
    photo = Media(harness.samples.picture(400, 500, "i"))
    film = Media(harness.samples.video(VideoSpec()), is_video=True)
    harness.instagram.add(InstagramPost("DemoPhoto01", (photo, film, *[photo] * 10)))
    link = "https://www.instagram.com/p/DemoPhoto01/"
    await harness.start()
    await harness.say("hello")
    await harness.say(link)
    harness.simulator.log.clear()
    crew = harness.world.group(-1002)
    await harness.say(link)
    await harness.say(link, chat=crew)
    assert harness.simulator.log == []
    ids = [
        m["video" if "video" in m else "photo"] for m in harness.answers() if "media_group_id" in m
    ]
    assert ids[:12] == ids[12:]
    assert len([m for m in harness.answers(crew) if "media_group_id" in m]) == 10
    assert TEXTS("en", "album_cut", count=10, total=12) in harness.texts(crew)[-1]


async def test_an_album_cut_for_a_group_is_not_cached_as_complete(harness: BotHarness):
    pictures = tuple(harness.samples.picture(200 + n, 300, "s") for n in range(12))
    harness.video(pictures=pictures)
    await harness.start()
    await harness.say(VIDEO, chat=harness.world.group(-1002))
    await harness.say(VIDEO)
    assert len([m for m in harness.answers() if "photo" in m]) == 12


async def test_groups_with_the_same_limit_share_the_cut_album(harness: BotHarness):
    harness.video(pictures=tuple(harness.samples.picture(200 + n, 300, "s") for n in range(12)))
    await harness.start()
    crews = [harness.world.group(-1002 - n) for n in range(20)]
    people = [harness.world.person(2000 + n) for n in range(20)]
    for person, crew in zip(people, crews, strict=True):
        harness.world.say(person, VIDEO, crew)
    await harness.settled()
    assert len(uploads(harness)) == 1
    for crew in crews:
        assert len([m for m in harness.answers(crew) if "photo" in m]) == 10
        assert TEXTS("en", "album_cut", count=10, total=12) in harness.texts(crew)[-1]


async def test_files_and_qualities_are_cached_separately(harness: BotHarness):
    small = Encoding(harness.samples.video(VideoSpec(width=288, height=512)), width=288, height=512)
    harness.video(encodings=(small, Encoding(harness.samples.video(VideoSpec()))))
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    await harness.say("/mode")
    await harness.say(VIDEO)
    await harness.say("/mode")
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], "set/quality/small")
    await harness.say(VIDEO)
    assert [m["video"]["width"] for m in harness.videos()] == [576, 288]
    assert len([m for m in harness.answers() if "document" in m]) == 1
    assert len(uploads(harness)) == 3


async def test_sounds_and_slideshow_videos_are_cached(harness: BotHarness):
    pictures = tuple(harness.samples.picture(200 + n, 300, "s") for n in range(2))
    harness.video(pictures=pictures)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    below = harness.answers()[-1]
    for _ in range(2):
        await harness.press(below, f"id/{ID}")
        await harness.press(below, f"slides/tiktok/{ID}")
    assert len(uploads(harness)) == 3  # the album, the sound, the video
    sounds = [m["audio"] for m in harness.answers() if "audio" in m]
    assert sounds[0] == sounds[1]
    assert len(harness.videos()) == 2


async def test_an_invalid_file_id_is_replaced_once(
    harness: BotHarness,
):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    harness.api.files.by_id.clear()  # Telegram no longer knows the file
    await harness.say(VIDEO)
    assert len(harness.videos()) == 2
    assert len(uploads(harness)) == 2
    cached = await find_cached(KEY)
    assert cached is not None
    assert cached.version == 2
    await harness.say(VIDEO)
    assert len(uploads(harness)) == 2


@pytest.mark.parametrize("kind", ["429", "400", "cut"])
async def test_other_send_errors_keep_the_cached_file_ids(harness: BotHarness, kind: str):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    harness.fail("sendVideo", kind, seconds=90)
    await harness.say(VIDEO)
    assert len(uploads(harness)) == 1
    assert len(harness.calls("sendVideo")) == 2  # a failed send is not repeated
    cached = await find_cached(KEY)
    assert cached is not None
    assert cached.version == 1


async def test_likes_and_views_are_refreshed_after_a_day_without_an_upload(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    post = harness.video(likes=10)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    now = unix_now()
    for module in ("services.requests.file_id_cache", "data.media_cache"):
        monkeypatch.setattr(f"{module}.unix_now", lambda: now + FRESH_S + 1)
    post.likes = 20
    await harness.say(VIDEO)
    assert "❤️ 20" in str(harness.videos()[-1]["reply_markup"])
    assert (pages(harness), len(uploads(harness))) == (2, 1)
    await harness.say(VIDEO)
    assert pages(harness) == 2  # fresh again


async def test_a_failed_refresh_delivers_the_cached_post(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    harness.video()
    await harness.start(LIMITS_ATTEMPTS="1")
    await harness.say("hello")
    await harness.say(VIDEO)
    now = unix_now()
    monkeypatch.setattr("services.requests.file_id_cache.unix_now", lambda: now + FRESH_S + 1)
    harness.site.posts.clear()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 2


async def test_a_post_that_changed_its_kind_is_downloaded_again(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    now = unix_now()
    monkeypatch.setattr("services.requests.file_id_cache.unix_now", lambda: now + FRESH_S + 1)
    harness.video(pictures=(harness.samples.picture(200, 300, "s"),))
    await harness.say(VIDEO)
    assert "photo" in harness.answers()[-1]


async def test_a_partially_sent_album_is_not_cached(harness: BotHarness):
    harness.video(pictures=tuple(harness.samples.picture(200 + n, 300, "s") for n in range(12)))
    await harness.start()
    await harness.say("hello")
    harness.fail("sendMediaGroup", "cut", skip=1)
    await harness.say(VIDEO)
    assert await find_cached(KEY) is None


async def test_file_ids_of_another_bot_are_not_used(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    assert await find_cached(CacheKey(43, "tiktok", ID, "media/best")) is None


async def test_a_short_link_fills_the_cache_for_the_long_link(harness: BotHarness):
    harness.video()
    harness.site.short_links["ZMdemo001"] = f"{VIDEO}?_t=8x"
    await harness.start()
    await harness.say("hello")
    await harness.say("https://vm.tiktok.com/ZMdemo001/")
    await harness.say(VIDEO)
    assert len(uploads(harness)) == 1


async def test_a_short_link_is_resolved_once_and_then_cached(harness: BotHarness):
    harness.video()
    harness.site.short_links["ZMshort01"] = VIDEO
    short = "https://vm.tiktok.com/ZMshort01/"
    await harness.start()
    harness.site.latency_s = 0.1
    people = [harness.world.person(2000 + n, f"P{n}") for n in range(50)]
    for person in people:
        harness.world.say(person, short)
    await harness.settled()
    redirects = [e for e in harness.simulator.log if e.host == "vm.tiktok.com"]
    assert len(redirects) == pages(harness) == downloads(harness) == len(uploads(harness)) == 1
    assert all(len(harness.videos(harness.world.chats[p.id])) == 1 for p in people)
    harness.simulator.log.clear()
    await harness.say(short)
    await harness.say("https://vt.tiktok.com/ZSother")
    assert len(harness.videos()) == 1
    assert [e.host for e in harness.simulator.log if e.host == "vm.tiktok.com"] == []


async def test_two_processes_on_one_database_download_a_post_once(harness: BotHarness, db_url: str):
    """As in a restart: the old process still downloads when the new one starts."""
    harness.video()
    harness.site.serves_files.clear()
    env = {
        **harness.simulator.bot_environment(harness.folder),
        "DATABASE_URL": db_url,
        "LIMITS_SPAM_GUARD": "false",
        "LIMITS_STALL_S": "120",  # longer than both need to start
        "RUN_DRAIN_S": "120",
        "TELEGRAM_PACING": "false",
        "RUN_LOG_LEVEL": "ERROR",
    }
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(100)]
    processes = []
    for half in (people[:50], people[50:]):
        polls = harness.api.polls
        process, _ = await program("run", folder=harness.folder, **env)
        processes.append(process)
        await harness.until(lambda polls=polls: harness.api.polls > polls, "the first getUpdates")  # type: ignore[misc]
        for person in half:
            harness.world.say(person, VIDEO)
        chats = [harness.world.chats[person.id] for person in half]
        await harness.until(lambda chats=chats: all(c.reactions for c in chats), "reactions")  # type: ignore[misc]
        process.send_signal(signal.SIGTERM)
    harness.site.serves_files.set()
    assert [await process.wait() for process in processes] == [0, 0]
    assert (pages(harness), downloads(harness), len(uploads(harness))) == (1, 1, 1)
    assert all(len(harness.videos(harness.world.chats[p.id])) == 1 for p in people)
    database.initialize_database_components(db_url)
    stats = [await get_user_stats(p.id) for p in people]
    assert [videos for _, videos, _ in stats] == [1] * 100
    await database.close()


async def test_requests_are_served_without_the_cache(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_args: object) -> None:
        raise StorageError("no cache")

    monkeypatch.setattr("services.requests.file_id_cache.find_cached", broken)
    monkeypatch.setattr("services.requests.file_id_cache.store_cached", broken)
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 2
