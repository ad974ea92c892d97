"""Inline mode: a cached post is sent at once, a new post by a card that is filled in later."""

import pytest
from sqlalchemy import text

from core.errors import StorageError
from data import database
from data.db_service import get_user_stats
from data.statistics import outcomes_since
from misc.ui.texts import load_texts
from simulator.sites.instagram import InstagramPost, Media
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import BOTH_SOURCES, ID, VIDEO, BotHarness
from tests.e2e.inline_harness import ALBUM, ON, STORAGE, InlineHarness, album, arrows
from tests.e2e.test_crash import open_requests

TEXTS = load_texts()
EN = TEXTS["en"]


@BOTH_SOURCES
async def test_a_new_post_fills_the_card_and_is_cached_for_the_next_query(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await harness.say("/start")
    cards = await inline.type(VIDEO)
    assert [card["title"] for card in cards] == [EN["inline_post"], EN["inline_sound"]]
    message = await inline.send("fetch/post")
    assert message["video"]["duration"] == 3
    assert "ferry.demo · " in message["caption"]
    # The storage channel must not reveal the user.
    (stored,) = harness.world.chats[STORAGE].messages.values()
    assert "caption" not in stored
    assert (await get_user_stats(1001))[1] == 1
    harness.simulator.log.clear()
    calls = len(harness.api.calls)
    (card,) = await inline.type(VIDEO)
    again = await inline.send(card["id"])
    assert again["video"] == message["video"]
    assert harness.simulator.log == []
    assert [call.method for call in harness.api.calls[calls:]] == ["answerInlineQuery"]
    assert (await get_user_stats(1001))[1] == 2
    assert await open_requests() == 0
    assert harness.application
    await harness.application.container.metrics.write()
    assert await outcomes_since(None) == [("tiktok", "fetched", 1), ("tiktok", "known", 1)]


async def test_files_go_to_the_supergroup_that_the_storage_group_has_become(
    inline: InlineHarness,
):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await harness.say("/start")
    new = harness.world.group(-1_000_000_000_777)
    harness.world.chats[STORAGE].moved_to = new.id
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert "video" in message
    assert ["video" in stored for stored in new.messages.values()] == [True]


async def test_words_behind_the_link_choose_a_version(inline: InlineHarness):
    inline.harness.video()
    await inline.harness.start(**ON)
    (card,) = await inline.type(f"{VIDEO} mp3")
    assert card["title"] == EN["inline_post"]
    message = await inline.send(card["id"])
    assert message["audio"]["file_name"] == f"{ID}.mp3"
    await inline.type(f"{VIDEO} 0:01-0:02 file")
    message = await inline.send("fetch/post")
    assert "document" in message


async def test_the_sound_can_be_sent_alone(inline: InlineHarness):
    inline.harness.video()
    await inline.harness.start(**ON)
    await inline.type(VIDEO)
    message = await inline.send("fetch/sound")
    assert message["audio"]["title"] == "original sound"
    await inline.type(VIDEO)
    await inline.send("fetch/post")
    cards = await inline.type(VIDEO)
    assert [card["type"] for card in cards] == ["video", "audio"]


@BOTH_SOURCES
async def test_any_user_can_turn_an_albums_pages_even_after_a_restart(inline: InlineHarness):
    harness = inline.harness
    album(harness)
    bo = harness.world.person(1002, "Bo")
    await harness.start(**ON)
    await inline.type(ALBUM)
    message = await inline.send("fetch/post")
    assert "photo" in message
    assert arrows(message) == ["stats_noop", "page/1"]
    await inline.press(message, "page/1", bo)
    assert "video" in message
    assert arrows(message) == ["page/0", "stats_noop", "page/2"]
    await harness.stop()
    harness.simulator.log.clear()
    await harness.start(**ON)
    await inline.press(message, "page/11", bo)
    assert arrows(message) == ["page/10", "stats_noop"]
    await inline.press(message, "page/11", bo)  # a repeated press changes nothing
    assert harness.simulator.log == []
    cards = await inline.type(ALBUM)
    assert [card["type"] for card in cards] == ["article", "photo", "video", *["photo"] * 10]


async def test_the_pages_of_an_album_of_files_are_files(inline: InlineHarness):
    album(inline.harness)
    await inline.harness.start(**ON)
    await inline.type(f"{ALBUM} file")
    message = await inline.send("fetch/post")
    first = message["document"]
    await inline.press(message, "page/1")
    assert message["document"]["file_id"] != first["file_id"]
    assert arrows(message) == ["page/0", "stats_noop", "page/2"]


async def test_a_known_album_is_offered_as_a_whole_first_and_then_item_by_item(
    inline: InlineHarness,
):
    harness = inline.harness
    album(harness)
    await harness.start(**ON)
    first, _ = await inline.type(ALBUM)
    await inline.send("fetch/post")
    harness.simulator.log.clear()
    whole, *items = await inline.type(ALBUM)
    assert whole == first
    assert [card["title"] for card in items[:3]] == [
        "Photo 1 of 12",
        "Video 2 of 12",
        "Photo 3 of 12",
    ]
    message = await inline.send(whole["id"])
    assert arrows(message) == ["stats_noop", "page/1"]
    await inline.press(message, "page/1")
    assert "video" in message
    single = await inline.send(items[2]["id"])
    assert single["caption"].splitlines()[0] == "Photo 3 of 12"
    assert "The first" not in single["caption"]
    assert "page/1" not in str(single.get("reply_markup"))
    assert harness.simulator.log == []


async def test_items_are_numbered_in_the_senders_language(inline: InlineHarness):
    harness = inline.harness
    album(harness)
    olha = harness.world.person(1002, "Olha", language_code="uk")
    await harness.start(**ON)
    await inline.type(ALBUM)
    await inline.send("fetch/post")
    _, card, *_ = await inline.type(ALBUM, olha)
    assert card["title"] == "Фото 1 з 12"


@pytest.mark.parametrize("is_known", [False, True])
async def test_the_caption_follows_the_settings_of_the_senders_chat(
    inline: InlineHarness, is_known: bool
):
    harness = inline.harness
    harness.video(text="Dawn & dusk", author="ferry.demo")
    await harness.start(**ON)
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], "set/caption/author")
    if is_known:
        await harness.say(VIDEO)
    card, *_ = await inline.type(VIDEO)
    message = await inline.send(card["id"])
    await harness.say(VIDEO)
    assert message["caption"] == harness.videos()[-1]["caption"]
    assert message["caption"] == "Dawn & dusk\nTikTok"


@pytest.mark.parametrize(
    "link", [f"tiktok.com/@ferry.demo/video/{ID}", f"WWW.TikTok.com/@ferry.demo/video/{ID}?x=1"]
)
async def test_a_link_needs_no_scheme(inline: InlineHarness, link: str):
    inline.harness.video()
    await inline.harness.start(**ON)
    cards = await inline.type(link)
    assert [card["id"] for card in cards] == ["fetch/post", "fetch/sound"]
    assert "video" in await inline.send("fetch/post")


async def test_an_invalid_file_id_is_replaced_for_the_owner_only(inline: InlineHarness):
    harness = inline.harness
    album(harness)
    bo = harness.world.person(1002, "Bo")
    await harness.start(**ON)
    await inline.type(ALBUM)
    message = await inline.send("fetch/post")
    harness.fail(
        "editMessageMedia", "400", description="Bad Request: wrong file identifier", times=1
    )
    answer = await inline.press(message, "page/1", bo)
    assert answer["text"] == EN["not_yours"]
    before = len(harness.simulator.log)
    await inline.press(message, "page/1")
    assert len(harness.simulator.log) > before
    assert arrows(message) == ["stats_noop", "page/1"]


async def test_a_failure_is_shown_in_the_message_and_its_owner_can_retry(inline: InlineHarness):
    harness = inline.harness
    post = harness.video(page_trouble="503")
    bo = harness.world.person(1002, "Bo")
    await harness.start(LIMITS_ATTEMPTS="1", **ON)
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert message["text"] == EN["platform_trouble"]
    assert arrows(message) == ["again"]
    assert (await inline.press(message, "again", bo))["text"] == EN["not_yours"]
    post.page_trouble = ""
    await inline.press(message, "again")
    assert "video" in message
    harness.video(f"{ID[:-1]}9", status=10204)
    await inline.type(VIDEO[:-1] + "9")
    gone = await inline.send("fetch/post")
    assert gone["text"] == EN["media_unavailable"]
    assert "reply_markup" not in gone


async def test_users_without_start_are_served_or_asked_to_start(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await inline.type(VIDEO)
    assert "video" in await inline.send("fetch/post")
    await harness.stop()
    await harness.start(INLINE_EVERYBODY="false", **ON)
    assert await inline.type(VIDEO) == []
    button = inline.mode.answers[inline.query]["button"]
    assert button == {"text": EN["inline_enable"], "start_parameter": "inline"}
    await harness.say("/start inline")
    assert len(await inline.type(VIDEO)) == 1


async def test_a_query_without_a_supported_link_gets_a_hint(inline: InlineHarness):
    bo = inline.harness.world.person(1002, "Bo", language_code="uk")
    await inline.harness.start(**ON)
    (card,) = await inline.type("cats")
    assert card["title"] == EN["inline_hint"]
    (card,) = await inline.type("https://example.com/video/1", bo)
    assert card["title"] == TEXTS["uk"]["inline_foreign"]
    message = await inline.send("hint", bo)
    assert message["text"] == TEXTS["uk"]["inline_usage"]
    assert await open_requests() == 0


@BOTH_SOURCES
async def test_a_card_sent_before_a_stop_is_filled_after_the_restart(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    harness.site.serves_files.clear()
    await harness.start(RUN_DRAIN_S="0", **ON)
    await inline.type(VIDEO)
    message = inline.mode.choose(harness.ada, inline.query, "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: message.get("text") == EN["inline_working"])
    await harness.stop()
    harness.site.serves_files.set()
    await harness.start(**ON)
    await harness.until(lambda: "video" in message)
    # A card sent while the bot is stopped is filled in, too.
    await inline.type(VIDEO[:-1] + "2")
    harness.video(f"{ID[:-1]}2")
    await harness.stop()
    late = inline.mode.choose(harness.ada, inline.query, "fetch/post", inline.text, inline.friends)
    await harness.start(**ON)
    await harness.until(lambda: "video" in late)


async def test_a_slow_database_does_not_delay_the_answer(
    inline: InlineHarness, monkeypatch: pytest.MonkeyPatch
):
    import asyncio

    async def slow(_: int) -> None:
        await asyncio.sleep(60)

    inline.harness.video()
    await inline.harness.start(**ON)
    monkeypatch.setattr("handlers.inline.lookup.find_chat", slow)
    cards = await inline.type(VIDEO)
    assert [card["id"] for card in cards] == ["fetch/post", "fetch/sound"]


async def test_the_message_shows_the_progress(inline: InlineHarness):
    harness = inline.harness
    post = harness.video(page_trouble="503")
    harness.site.serves_files.clear()
    await harness.start(LIMITS_ATTEMPTS="3", **ON)
    said: list[str] = []
    harness.world.watch(
        lambda event: (
            said.append(event["message"].get("text", "media"))
            if event["event"] == "edited"
            else None
        )
    )
    await inline.type(VIDEO)
    inline.mode.choose(harness.ada, inline.query, "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: said)
    post.page_trouble = ""
    await harness.until(lambda: EN["inline_working"] in said)
    harness.site.serves_files.set()
    await harness.settled()
    again = [TEXTS("en", "inline_attempt", number=n, total=3) for n in (2, 3)]
    assert said[0] == again[0]
    assert [text for text in said if text not in again] == [
        EN["inline_working"],
        EN["inline_sending"],
        "media",
    ]


async def test_a_single_picture_is_sent_as_a_photo(inline: InlineHarness):
    harness = inline.harness
    picture = Media(harness.samples.picture(400, 500, "alone"))
    harness.instagram.add(InstagramPost("DemoPhoto01", (picture,)))
    await harness.start(**ON)
    await inline.type(ALBUM)
    message = await inline.send("fetch/post")
    assert "photo" in message
    (card,) = await inline.type(ALBUM)
    assert card["type"] == "photo"


async def test_repeated_presses_of_retry_start_one_request(inline: InlineHarness):
    harness = inline.harness
    post = harness.video(page_trouble="503")
    await harness.start(LIMITS_ATTEMPTS="1", **ON)
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    post.page_trouble = ""
    number = inline.mode.id_of(message)
    for _ in range(3):
        inline.mode.press(harness.ada, number, "again")
    await harness.settled()
    assert "video" in message
    question = text("SELECT count(*) FROM requests")
    assert await database.read(lambda db: db.execute(question).scalar_one()) == 2


async def test_a_full_queue_is_explained_in_the_inline_message(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    harness.site.serves_files.clear()
    await harness.start(LIMITS_PRIVATE_QUEUE="1", **ON)
    await inline.type(VIDEO)
    first = inline.mode.choose(harness.ada, inline.query, "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: first.get("text") == EN["inline_working"])
    await inline.type(VIDEO)
    second = inline.mode.choose(harness.ada, inline.query, "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: second["text"] == TEXTS("en", "queue_full", count=1))
    assert arrows(second) == ["again"]
    harness.site.serves_files.set()
    await harness.settled()
    await inline.press(second, "again")
    assert "video" in first
    assert "video" in second


async def test_a_request_that_could_not_be_stored_is_reported_at_shutdown(
    inline: InlineHarness, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> None:
        raise StorageError("disk full")

    harness = inline.harness
    harness.video()
    harness.site.serves_files.clear()
    monkeypatch.setattr("services.requests.store.store_requests", broken)
    await harness.start(RUN_DRAIN_S="0", **ON)
    await inline.type(VIDEO)
    message = inline.mode.choose(harness.ada, inline.query, "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: message.get("text") == EN["inline_working"])
    await harness.stop()
    harness.site.serves_files.set()
    assert message["text"] == EN["shutting_down"]


def below(message: Json) -> list[Json]:
    """Return the last row of buttons."""
    row: list[Json] = message["reply_markup"]["inline_keyboard"][-1]
    return row


async def test_a_post_in_a_private_chat_can_be_shared(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(BUTTONS_COPY_LINK="true", **ON)
    await harness.say(VIDEO)
    share, copy = below(harness.videos()[0])
    assert share["text"] == EN["share_button"]
    assert share["switch_inline_query_chosen_chat"]["query"] == VIDEO
    assert copy == {"text": EN["copy_button"], "copy_text": {"text": VIDEO}}
    (card, *_) = await inline.type(share["switch_inline_query_chosen_chat"]["query"])
    assert card["type"] == "video"
    await harness.say(VIDEO, chat=inline.friends)
    assert [button["text"] for button in below(harness.videos(inline.friends)[0])] == [
        EN["sound_button"]
    ]


@pytest.mark.parametrize("reason", ["setting", "no inline"])
async def test_the_share_button_is_missing_if_disabled_or_unavailable(
    inline: InlineHarness, reason: str
):
    harness = inline.harness
    harness.video()
    if reason == "setting":
        await harness.start(BUTTONS_SHARE="false", **ON)
    else:
        await harness.start()
    await harness.say(VIDEO)
    labels = [button["text"] for button in below(harness.videos()[0])]
    assert labels == [EN["sound_button"], "⚙️"]


# --- buttons and cards of older bots with the same token ------------------------------------------

COMPRESSED = f"www.tiktok.com/@_/video/{ID}"


def message_of_older_bot(inline: InlineHarness) -> Json:
    """Post an inline message that is not in the bot's database, and return it."""
    content = {"text": "Something went wrong."}
    message = inline.harness.world.post_unseen(
        inline.harness.ada.as_json(), inline.friends, content
    )
    inline.mode.messages["im-old"] = message
    return message


@pytest.mark.parametrize("data", [f"ir:tt:rt:{COMPRESSED}", f"sr:1001:3:{COMPRESSED}"])
async def test_old_buttons_that_name_their_owner_work_for_the_owner(
    inline: InlineHarness, data: str
):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    message = message_of_older_bot(inline)
    bo = harness.world.person(1002, "Bo")
    assert (await inline.press(message, data, bo))["text"] == EN["not_yours"]
    await inline.press(message, data)
    assert "video" in message


@pytest.mark.parametrize(
    "data",
    [
        f"ir:tt:{COMPRESSED}",
        f"sr:2:{COMPRESSED}",
        "ir:tt:rt:example.com/video/1",
        "sr:nonsense",
        "slide:prev",
        "slide:next",
        "images/last10/123",
        "page/0",
        "again",
    ],
)
async def test_old_buttons_that_cannot_work_are_expired(inline: InlineHarness, data: str):
    await inline.harness.start(**ON)
    message = message_of_older_bot(inline)
    answer = await inline.press(message, data)
    assert answer["text"] == EN["button_expired"]
    assert answer["show_alert"]
    assert message["text"] == "Something went wrong."


async def test_an_old_card_chosen_during_the_upgrade_is_filled_in(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    message = message_of_older_bot(inline)
    harness.world.push(
        "chosen_inline_result",
        {
            "result_id": "tt_download:v:rt",
            "from": harness.ada.as_json(),
            "query": VIDEO,
            "inline_message_id": "im-old",
        },
    )
    await harness.settled()
    assert "video" in message


@BOTH_SOURCES
async def test_two_hundred_concurrent_queries_are_answered(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    people = [harness.world.person(3000 + n, f"P{n}") for n in range(200)]
    queries = [inline.mode.ask(person, VIDEO) for person in people]
    await harness.until(lambda: all(query in inline.mode.answers for query in queries))
    assert all(len(inline.mode.answers[query]["results"]) == 2 for query in queries)


async def test_without_a_storage_channel_inline_mode_is_off_and_a_warning_is_logged(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
):
    await harness.start()
    assert "[inline] storage_chat" in caplog.text
    harness.world.push(
        "inline_query", {"id": "1", "from": harness.ada.as_json(), "query": VIDEO, "offset": ""}
    )
    await harness.say("hello")
    assert harness.calls("answerInlineQuery") == []


@pytest.mark.parametrize("trouble", ["missing", "closed", "off"])
async def test_an_unusable_storage_channel_is_named_in_the_log(
    harness: BotHarness, trouble: str, caplog: pytest.LogCaptureFixture
):
    if trouble != "missing":
        closed = "bot is not a member of the channel chat" if trouble == "closed" else ""
        harness.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage", closed=closed)
    harness.world.bot_user["supports_inline_queries"] = trouble != "off"
    await harness.start(**ON)
    assert ("/setinline" if trouble == "off" else "storage_chat") in caplog.text
