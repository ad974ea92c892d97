"""Nothing twice: what Telegram has is sent from there, and what it lacks is fetched once for everybody."""

import signal
from typing import Any

import pytest

from core.cached import FRESH_S, CacheKey
from data import database
from data.database import unix_now
from data.db_service import get_user_stats
from data.media_cache import find_cached
from misc.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from simulator.sites.tiktok import Encoding
from tests.journeys.ferry import ID, VIDEO, Ferry
from tests.journeys.test_lifecycle import program

EN = load_texts()["en"]
KEY = CacheKey(42, "tiktok", ID, "media/best")


def pages(ferry: Ferry) -> int:
    return len([e for e in ferry.simulator.log if e.path.startswith("/@_/video")])


def downloads(ferry: Ferry) -> int:
    return len([e for e in ferry.simulator.log if e.path.startswith("/video/")])


def uploads(ferry: Ferry) -> list[Any]:
    return [c for c in ferry.api.calls if c.uploads]


async def test_a_known_link_is_one_send_and_no_download(ferry: Ferry):
    ferry.video(text="Dawn")
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    ferry.simulator.log.clear()
    bo = ferry.world.person(1002, "Bo")
    await ferry.say("hello", bo)
    await ferry.say(VIDEO.replace("ferry.demo", ""), bo)
    assert ferry.simulator.log == []
    assert len(uploads(ferry)) == 1
    first, second = (ferry.videos(ferry.world.chats[chat])[0] for chat in (1001, 1002))
    assert second["video"] == first["video"]
    assert second["caption"] == first["caption"]
    assert second["reply_markup"] == first["reply_markup"]
    assert (await get_user_stats(1002))[1] == 1
    # No "uploading", for nothing is uploaded.
    assert {c.params["chat_id"] for c in ferry.calls("sendChatAction")} == {1001}


async def test_a_hundred_chats_at_once_are_one_page_one_download_one_upload(ferry: Ferry):
    ferry.video()
    await ferry.start()
    ferry.site.file_latency_s = 0.2
    people = [ferry.world.person(2000 + n, f"P{n}") for n in range(100)]
    for person in people:
        ferry.world.say(person, VIDEO)
    await ferry.settled()
    assert (pages(ferry), downloads(ferry), len(uploads(ferry))) == (1, 1, 1)
    assert all(len(ferry.videos(ferry.world.chats[p.id])) == 1 for p in people)
    stats = [await get_user_stats(p.id) for p in people]
    assert [videos for _, videos, _ in stats] == [1] * 100


async def test_a_hundred_chats_share_a_failure_of_the_site_each_with_its_own_words(ferry: Ferry):
    ferry.site.latency_s = 0.2
    await ferry.start()
    people = [ferry.world.person(2000 + n, language_code="uk") for n in range(30)]
    for person in people:
        ferry.world.say(person, VIDEO)
    await ferry.settled()
    assert pages(ferry) <= 2  # sixteen are served at a time
    for person in people:
        assert ferry.texts(ferry.world.chats[person.id])[-1] == load_texts()["uk"]["media_deleted"]


async def test_when_the_first_ones_chat_is_closed_the_next_one_is_served(ferry: Ferry):
    ferry.video()
    ferry.site.file_latency_s = 0.3
    await ferry.start()
    await ferry.say("hello")
    bo = ferry.world.person(1002, "Bo")
    await ferry.say("hello", bo)
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: pages(ferry))
    ferry.world.say(bo, VIDEO)
    ferry.home.closed = "bot was blocked by the user"
    await ferry.settled()
    assert len(ferry.videos(ferry.world.chats[1002])) == 1


async def test_an_album_is_sent_again_in_order_and_a_group_gets_its_share(ferry: Ferry):
    photo = Media(ferry.samples.picture(400, 500, "i"))
    film = Media(ferry.samples.video(VideoSpec()), is_video=True)
    ferry.instagram.add(InstagramPost("DemoPhoto01", (photo, film, *[photo] * 10)))
    link = "https://www.instagram.com/p/DemoPhoto01/"
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(link)
    ferry.simulator.log.clear()
    crew = ferry.world.group(-1002)
    await ferry.say(link)
    await ferry.say(link, chat=crew)
    assert ferry.simulator.log == []
    ids = [
        m["video" if "video" in m else "photo"] for m in ferry.answers() if "media_group_id" in m
    ]
    assert ids[:12] == ids[12:]
    assert len([m for m in ferry.answers(crew) if "media_group_id" in m]) == 10
    assert "The first 10 of 12" in ferry.texts(crew)[-1]


async def test_what_a_group_has_cut_is_not_kept_as_whole(ferry: Ferry):
    pictures = tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(12))
    ferry.video(pictures=pictures)
    await ferry.start()
    await ferry.say(VIDEO, chat=ferry.world.group(-1002))
    await ferry.say(VIDEO)
    assert len([m for m in ferry.answers() if "photo" in m]) == 12


async def test_groups_that_cut_alike_share_what_was_cut(ferry: Ferry):
    ferry.video(pictures=tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(12)))
    await ferry.start()
    crews = [ferry.world.group(-1002 - n) for n in range(20)]
    people = [ferry.world.person(2000 + n) for n in range(20)]
    for person, crew in zip(people, crews, strict=True):
        ferry.world.say(person, VIDEO, crew)
    await ferry.settled()
    assert len(uploads(ferry)) == 1
    for crew in crews:
        assert len([m for m in ferry.answers(crew) if "photo" in m]) == 10
        assert "The first 10 of 12" in ferry.texts(crew)[-1]


async def test_files_and_qualities_are_kept_apart(ferry: Ferry):
    small = Encoding(ferry.samples.video(VideoSpec(width=288, height=512)), width=288, height=512)
    ferry.video(encodings=(small, Encoding(ferry.samples.video(VideoSpec()))))
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    await ferry.say("/mode")
    await ferry.say(VIDEO)
    await ferry.say("/mode")
    await ferry.say("/settings")
    await ferry.press(ferry.answers()[-1], "set/quality/small")
    await ferry.say(VIDEO)
    assert [m["video"]["width"] for m in ferry.videos()] == [576, 288]
    assert len([m for m in ferry.answers() if "document" in m]) == 1
    assert len(uploads(ferry)) == 3


async def test_a_sound_and_slides_are_kept_too(ferry: Ferry):
    pictures = tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(2))
    ferry.video(pictures=pictures)
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    below = ferry.answers()[-1]
    for _ in range(2):
        await ferry.press(below, f"id/{ID}")
        await ferry.press(below, f"slides/tiktok/{ID}")
    assert len(uploads(ferry)) == 3  # the album, the sound, the video
    sounds = [m["audio"] for m in ferry.answers() if "audio" in m]
    assert sounds[0] == sounds[1]
    assert len(ferry.videos()) == 2


async def test_a_dead_file_id_is_rebuilt_once_and_only_that_version_is_forgotten(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    ferry.api.files.by_id.clear()  # Telegram has lost it
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 2
    assert len(uploads(ferry)) == 2
    cached = await find_cached(KEY)
    assert cached is not None
    assert cached.version == 2
    await ferry.say(VIDEO)
    assert len(uploads(ferry)) == 2


@pytest.mark.parametrize("kind", ["429", "400", "cut"])
async def test_other_trouble_with_a_send_leaves_the_ids_alone(ferry: Ferry, kind: str):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    ferry.fail("sendVideo", kind, seconds=90)
    await ferry.say(VIDEO)
    assert len(uploads(ferry)) == 1
    assert len(ferry.calls("sendVideo")) == 2  # nothing is repeated blindly
    cached = await find_cached(KEY)
    assert cached is not None
    assert cached.version == 1


async def test_likes_and_views_are_asked_for_again_after_a_day_and_ids_stay(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    post = ferry.video(likes=10)
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    now = unix_now()
    for module in ("services.shelf", "data.media_cache"):
        monkeypatch.setattr(f"{module}.unix_now", lambda: now + FRESH_S + 1)
    post.likes = 20
    await ferry.say(VIDEO)
    assert "❤️ 20" in str(ferry.videos()[-1]["reply_markup"])
    assert (pages(ferry), len(uploads(ferry))) == (2, 1)
    await ferry.say(VIDEO)
    assert pages(ferry) == 2  # young again


async def test_a_refresh_that_fails_delivers_what_there_is(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    ferry.video()
    await ferry.start(LIMITS_ATTEMPTS="1")
    await ferry.say("hello")
    await ferry.say(VIDEO)
    now = unix_now()
    monkeypatch.setattr("services.shelf.unix_now", lambda: now + FRESH_S + 1)
    ferry.site.posts.clear()
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 2


async def test_a_post_that_has_become_another_is_made_anew(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    now = unix_now()
    monkeypatch.setattr("services.shelf.unix_now", lambda: now + FRESH_S + 1)
    ferry.video(pictures=(ferry.samples.picture(200, 300, "s"),))
    await ferry.say(VIDEO)
    assert "photo" in ferry.answers()[-1]


async def test_an_album_that_broke_off_is_not_kept(ferry: Ferry):
    ferry.video(pictures=tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(12)))
    await ferry.start()
    await ferry.say("hello")
    ferry.fail("sendMediaGroup", "400", skip=1)
    await ferry.say(VIDEO)
    assert await find_cached(KEY) is None


async def test_another_bots_ids_are_not_used(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    assert await find_cached(CacheKey(43, "tiktok", ID, "media/best")) is None


async def test_a_short_link_fills_the_shelf_for_the_long_one(ferry: Ferry):
    ferry.video()
    ferry.site.short_links["ZMdemo001"] = f"{VIDEO}?_t=8x"
    await ferry.start()
    await ferry.say("hello")
    await ferry.say("https://vm.tiktok.com/ZMdemo001/")
    await ferry.say(VIDEO)
    assert len(uploads(ferry)) == 1


async def test_a_short_link_is_followed_once_for_all_and_known_from_then_on(ferry: Ferry):
    ferry.video()
    ferry.site.short_links["ZMshort01"] = VIDEO
    short = "https://vm.tiktok.com/ZMshort01/"
    await ferry.start()
    ferry.site.latency_s = 0.1
    people = [ferry.world.person(2000 + n, f"P{n}") for n in range(50)]
    for person in people:
        ferry.world.say(person, short)
    await ferry.settled()
    redirects = [e for e in ferry.simulator.log if e.host == "vm.tiktok.com"]
    assert len(redirects) == pages(ferry) == downloads(ferry) == len(uploads(ferry)) == 1
    assert all(len(ferry.videos(ferry.world.chats[p.id])) == 1 for p in people)
    ferry.simulator.log.clear()
    await ferry.say(short)
    await ferry.say("https://vt.tiktok.com/ZSother")
    assert len(ferry.videos()) == 1
    assert [e.host for e in ferry.simulator.log if e.host == "vm.tiktok.com"] == []


async def test_two_processes_on_one_database_fetch_a_post_once(ferry: Ferry, db_url: str):
    """As in a restart: the old process still fetches while the new one already takes requests."""
    ferry.video()
    ferry.site.serves_files.clear()
    env = {
        **ferry.simulator.bot_environment(ferry.folder),
        "DATABASE_URL": db_url,
        "LIMITS_SPAM_GUARD": "false",
        "TELEGRAM_PACING": "false",
        "RUN_LOG_LEVEL": "ERROR",
    }
    people = [ferry.world.person(2_000 + n, f"P{n}") for n in range(100)]
    processes = []
    for half in (people[:50], people[50:]):
        polls = ferry.api.pollers
        process, _ = await program("run", folder=ferry.folder, **env)
        processes.append(process)
        await ferry.until(lambda polls=polls: ferry.api.pollers > polls, "a start")  # type: ignore[misc]
        for person in half:
            ferry.world.say(person, VIDEO)
        chats = [ferry.world.chats[person.id] for person in half]
        await ferry.until(lambda chats=chats: all(chat.reactions for chat in chats), "the lights")  # type: ignore[misc]
        process.send_signal(signal.SIGTERM)
    ferry.site.serves_files.set()
    assert [await process.wait() for process in processes] == [0, 0]
    assert (pages(ferry), downloads(ferry), len(uploads(ferry))) == (1, 1, 1)
    assert all(len(ferry.videos(ferry.world.chats[p.id])) == 1 for p in people)
    database.initialize_database_components(db_url)
    stats = [await get_user_stats(p.id) for p in people]
    assert [videos for _, videos, _ in stats] == [1] * 100
    await database.close()


async def test_without_the_shelf_everything_works_as_before(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    from sqlalchemy.exc import OperationalError

    async def broken(*_args: object) -> None:
        raise OperationalError("no shelf", None, Exception())

    monkeypatch.setattr("services.shelf.find_cached", broken)
    monkeypatch.setattr("services.shelf.store_cached", broken)
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 2
