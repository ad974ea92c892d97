"""A link in a chat is answered with the video, whatever fails on the way."""

from functools import partial
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from core.facts import FileSize
from data.db_service import get_user, get_user_stats, get_user_videos
from misc.ui.texts import load_texts
from platforms._circuit_breaker import CircuitBreaker
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.markup import parse_html
from tests.e2e.bot_harness import BOTH_SOURCES, ID, PATIENCE_S, PLATFORMS, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


@BOTH_SOURCES
async def test_a_link_is_answered_with_the_video(harness: BotHarness):
    harness.video(likes=999, views=1_200_000)
    await harness.start()
    request = await harness.say(f"look {VIDEO}?is_from_webapp=1, nice")

    (message,) = harness.videos()
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    assert video["file_size"] == harness.samples.video(VideoSpec()).stat().st_size
    assert max(video["thumbnail"]["width"], video["thumbnail"]["height"]) == 320
    assert video["cover"][0]["width"] == 576
    assert message["reply_to_message"]["message_id"] == request["message_id"]
    assert message["caption"] == "ferry.demo · TikTok"
    links = [e["url"] for e in message["caption_entities"] if e["type"] == "text_link"]
    assert links == [f"{VIDEO}?is_from_webapp=1"]
    stats, audio = message["reply_markup"]["inline_keyboard"]
    assert [button["text"] for button in stats] == ["❤️ 999", "👁 1.2M"]
    assert [button["callback_data"] for button in audio] == [
        f"id/{ID}",
        f"pick/tiktok/{ID}",
    ]
    (call,) = harness.calls("sendVideo")
    assert call.params["supports_streaming"] is True

    reactions = [c.params["reaction"] for c in harness.calls("setMessageReaction")]
    assert [r[0]["emoji"] if r else None for r in reactions] == ["👀", "👨‍💻", None]
    assert "upload_video" in {c.params["action"] for c in harness.calls("sendChatAction")}
    user, videos, images = await get_user_stats(1001)
    assert user is not None
    assert (user.lang, user.link, videos, images, user.ad_count) == ("en", None, 1, 0, 1)
    assert (await get_user_videos(1001))[0][1] == f"{VIDEO}?is_from_webapp=1"
    assert list((harness.folder / "spool").glob("*/*")) == []


async def test_the_likes_and_views_buttons_do_nothing(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    for data in ("stats_noop", "loading", "slide:noop", "wait"):
        assert "text" not in await harness.press(harness.videos()[0], data)
    for data in ("images/all/7300", "ir:tt:old", "slide:next"):
        assert (await harness.press(harness.videos()[0], data))["text"] == EN["button_expired"]


async def test_a_short_link_works_like_a_long_one(harness: BotHarness):
    harness.video()
    harness.site.short_links["ZM1"] = VIDEO
    await harness.start()
    await harness.say("https://vm.tiktok.com/ZM1/")
    assert len(harness.videos()) == 1


async def test_links_in_captions_hidden_links_and_links_without_scheme_are_found(
    harness: BotHarness,
):
    harness.video()
    await harness.start()
    await harness.say("hello")
    document = {"file_id": "x", "file_unique_id": "y"}
    harness.world.post(harness.ada, harness.home, {"document": document, "caption": f"see {VIDEO}"})
    await harness.settled()
    hidden = {"type": "text_link", "offset": 0, "length": 4, "url": VIDEO}
    await harness.say("here", entities=[hidden])
    await harness.say(VIDEO.removeprefix("https://www."))
    assert len(harness.videos()) == 3


@BOTH_SOURCES
async def test_several_links_in_one_message_are_each_answered_once(harness: BotHarness):
    others = [f"730000000000000000{n}" for n in range(2, 8)]
    harness.video()
    for post_id in others:
        harness.video(post_id)
    await harness.start(LIMITS_LINKS_PER_MESSAGE="3")
    await harness.say("hello")
    links = [f"https://www.tiktok.com/@a/video/{post_id}" for post_id in others]
    request = await harness.say(f"{VIDEO} and {VIDEO}?again=1 and {' '.join(links)}")
    assert len(harness.videos()) == 3
    assert request["message_id"] not in harness.home.reactions
    reactions = [c.params["reaction"] for c in harness.calls("setMessageReaction")]
    assert sum(bool(r) and r[0]["emoji"] == "👀" for r in reactions) == 1
    assert reactions.count([]) == 1


async def test_one_failed_link_of_several_is_reported_and_the_rest_delivered(harness: BotHarness):
    harness.video()
    harness.video("7300000000000000002")
    await harness.start()
    await harness.say("hello")
    gone, other = (VIDEO.replace(ID, post) for post in ("7399", "7300000000000000002"))
    request = await harness.say(f"{gone} {VIDEO} {other}")
    assert len(harness.videos()) == 2
    assert harness.texts().count(EN["media_deleted"]) == 1
    assert harness.home.reactions == {request["message_id"]: "😢"}


async def test_file_mode_sends_the_file_unchanged(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("/mode")
    await harness.say(VIDEO)
    assert parse_html(EN["mode_on"])[0] in harness.texts()
    document = harness.answers()[-1]["document"]
    assert document["file_name"] == f"{ID}.mp4"
    assert document["file_size"] == harness.samples.video(VideoSpec()).stat().st_size
    (call,) = harness.calls("sendDocument")
    assert call.params["disable_content_type_detection"] is True
    await harness.say("/mode")
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1


async def test_without_a_usable_cover_a_frame_of_the_video_is_used(harness: BotHarness):
    square = harness.samples.picture(300, 300, "square")
    broken = harness.folder / "broken.jpg"
    broken.write_bytes(b"no picture")
    for number, cover in enumerate((None, square, broken)):
        harness.video(f"73000000000000000{number}0", cover=cover)
    await harness.start()
    for number in range(3):
        await harness.say(f"https://www.tiktok.com/@a/video/73000000000000000{number}0")
    for message in harness.videos():
        still = harness.api.files.by_id[message["video"]["cover"][0]["file_id"]]
        assert (still.width, still.height) == (576, 1024)
        with Image.open(still.path) as image:
            assert len(image.convert("RGB").getcolors(10_000_000) or ()) > 100
    assert len(harness.videos()) == 3


async def test_h264_is_preferred_over_h265(harness: BotHarness):
    tall = harness.samples.video(VideoSpec(encoder="libx265", seconds=1))
    harness.video(
        encodings=(
            Encoding(tall, codec="h265", width=1080, height=1920),
            Encoding(harness.samples.video(VideoSpec())),
        )
    )
    await harness.start()
    await harness.say(VIDEO)
    sent = harness.api.files.by_id[harness.videos()[0]["video"]["file_id"]]
    assert sent.codec == "h264"


# --- groups ---------------------------------------------------------------------------------------


@BOTH_SOURCES
async def test_a_group_is_answered_in_its_topic_and_talk_is_ignored(harness: BotHarness):
    harness.video()
    await harness.start()
    crew = harness.world.group(-1002, topics={7})
    extra: dict[str, Any] = {"message_thread_id": 7, "is_topic_message": True}
    await harness.say("good morning", chat=crew, **extra)
    await harness.say("/start", chat=crew, **extra)
    await harness.say("https://example.com", chat=crew, **extra)
    assert await get_user(-1002) is None
    assert harness.answers(crew) == []
    await harness.say(VIDEO, chat=crew, **extra)
    welcome, video = harness.answers(crew)
    assert "Welcome" in welcome["text"]
    assert video["message_thread_id"] == welcome["message_thread_id"] == 7
    assert "add me there" not in welcome["text"]
    _, videos, _ = await get_user_stats(-1002)
    assert videos == 1


async def test_in_a_group_a_failure_is_a_reaction_and_there_are_no_ads(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://example.com/ad")
    crew = harness.world.group(-1002)
    await harness.say(VIDEO, chat=crew)
    failed = await harness.say("https://www.tiktok.com/@a/video/1", chat=crew)
    assert [("text" in m) for m in harness.answers(crew)] == [True, False]
    assert crew.reactions == {failed["message_id"]: "😢"}


# --- ads ------------------------------------------------------------------------------------------


async def test_ads_follow_the_first_and_then_every_third_download(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://example.com/ad")
    await harness.say("hello")
    for _ in range(7):
        await harness.say(VIDEO)
    kinds = ["ad" if m.get("text") == EN["ad_support"] else "video" for m in harness.answers()[1:]]
    assert kinds == ["video", "ad", *["video"] * 3, "ad", *["video"] * 3, "ad"]
    ad = harness.answers()[2]
    assert ad["reply_markup"]["inline_keyboard"][0][0]["url"] == "https://example.com/ad"


async def test_concurrent_downloads_keep_the_ad_cadence(harness: BotHarness):
    for n in range(20):
        harness.video(f"73000000000000003{n:02}")
    await harness.start(ADS_LINK="https://example.com/ad")
    await harness.say("hello")
    for n in range(20):
        harness.world.say(harness.ada, f"https://www.tiktok.com/@a/video/73000000000000003{n:02}")
    await harness.settled()
    assert len(harness.videos()) == 20
    assert harness.texts().count(EN["ad_support"]) == 7


async def test_a_failing_ad_does_not_fail_the_request(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://example.com/ad")
    await harness.say("hello")
    harness.fail("sendMessage", "400")
    request = await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert request["message_id"] not in harness.home.reactions


# --- Telegram errors ------------------------------------------------------------------------------


async def test_a_deleted_request_is_answered_without_a_quote(harness: BotHarness):
    harness.video()
    harness.site.serves_files.clear()
    await harness.start()
    message = harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    harness.world.delete(harness.home, message["message_id"])
    harness.site.serves_files.set()
    await harness.settled()
    (video,) = harness.videos()
    assert "reply_to_message" not in video
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_failing_reaction_does_not_affect_the_delivery(harness: BotHarness, failing: int):
    harness.video()
    await harness.start()
    await harness.say("hello")
    reactions_seen = []
    methods = harness.api.methods

    class FailingMethods(type(methods)):  # type: ignore[misc]
        async def do_setMessageReaction(self, params, uploads):
            reactions_seen.append(params)
            if len(reactions_seen) == failing + 1:
                from simulator.telegram.errors import bad_request

                raise bad_request("REACTION_INVALID")
            return await super().do_setMessageReaction(params, uploads)

    harness.api.methods = FailingMethods(methods.world, methods.files)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert len(reactions_seen) > failing
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1
    assert "⏳" not in harness.texts()


async def test_without_reactions_an_hourglass_message_is_shown_and_removed(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    harness.home.reactions_allowed = False
    await harness.say(VIDEO)
    assert [c.params["text"] for c in harness.calls("sendMessage")][-1] == "⏳"
    assert len(harness.calls("deleteMessage")) == 1
    assert "⏳" not in harness.texts()
    await harness.say("https://www.tiktok.com/@a/video/1")
    assert harness.texts()[-1] == EN["media_deleted"]
    assert "⏳" not in harness.texts()


@pytest.mark.parametrize("method", ["sendChatAction", "setMessageReaction"])
async def test_failing_reactions_and_chat_actions_do_not_affect_the_delivery(
    harness: BotHarness, method: str
):
    harness.video()
    await harness.start()
    for kind in ("400", "500", "cut"):
        harness.fail(method, kind, times=20)
        await harness.say(VIDEO)
        harness.api.faults.clear()
    assert len(harness.videos()) == 3


async def test_an_upload_without_an_answer_is_reported_as_unknown_and_not_repeated(
    harness: BotHarness,
):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "lost")
    request = await harness.say(VIDEO)
    assert len(harness.videos()) == 1  # it has arrived, which the bot cannot know
    assert len(harness.calls("sendVideo")) == 1
    assert harness.texts()[-1] == EN["delivery_unknown"]
    assert harness.home.reactions[request["message_id"]] == "😢"


async def test_an_upload_over_the_timeout_is_reported_as_unknown(harness: BotHarness):
    harness.video()
    harness.overrides["telegram"] = {"upload_timeout_s": 15}  # enough for the upload itself
    await harness.start()
    harness.fail("sendVideo", "slow", seconds=PATIENCE_S)
    await harness.say(VIDEO)
    assert harness.texts()[-1] == EN["delivery_unknown"]
    assert harness.api.faults == []
    assert harness.calls("sendVideo") == []  # Telegram has not answered


async def test_a_server_error_during_the_upload_is_reported_as_unknown(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == EN["delivery_unknown"]
    assert len(harness.calls("sendVideo")) == 1


async def test_a_flood_wait_is_respected(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    harness.fail("sendVideo", "429", seconds=1)
    await harness.say(VIDEO)
    first, second = harness.calls("sendVideo")
    assert second.at - first.at >= 1
    assert len(harness.videos()) == 1
    harness.fail("sendVideo", "429", seconds=1, times=3)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 2
    harness.fail("sendVideo", "429", seconds=61)
    await harness.say(VIDEO)
    assert harness.texts()[-1] == EN["delivery_failed"]


async def test_a_file_that_telegram_refuses_in_every_form_is_reported(harness: BotHarness):
    harness.video()
    await harness.start()
    for method, reason in (("sendVideo", "VIDEO_CONTENT_TYPE_INVALID"), ("sendDocument", "x")):
        harness.fail(method, "400", times=99, description=f"Bad Request: {reason}")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == EN["delivery_failed"]


@BOTH_SOURCES
async def test_a_user_who_blocked_the_bot_is_served_again_after_unblocking(harness: BotHarness):
    harness.video()
    harness.site.serves_files.clear()
    await harness.start()
    await harness.say("hello")
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    harness.world.block(harness.ada)
    harness.site.serves_files.set()
    await harness.settled()
    assert len(harness.calls("sendVideo")) == 1
    assert not [c for c in harness.calls("sendMessage") if c.status == 403]
    user = await get_user(1001)
    assert user is not None
    assert user.blocked_at is not None
    harness.world.unblock(harness.ada)
    await harness.say(VIDEO)
    user = await get_user(1001)
    assert user is not None
    assert user.blocked_at is None
    assert len(harness.videos()) == 1


# --- site errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"status": 10204, "status_message": "item doesn't exist"}, "media_unavailable"),
        ({"status": 10222}, "media_private"),
        ({"status": 10231}, "media_region"),
        ({"status": 10204}, "media_unavailable"),
        ({"status": 10204, "status_message": "status_reviewing"}, "media_review"),
        ({"page_trouble": "age"}, "media_age"),
        ({"page_trouble": "503"}, "platform_trouble"),
        ({"page_trouble": "429"}, "platform_slow_down"),
        ({"page_trouble": "login"}, "platform_trouble"),
        ({"file_trouble": "truncated"}, "platform_trouble"),
        ({"file_trouble": "empty"}, "platform_trouble"),
    ],
)
async def test_every_failure_of_the_site_has_its_own_text(
    harness: BotHarness, options: dict[str, Any], key: str
):
    harness.video(**options)
    await harness.start(LIMITS_ATTEMPTS="2")
    request = await harness.say(VIDEO)
    assert harness.texts()[-1] == EN[key]
    assert harness.home.reactions[request["message_id"]] == "😢"
    assert harness.videos() == []
    _, videos, _ = await get_user_stats(1001)
    assert videos == 0


async def test_a_post_refused_through_one_proxy_is_fetched_through_the_next(harness: BotHarness):
    await harness.simulator.add_proxy("proxy-2")
    harness.video(
        status=10204, status_message="item doesn't exist", status_for=frozenset({"proxy-1"})
    )
    await harness.start()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert len({e.proxy for e in harness.simulator.log if "/video/" in e.path}) == 2
    media = {e.proxy for e in harness.simulator.log if e.host.startswith("v16")}
    assert media == {"proxy-2"}


async def test_a_dead_cdn_url_is_skipped(harness: BotHarness):
    harness.video(file_trouble="gone-first")
    await harness.start()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1/vm.tiktok.com/x",
        "https://evil.example/?u=tiktok.com/t/x",
        "https://tiktok.com@127.0.0.1/@a/video/1",
        "https://www.tiktok.com.evil.example/@a/video/1",
    ],
)
async def test_forged_links_are_never_requested(harness: BotHarness, link: str):
    await harness.start()
    await harness.say("hello")
    await harness.say(link)
    assert harness.simulator.log == []
    assert harness.texts()[-1] == TEXTS("en", "foreign_link", platforms=PLATFORMS)


async def test_a_short_link_into_the_local_network_is_not_followed(harness: BotHarness):
    harness.site.short_links["in"] = f"{harness.simulator.address}/control/counts"
    await harness.start()
    await harness.say("https://vm.tiktok.com/in")
    assert {entry.host for entry in harness.simulator.log} == {"vm.tiktok.com"}
    assert harness.texts()[-1] == EN["link_broken"]


async def test_the_circuit_breaker_pauses_a_failing_site_and_retries(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    now = [0.0]
    breaker = partial(CircuitBreaker, clock=lambda: now[0])
    monkeypatch.setattr("platforms._fetcher.CircuitBreaker", breaker)
    numbers = [f"73000000000000003{n:02}" for n in range(8)]
    posts = [harness.video(number, page_trouble="503") for number in numbers]
    links = iter([VIDEO.replace(ID, number) for number in numbers])
    await harness.start(
        LIMITS_ATTEMPTS="1", NETWORK_BREAKER_FAILURES="2", NETWORK_BREAKER_PAUSE_S="60"
    )
    await harness.say("hello")

    def asked() -> int:
        return sum(post.page_requests for post in posts)

    for _ in range(4):
        await harness.say(next(links))
        assert harness.texts()[-1] == EN["platform_trouble"]
    assert asked() == 2  # open after two failures
    now[0] += 60
    await harness.say(next(links))
    await harness.say(next(links))
    assert asked() == 3  # half-open: one attempt, then open again
    for post in posts:
        post.page_trouble = ""
    now[0] += 60
    await harness.say(next(links))
    await harness.say(next(links))
    assert len(harness.videos()) == 2  # closed again


async def test_one_broken_post_does_not_open_the_circuit_breaker(harness: BotHarness):
    harness.video(file_trouble="gone")
    other = "7300000000000000002"
    harness.video(other)
    await harness.start(NETWORK_BREAKER_FAILURES="2")
    await harness.say("hello")
    for _ in range(3):
        await harness.say(VIDEO)
    await harness.say(VIDEO.replace(ID, other))
    assert len(harness.videos()) == 1


async def test_an_open_circuit_breaker_of_one_proxy_leaves_the_others_usable(harness: BotHarness):
    """One proxy gets status 403 for every page; after two failures it is not used any more."""
    await harness.simulator.add_proxy("proxy-2")
    harness.site.refused_proxies.add("proxy-1")
    await harness.start(NETWORK_BREAKER_FAILURES="2")
    for number in range(8):
        post_id = f"73000000000000001{number:02}"
        harness.video(post_id)
        await harness.say(VIDEO.replace(ID, post_id))
    assert len(harness.videos()) == 8
    asked = [e.proxy for e in harness.simulator.log if e.path.startswith("/@_/video")]
    assert asked.count("proxy-1") == 2


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("local", "arrives"), [("false", False), ("true", True)])
async def test_a_video_over_the_upload_limit_is_refused_before_the_download(
    harness: BotHarness, local: str, arrives: bool
):
    large = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    harness.video(encodings=(Encoding(large),))
    harness.api.upload_limit = 2_000_000_000
    await harness.start(TELEGRAM_LOCAL=local, LIMITS_SHRINK_MB="0")
    await harness.say(VIDEO)
    assert len(harness.videos()) == arrives
    if not arrives:
        size, limit = FileSize(60_000_000), FileSize(50_000_000)
        assert harness.texts()[-1] == TEXTS("en", "too_large", size=size, limit=limit)
        assert harness.calls("sendVideo") == []
        assert not [e for e in harness.simulator.log if e.host.startswith("v16")]


async def test_a_smaller_rendition_is_chosen_if_the_best_is_too_large(harness: BotHarness):
    large = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    small = harness.samples.video(VideoSpec(width=288, height=512))
    harness.video(encodings=(Encoding(large), Encoding(small, width=288, height=512)))
    await harness.start()
    await harness.say(VIDEO)
    assert harness.videos()[0]["video"]["width"] == 288


async def test_a_download_stops_at_the_limit_if_the_site_gives_no_size(harness: BotHarness):
    large = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    harness.video(encodings=(Encoding(large, stated_bytes=None),), file_trouble="chunked")
    await harness.start(LIMITS_SHRINK_MB="0")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_large_unknown", limit=FileSize(50_000_000))
    assert harness.calls("sendVideo") == []


async def test_telegrams_413_is_reported_as_too_large(harness: BotHarness):
    harness.video()
    harness.api.upload_limit = 100_000
    await harness.start()
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_large_unknown", limit=FileSize(50_000_000))


async def test_a_video_over_the_duration_limit_is_refused_with_the_limit(harness: BotHarness):
    harness.video(duration_s=200)
    await harness.start(LIMITS_MAX_DURATION_S="90")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_long", length="3:20", limit="1:30")


async def test_requests_over_the_queue_limit_are_refused(harness: BotHarness):
    harness.site.serves_files.clear()
    await harness.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_WAITING_REQUESTS="1")
    await harness.say("hello")
    for n in range(4):
        harness.video(f"73000000000000003{n:02}")
        harness.world.say(harness.ada, f"https://www.tiktok.com/@a/video/73000000000000003{n:02}")
    await harness.until(lambda: harness.texts().count(EN["busy"]) == 2)
    harness.site.serves_files.set()
    await harness.settled()
    assert len(harness.videos()) == 2
    assert harness.texts().count(EN["busy"]) == 2


@BOTH_SOURCES
async def test_fifty_concurrent_chats_are_all_served(harness: BotHarness):
    harness.video()
    await harness.start()
    people = [harness.world.person(2000 + n, f"P{n}") for n in range(50)]
    for person in people:
        harness.world.say(person, VIDEO)
    await harness.settled()
    assert all(len(harness.videos(harness.world.chats[p.id])) == 1 for p in people)


# --- internal errors ------------------------------------------------------------------------------


async def test_requests_are_served_without_the_database_tables(harness: BotHarness):
    harness.video()
    await harness.start()
    from data.database import get_session

    async with await get_session() as db:
        for table in ("music", "videos", "users"):
            await db.execute(text(f"DROP TABLE {table}"))
        await db.commit()
    request = await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert request["message_id"] not in harness.home.reactions


async def test_a_bug_is_reported_to_the_user_with_the_code_in_the_log(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    harness.video()
    await harness.start()

    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.requests.posts.video_request", broken)
    await harness.say(VIDEO)
    record = next(r for r in caplog.records if r.message.startswith("Bug "))
    code = record.message.split()[1]
    assert len(code) == 8
    assert code in harness.texts()[-1]
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_bug_in_a_handler_is_reported_to_the_user(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    await harness.start()
    await harness.say("hello")

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("misc.intake.RequestIntake.submit_links", broken)
    await harness.say(VIDEO)
    assert "code" in harness.texts()[-1]


async def test_one_users_requests_do_not_wait_for_anothers(harness: BotHarness):
    """A stalled download of one chat does not delay other chats."""
    harness.video(file_trouble="stall")
    harness.video("7300000000000000009")
    await harness.start(LIMITS_STALL_S="60")
    other = harness.world.person(3000, "Bo")
    harness.world.say(harness.ada, VIDEO)
    harness.world.say(other, "https://www.tiktok.com/@a/video/7300000000000000009")
    await harness.until(lambda: harness.videos(harness.world.chats[3000]))
    assert harness.videos() == []
    await harness.say("/cancel")
    assert harness.texts()[-1] == TEXTS("en", "cancelled_all", count=1)
