"""What Telegram or a group does not take: the rest arrives, then another form of the file.

Each test asserts what people see, what is stored, and what is sent the next time.
"""

from pathlib import Path
from typing import Any

import pytest

from data.chats import find_chat
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.markup import parse_html
from simulator.telegram.methods import Rejection
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.inline_harness import ON, STORAGE, InlineHarness
from tests.e2e.test_crash import open_requests

TEXTS = load_texts()
EN = TEXTS["en"]
WELCOME, *_ = parse_html(EN["welcome"])[0].splitlines()
CREW = -1002
OTHER = "7300000000000000002"
#: Patterns for the names of a picture's forms.
AS_IT_IS, MADE_ANEW, EVERY = r"_2$", r"_2\.modest\.jpg$", r"_2(\.\w+)*$"


def kinds(messages: list[Json]) -> list[str]:
    """Return what each message contains."""
    known = ("animation", "live_photo", "video", "photo", "audio", "document", "text")
    return [next(kind for kind in known if kind in message) for message in messages]


def pictures(harness: BotHarness, number: int = 3) -> tuple[Path, ...]:
    return tuple(harness.samples.picture(300, 400 + n, f"r{n}") for n in range(number))


def reject(harness: BotHarness, kind: str, name: str, reason: str, **options: bool) -> None:
    harness.api.methods.rejections.append(Rejection(kind, name, reason, **options))


async def ask(
    harness: BotHarness, chat: Chat | None = None, link: str = VIDEO, **extra: Any
) -> list[Json]:
    """Send a link and return the bot's new messages, without the welcome of a new group."""
    before = len(harness.answers(chat))
    await harness.say(link, chat=chat, **extra)
    messages = harness.answers(chat)[before:]
    return [m for m in messages if not m.get("text", "").startswith(WELCOME)]


async def begin(harness: BotHarness) -> None:
    await harness.start()
    await harness.say("/start")


# --- files that Telegram cannot process -----------------------------------------------------------


@pytest.mark.parametrize("says_position", [True, False])
@pytest.mark.parametrize(
    "reason",
    [
        "PHOTO_INVALID_DIMENSIONS",
        "IMAGE_PROCESS_FAILED",
        "PHOTO_EXT_INVALID",
        "WEBPAGE_MEDIA_EMPTY",
        "wrong type of the web page content",
    ],
)
async def test_a_refused_picture_of_an_album_is_made_anew(
    harness: BotHarness, reason: str, says_position: bool
):
    harness.video(pictures=pictures(harness))
    reject(harness, "photo", AS_IT_IS, reason, says_position=says_position)
    await begin(harness)
    messages = await ask(harness)
    assert kinds(messages) == ["photo", "photo", "photo", "text"]
    assert TEXTS("en", "album_missing", count=1) not in messages[-1]["text"]
    assert await open_requests() == 0
    # What was accepted is what others get.
    uploads = sum(call.uploads != {} for call in harness.calls("sendMediaGroup", "sendPhoto"))
    assert kinds(await ask(harness)) == ["photo", "photo", "photo", "text"]
    assert uploads == sum(c.uploads != {} for c in harness.calls("sendMediaGroup", "sendPhoto"))


async def test_a_picture_that_is_refused_again_is_a_document(harness: BotHarness):
    harness.video(pictures=pictures(harness))
    for form in (AS_IT_IS, MADE_ANEW):
        reject(harness, "photo", form, "IMAGE_PROCESS_FAILED")
    await begin(harness)
    messages = await ask(harness)
    assert kinds(messages) == ["photo", "document", "photo", "text"]
    assert messages[1]["document"]["file_name"].endswith(".jpg")
    assert kinds(await ask(harness)) == ["photo", "document", "photo", "text"]


async def test_a_picture_that_is_refused_in_every_form_is_missing(harness: BotHarness):
    harness.video(pictures=pictures(harness))
    reject(harness, "photo", EVERY, "IMAGE_PROCESS_FAILED")
    reject(harness, "document", EVERY, "DOCUMENT_INVALID")
    await begin(harness)
    messages = await ask(harness)
    assert kinds(messages) == ["photo", "photo", "text"]
    assert TEXTS("en", "album_missing", count=1) in messages[-1]["text"]
    assert await open_requests() == 0
    # It is not cached: the next time it may be accepted.
    harness.api.methods.rejections.clear()
    assert kinds(await ask(harness)) == ["photo", "photo", "photo", "text"]


async def test_an_album_that_is_refused_in_every_form_is_explained(harness: BotHarness):
    harness.video(pictures=pictures(harness))
    reject(harness, "photo", "", "IMAGE_PROCESS_FAILED")
    reject(harness, "document", "", "DOCUMENT_INVALID")
    await begin(harness)
    messages = await ask(harness)
    assert kinds(messages) == ["text"]
    assert messages[0]["text"] == EN["delivery_failed"]
    assert await open_requests() == 0


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ([("photo", r"\d$")], "photo"),
        ([("photo", r"\d$"), ("photo", "modest")], "document"),
    ],
)
async def test_a_single_picture_is_made_anew_too(
    harness: BotHarness, refused: list[tuple[str, str]], expected: str
):
    harness.video(pictures=pictures(harness, 1))
    for kind, name in refused:
        reject(harness, kind, name, "PHOTO_INVALID_DIMENSIONS")
    await begin(harness)
    (message,) = await ask(harness)
    assert kinds([message]) == [expected]
    assert message["caption"].startswith("ferry.demo · ")
    assert kinds(await ask(harness)) == [expected]


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ([r"\d\.mp4$"], "video"),
        ([r"\d\.mp4$", "encoded"], "document"),
    ],
)
async def test_a_refused_video_is_encoded_and_then_a_document(
    harness: BotHarness, refused: list[str], expected: str
):
    harness.video()
    for name in refused:
        reject(harness, "video", name, "VIDEO_CONTENT_TYPE_INVALID")
    await begin(harness)
    (message,) = await ask(harness)
    assert kinds([message]) == [expected]


async def test_refused_audio_is_a_document(harness: BotHarness):
    harness.video()
    await begin(harness)
    (video,) = await ask(harness)
    reject(harness, "audio", "", "MEDIA_INVALID")
    harness.world.press(harness.ada, video, f"id/{ID}")
    await harness.settled()
    assert kinds(harness.answers()[-1:]) == ["document"]


async def test_silent_clips_work_from_the_cache_alone_and_in_albums(harness: BotHarness):
    silent = harness.samples.video(VideoSpec(has_sound=False))
    gif = harness.samples.gif(300, 200)
    harness.video(encodings=(Encoding(silent),))
    await begin(harness)
    assert kinds(await ask(harness)) == kinds(await ask(harness)) == ["animation"]
    # Telegram makes an animation of a silent video, and does not take it back into an album.
    harness.api.methods.makes_animations = True
    harness.video(OTHER, pictures=(gif, *pictures(harness, 2)))
    link = VIDEO.replace(ID, OTHER)
    first, again = kinds(await ask(harness, link=link)), kinds(await ask(harness, link=link))
    assert first == again == ["animation", "photo", "photo", "text"]


# --- rights ---------------------------------------------------------------------------------------


@pytest.fixture
def crew(harness: BotHarness) -> Chat:
    group = harness.world.group(CREW, topics={7})
    group.members[harness.ada.id] = "member"
    return group


async def assert_open(harness: BotHarness) -> None:
    """Check that the request has ended, and that the group does not count as blocked."""
    assert await open_requests() == 0
    record = await find_chat(CREW)
    assert record
    assert not record.is_blocked


async def test_without_the_right_for_videos_the_video_is_a_document(
    harness: BotHarness, crew: Chat
):
    harness.video()
    crew.forbidden = {"videos"}
    await begin(harness)
    (message,) = await ask(harness, crew)
    assert kinds([message]) == ["document"]
    assert message["caption"].startswith("ferry.demo · ")
    await assert_open(harness)
    # Others still get the video, and this group too as soon as it may.
    assert kinds(await ask(harness)) == ["video"]
    assert kinds(await ask(harness, crew)) == ["document"]
    crew.forbidden = set()
    assert kinds(await ask(harness, crew)) == ["video"]


async def test_without_the_right_for_photos_an_album_is_of_documents(
    harness: BotHarness, crew: Chat
):
    harness.video(pictures=pictures(harness))
    crew.forbidden = {"photos"}
    await begin(harness)
    assert kinds(await ask(harness, crew)) == ["document"] * 3 + ["text"]
    await assert_open(harness)
    assert kinds(await ask(harness)) == ["photo"] * 3 + ["text"]


async def test_without_the_right_for_any_file_the_reason_is_said(harness: BotHarness, crew: Chat):
    harness.video()
    crew.forbidden = {"videos", "documents"}
    await begin(harness)
    (message,) = await ask(harness, crew)
    assert message["text"] == EN["delivery_forbidden"]
    assert crew.reactions[max(crew.reactions)] == "😢"
    await assert_open(harness)


@pytest.mark.parametrize(
    "reason",
    ["TOPIC_CLOSED", "CHAT_RESTRICTED", "CHAT_SEND_VIDEOS_FORBIDDEN", "SLOWMODE_WAIT_900"],
)
async def test_what_the_group_does_not_allow_ends_with_a_sad_face(
    harness: BotHarness, crew: Chat, reason: str
):
    harness.video()
    await begin(harness)
    for method in ("sendVideo", "sendDocument", "sendMessage"):
        description = f"Bad Request: {reason}"
        harness.fail(method, "400", times=99, description=description, chat_id=CREW)
    assert await ask(harness, crew, message_thread_id=7, is_topic_message=True) == []
    assert crew.reactions[max(crew.reactions)] == "😢"
    await assert_open(harness)
    harness.api.faults.clear()
    assert kinds(await ask(harness, crew)) == ["video"]


async def test_a_muted_bot_uploads_nothing_for_a_known_post(harness: BotHarness, crew: Chat):
    harness.video()
    await begin(harness)
    await ask(harness)
    uploads = sum(call.uploads != {} for call in harness.api.calls)
    description = "Bad Request: have no rights to send a message"
    for method in ("sendVideo", "sendDocument", "sendMessage"):
        harness.fail(method, "400", times=99, description=description, chat_id=CREW)
    assert await ask(harness, crew) == []
    assert uploads == sum(call.uploads != {} for call in harness.api.calls)
    await assert_open(harness)


async def test_a_refusal_that_is_not_about_the_file_changes_no_file(harness: BotHarness):
    harness.video()
    await begin(harness)
    harness.fail("sendVideo", "400", times=99, description="Bad Request: BUTTON_DATA_INVALID")
    (message,) = await ask(harness)
    assert message["text"] == EN["delivery_failed"]
    assert len(harness.calls("sendVideo")) == 1


# --- the storage channel of inline mode -----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "description"),
    [
        ("403", "Forbidden: bot was kicked from the channel chat"),
        ("400", "Bad Request: need administrator rights in the channel chat"),
        ("400", "Bad Request: not enough rights to send videos to the chat"),
        ("400", "Bad Request: CHANNEL_PRIVATE"),
    ],
)
async def test_a_closed_storage_channel_is_the_operators_matter(
    inline: InlineHarness, kind: str, description: str, caplog: pytest.LogCaptureFixture
):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await harness.say("/start")
    for method in ("sendVideo", "sendDocument"):
        harness.fail(method, kind, times=99, description=description, chat_id=STORAGE)
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert message["text"] == EN["delivery_failed"]
    record = await find_chat(harness.ada.id)
    assert record
    assert not record.is_blocked
    assert "storage_channel_refused" in {getattr(r, "event", "") for r in caplog.records}
    # A private chat needs no storage channel.
    assert kinds(await ask(harness)) == ["video"]


async def test_a_storage_group_that_moves_moves_nobody_else(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await harness.say("/start")
    harness.world.group(-1009)
    harness.world.chats[STORAGE].moved_to = -1009
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert "video" in message
    assert await find_chat(harness.ada.id)
    assert await find_chat(-1009) is None


async def test_an_inline_album_shows_what_was_accepted(inline: InlineHarness):
    harness = inline.harness
    harness.video(pictures=pictures(harness))
    reject(harness, "photo", EVERY, "IMAGE_PROCESS_FAILED")
    reject(harness, "document", EVERY, "DOCUMENT_INVALID")
    await harness.start(**ON)
    await harness.say("/start")
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert kinds([message]) == ["photo"]
    assert TEXTS("en", "album_missing", count=1) in message["caption"]
    assert {*kinds(list(harness.world.chats[STORAGE].messages.values()))} == {"photo"}
    # It is not cached.
    assert (await inline.type(VIDEO))[0]["id"] == "fetch/post"


# --- groups that become supergroups ---------------------------------------------------------------


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("number", [1, 3])
async def test_a_group_that_moves_during_the_fetch_gets_its_post(
    harness: BotHarness, crew: Chat, known: bool, number: int
):
    harness.video(pictures=pictures(harness, number))
    await begin(harness)
    if known:
        await ask(harness)
    new = harness.world.group(-1009)
    crew.moved_to = -1009
    assert await ask(harness, crew) == []
    expected = ["photo"] if number == 1 else ["photo"] * 3 + ["text"]
    assert kinds(harness.answers(new)) == expected
    assert await open_requests() == 0
    assert await find_chat(CREW) is None
    assert await find_chat(-1009)
