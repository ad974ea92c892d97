"""Choosing a version of a post: by words, by a reply, and with the button below a video."""

from typing import Any

import pytest

from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

EN = load_texts()["en"]
PICK = f"pick/tiktok/{ID}"
SIZES = {"1080": (1080, 1920), "720": (720, 1280), "480": (480, 854)}


@pytest.fixture
async def post(harness: BotHarness) -> BotHarness:
    """Return the running bot, with a post of three sizes and ten seconds."""
    encodings = [
        Encoding(
            harness.samples.video(VideoSpec(width=width, height=height, seconds=10)),
            width=width,
            height=height,
        )
        for width, height in SIZES.values()
    ]
    sound = harness.samples.sound(10)
    harness.video(encodings=tuple(encodings), sound=sound, duration_s=10)
    await harness.start()
    await harness.say("/start")
    return harness


def labels(message: Json) -> list[str]:
    """Return the labels of a message's buttons."""
    rows = message["reply_markup"]["inline_keyboard"]
    return [button["text"] for row in rows for button in row]


def button(message: Json, label: str) -> str:
    """Return the data of the button whose label contains a text."""
    rows = message["reply_markup"]["inline_keyboard"]
    found = [b["callback_data"] for row in rows for b in row if label in b["text"]]
    assert len(found) == 1, labels(message)
    return str(found[0])


def received(harness: BotHarness) -> list[tuple[str, Any]]:
    """Return the kind of each media message, with its short side or its file name."""
    found: list[tuple[str, Any]] = []
    for message in harness.answers():
        if video := message.get("video"):
            found.append(("video", min(video["width"], video["height"])))
        found += [
            (kind, message[kind]["file_name"]) for kind in ("audio", "document") if kind in message
        ]
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("720p", ("video", 720)),
        ("480", ("video", 480)),
        ("mp3", ("audio", f"{ID}.mp3")),
        ("audio", ("audio", f"{ID}.mp3")),
        ("file", ("document", f"{ID}.mp4")),
        ("look at this file", ("video", 1080)),
    ],
)
async def test_words_beside_a_link_choose(
    post: BotHarness, words: str, expected: tuple[str, object]
):
    await post.say(f"{VIDEO} {words}")
    assert received(post) == [expected]


async def test_words_in_a_reply_to_a_link_choose_in_every_language(post: BotHarness):
    crew = post.world.group(-1002)
    link = await post.say(VIDEO, chat=crew)
    before = len(post.answers(crew))
    await post.say("звук", chat=crew, reply_to_message=link)
    assert [bool(m.get("audio")) for m in post.answers(crew)[before:]] == [True]
    await post.say("what a video", chat=crew, reply_to_message=link)
    assert len(post.answers(crew)) == before + 1


async def test_words_in_a_reply_to_an_answer_choose_whatever_its_caption_has(post: BotHarness):
    await post.say("/settings")
    menu = post.answers()[-1]
    await post.press(menu, "set/caption/source")
    await post.say(VIDEO)
    (video,) = post.videos()
    assert "TikTok" not in video.get("caption", "")
    await post.say("mp3 please", reply_to_message=video)
    assert received(post) == [("video", 1080), ("audio", f"{ID}.mp3")]


async def test_a_choice_overrules_the_settings_of_the_chat_once(post: BotHarness):
    await post.say("/mode")
    await post.say(f"{VIDEO} 480p")
    await post.say(VIDEO)
    assert received(post) == [("video", 480), ("document", f"{ID}.mp4")]


async def test_the_button_shows_every_version_with_its_size_and_sends_one(post: BotHarness):
    await post.say(VIDEO)
    video = post.videos()[0]
    await post.press(video, PICK)
    menu = post.answers()[-1]
    assert menu["text"] == EN["versions_title"]
    assert menu["reply_to_message"]["message_id"] == video["message_id"]
    shown = labels(menu)
    assert [label.split(" · ")[0] for label in shown] == [
        *("🎬 1080p", "🎬 720p", "🎬 480p", f"📄 {EN['set_file_mode']}"),
        *(f"🎵 {EN['quality_sound']}", "🎵 MP3", "✖️"),
    ]
    assert all(label.endswith(("KB", "MB")) for label in shown[:4])
    await post.press(menu, button(menu, "480p"))
    assert received(post)[-1] == ("video", 480)
    assert menu["message_id"] not in post.home.messages
    assert post.videos()[-1]["reply_to_message"]["message_id"] == video["message_id"]


async def test_the_choice_can_be_closed_and_old_data_expire(post: BotHarness):
    await post.say(VIDEO)
    await post.press(post.videos()[0], PICK)
    menu = post.answers()[-1]
    await post.press(menu, "close")
    assert menu["message_id"] not in post.home.messages
    for data in ("pick/nowhere/1", "pick/", "take/8k/tiktok/1", "take/720p/nowhere/1", "take/"):
        answer = await post.press(post.videos()[0], data)
        assert answer["text"] == EN["button_expired"], data


async def test_a_post_that_is_gone_is_named_when_its_versions_are_asked_for(post: BotHarness):
    await post.say(VIDEO)
    post.site.posts[ID].status = 10204
    answer = await post.press(post.videos()[0], PICK)
    assert answer["text"] == EN["media_unavailable"]
    assert len(post.videos()) == 1


@pytest.mark.parametrize("trouble", ["", "gone", "without versions"])
async def test_a_press_whose_answer_comes_too_late_is_answered_by_a_text(
    post: BotHarness, trouble: str
):
    """A site may take longer to respond than Telegram waits for the answer to a press."""
    await post.say(VIDEO)
    if trouble == "gone":
        post.site.posts[ID].status = 10204
    elif trouble:
        post.site.posts[ID].pictures = (post.samples.picture(576, 1024, "slide"),)
    await press_late(post, post.videos()[0], PICK)
    key = {"": "versions_title", "gone": "media_unavailable"}.get(trouble, "versions_none")
    assert post.texts()[-1] == EN[key]


async def test_a_press_from_a_downtime_is_carried_out(post: BotHarness):
    """Its answer is too late, but what the button does is wanted all the same."""
    await post.say(VIDEO)
    await post.press(post.videos()[0], PICK)
    menu = post.answers()[-1]
    await press_late(post, menu, "close")
    assert menu["message_id"] not in post.home.messages


async def press_late(harness: BotHarness, message: Json, data: str) -> None:
    """Press a button whose answer Telegram no longer takes."""
    description = "Bad Request: query is too old and response timeout expired"
    harness.fail("answerCallbackQuery", "400", description=description)
    harness.world.press(harness.ada, message, data)
    await harness.settled()


@pytest.mark.parametrize(
    ("words", "seconds"), [("0:02-0:05", 3), ("3 – 7", 4), ("8-", 2), ("0:02-0:05 480p", 3)]
)
async def test_a_piece_is_cut_out(post: BotHarness, words: str, seconds: int):
    await post.say(f"{VIDEO} {words}")
    (video,) = post.videos()
    assert abs(video["video"]["duration"] - seconds) <= 1
    await post.say(f"{VIDEO} {words}")
    assert len(post.calls("sendVideo")) == 2
    first, second = post.videos()
    assert first["video"]["file_unique_id"] == second["video"]["file_unique_id"]  # cached, too
    await post.say(VIDEO)
    assert post.videos()[-1]["video"]["duration"] == 10


async def test_a_piece_of_the_audio(post: BotHarness):
    await post.say(f"{VIDEO} 2-6 mp3")
    (audio,) = [m["audio"] for m in post.answers() if "audio" in m]
    assert (audio["duration"], audio["file_name"]) == (4, f"{ID}.mp3")


async def test_a_piece_behind_the_end_is_explained(post: BotHarness):
    await post.say(f"{VIDEO} 1:00-1:10")
    assert post.videos() == []
    assert post.texts()[-1] == EN["piece_outside"].format(start="1:00")


# --- subtitles ------------------------------------------------------------------------------------


def spoken(*lines: str) -> str:
    """Return subtitles whose lines are said every two seconds."""
    cues = (
        f"00:00:0{2 * number}.500 --> 00:00:0{2 * number + 1}.900\n{line}\n"
        for number, line in enumerate(lines)
    )
    return "\n".join(("WEBVTT\n", *cues))


@pytest.fixture
async def with_subtitles(post: BotHarness) -> BotHarness:
    """Return the running bot, with subtitles of the post in eight languages."""
    codes = ("eng-US", "fra-FR", "deu-DE", "spa-ES", "ita-IT", "ukr-UA", "pol-PL", "jpn-JP")
    post.site.posts[ID].subtitles = {
        code: spoken(f"One <i>{code}</i>", "Two &amp; more", "Three") for code in codes
    }
    return post


def documents(harness: BotHarness) -> list[tuple[str, str]]:
    """Return name and content of each document that has arrived."""
    return [
        (
            m["document"]["file_name"],
            harness.api.files.by_id[m["document"]["file_id"]].path.read_text(),
        )
        for m in harness.answers()
        if "document" in m
    ]


async def test_the_card_offers_subtitles_in_six_languages_and_sends_one(
    with_subtitles: BotHarness,
):
    post = with_subtitles
    await post.say("/lang")
    await post.press(post.answers()[-1], "lang/uk")
    await post.say(VIDEO)
    await post.press(post.videos()[0], PICK)
    menu, uk = post.answers()[-1], load_texts()["uk"]
    assert menu["text"] == f"{uk['versions_title']}\n{uk['versions_subtitles']}"
    offers = [label for label in labels(menu) if label.startswith("💬")]
    assert offers == [
        f"💬 {name} (авто)"
        for name in (
            "українська",
            "англійська",
            "французька",
            "німецька",
            "іспанська",
            "італійська",
        )
    ]
    await post.press(menu, button(menu, "українська"))
    ((name, content),) = documents(post)
    assert name == f"{ID}.uk.srt"
    assert content.startswith(
        "1\n00:00:00,500 --> 00:00:01,900\nOne ukr-UA\n\n"
        "2\n00:00:02,500 --> 00:00:03,900\nTwo & more\n"
    )
    assert menu["message_id"] not in post.home.messages


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("subs", ["One eng-US", "Two & more", "Three"]),
        ("субтитры", ["One eng-US", "Two & more", "Three"]),
        ("subtitles 0:02-0:03", ["Two & more"]),
    ],
)
async def test_words_ask_for_subtitles_in_the_language_of_the_chat(
    with_subtitles: BotHarness, words: str, expected: list[str]
):
    link = await with_subtitles.say(VIDEO)
    await with_subtitles.say(words, reply_to_message=link)
    await with_subtitles.say(words, reply_to_message=link)
    first, again = documents(with_subtitles)
    assert first[0] == f"{ID}.en.srt"
    assert first[1].splitlines()[2::4] == expected
    assert again == first  # cached
    assert len(with_subtitles.calls("sendDocument")) == 2


async def test_a_post_without_subtitles_is_explained(post: BotHarness):
    await post.say(f"{VIDEO} subs")
    assert post.texts()[-1] == EN["media_no_subtitles"]


async def test_subtitles_that_cannot_be_read_are_explained(with_subtitles: BotHarness):
    with_subtitles.site.posts[ID].subtitles = {"eng-US": "<html>not here</html>"}
    await with_subtitles.say(f"{VIDEO} subs")
    assert with_subtitles.texts()[-1] == EN["media_broken"]
    with_subtitles.site.posts[ID].subtitles = {"eng-US": spoken("x" * 5_000_000)}
    await with_subtitles.say(f"{VIDEO} subs")
    assert documents(with_subtitles) == []


# --- again ----------------------------------------------------------------------------------------


async def retried(post: BotHarness) -> None:
    """Press the retry button of the last message, once the site answers again."""
    explanation = post.answers()[-1]
    post.site.posts[ID].page_trouble = ""
    await post.press(explanation, button(explanation, EN["retry_button"]))
    assert explanation["message_id"] not in post.home.messages


async def test_a_failed_version_is_asked_for_again_as_it_was(post: BotHarness):
    post.site.posts[ID].page_trouble = "login"
    await post.say(f"{VIDEO} mp3")
    await retried(post)
    assert received(post) == [("audio", f"{ID}.mp3")]


async def test_a_failed_version_of_the_message_above_is_asked_for_again(post: BotHarness):
    post.site.posts[ID].page_trouble = "login"
    link = await post.say(VIDEO)
    await post.say("mp3", reply_to_message=link)
    await retried(post)
    assert received(post) == [("audio", f"{ID}.mp3")]


async def test_a_failed_version_of_a_button_is_asked_for_again(post: BotHarness):
    await post.say(VIDEO)
    video = post.videos()[0]
    post.site.posts[ID].page_trouble = "login"
    await post.press(video, f"take/small/tiktok/{ID}")
    await retried(post)
    assert received(post) == [("video", 1080), ("video", 480)]


async def test_failed_audio_of_a_button_is_asked_for_again(post: BotHarness):
    await post.say(VIDEO)
    video = post.videos()[0]
    post.site.posts[ID].page_trouble = "login"
    await post.press(video, f"id/{ID}")
    await retried(post)
    assert received(post) == [("video", 1080), ("audio", f"{ID}.mp3")]
    assert button(video, EN["sound_button"])


async def test_slideshows_and_groups_have_no_button(harness: BotHarness):
    harness.video(pictures=tuple(harness.samples.picture(200 + n, 300, "s") for n in range(2)))
    await harness.start()
    crew = harness.world.group(-1002)
    await harness.say(VIDEO)
    assert "⚙️" not in labels(harness.answers()[-1])
    harness.video()
    await harness.say(VIDEO, chat=crew)
    assert "⚙️" not in labels(harness.answers(crew)[-1])
