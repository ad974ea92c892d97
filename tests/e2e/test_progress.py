"""The status note: what it says while a slow request is worked on, and that it never stays."""

import re

from sqlalchemy import text

from core.progress import NotePace
from core.request import Progress
from data import database
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.world import Chat, Json
from simulator.throttle import Throttle
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.test_crash import sent_request, start_and_finish, store_open

TEXTS = load_texts()
EN = TEXTS["en"]
MB = 1_000_000


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000002{number:02}"


def slow_post(harness: BotHarness, post_id: str = ID, size: int = 4 * MB, **options) -> Throttle:
    """Add a video of this size, of which no byte arrives until its throttle allows it."""
    throttle = Throttle(allowed=0)
    video = Encoding(harness.samples.video(VideoSpec(padded_bytes=size)))
    harness.video(post_id, encodings=(video,), throttle=throttle, cover=None, **options)
    return throttle


async def start(harness: BotHarness, **environment: str) -> None:
    """Start the bot, with notes that come and change at once."""
    await harness.start(LIMITS_PATIENCE_S="0.05", LIMITS_STALL_S="60", **environment)
    assert harness.application
    harness.application.container.request_queue.note_pace = NotePace(0.05, 0.02)
    await harness.say("hello")


def is_note(message: Json) -> bool:
    return '"cancel/' in str(message.get("reply_markup")).replace("'", '"')


def plain(words: str) -> str:
    """Return a text without what only typography is about: the spaces around units."""
    return words.replace("\N{NO-BREAK SPACE}", " ").replace(" %", "%")


def note(harness: BotHarness, chat: Chat | None = None) -> str:
    """Return what the status note in a chat says; "" if there is none."""
    notes = [message["text"] for message in harness.answers(chat) if is_note(message)]
    assert len(notes) <= 1, notes
    return plain(notes[0]) if notes else ""


def notes_sent(harness: BotHarness) -> int:
    """Return how many notes were sent, whether they are still there or not."""
    return len([call for call in harness.calls("sendMessage") if is_note(call.params)])


def said(harness: BotHarness) -> list[str]:
    """Return everything that status notes have said, in order."""
    calls = harness.calls("sendMessage", "editMessageText")
    return [plain(call.params["text"]) for call in calls if is_note(call.params)]


async def says(harness: BotHarness, words: str, chat: Chat | None = None) -> None:
    await harness.until(lambda: note(harness, chat) == words, f"the note {words!r}")


async def cancel(harness: BotHarness, chat: Chat | None = None) -> None:
    """Press the button of the note."""
    (message,) = [message for message in harness.answers(chat) if is_note(message)]
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    harness.world.press(harness.ada, message, data)
    await harness.settled()


# --- stages ---------------------------------------------------------------------------------------


async def test_a_download_counts_its_bytes_and_the_note_goes_with_the_answer(harness: BotHarness):
    throttle = slow_post(harness)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 0% of 4 MB")
    assert harness.home.reactions  # the first sign
    for megabytes, percent in ((1, 25), (2, 50), (3, 75)):
        throttle.allow(megabytes * MB)
        await says(harness, f"Downloading {percent}% of 4 MB")
    throttle.allow(None)
    await harness.settled()
    assert len(harness.videos()) == 1
    assert note(harness) == ""
    assert harness.home.reactions == {}
    # Nothing was edited without a change, and one message carried it all.
    assert all(a != b for a, b in zip(said(harness), said(harness)[1:], strict=False))
    assert notes_sent(harness) == 1
    order = [call.method for call in harness.api.calls]
    assert "deleteMessage" in order[order.index("sendVideo") :]


async def test_without_a_size_the_megabytes_are_counted(harness: BotHarness):
    throttle = slow_post(harness, file_trouble="chunked")
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading…")
    throttle.allow(3 * MB)
    await says(harness, "Downloading 3 MB")
    throttle.allow(None)
    await harness.settled()
    assert note(harness) == ""


async def test_an_album_counts_its_items(harness: BotHarness):
    sizes = (40, 1000, 1010, 1020, 1030)
    pictures = tuple(harness.samples.picture(side, side, f"item {side}") for side in sizes)
    throttle = Throttle(allowed=0)
    harness.video(encodings=(), pictures=pictures, throttle=throttle, cover=None)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 1 of 5")
    throttle.allow(pictures[0].stat().st_size)
    await says(harness, "Downloading 2 of 5")
    throttle.allow(None)
    await harness.settled()
    assert note(harness) == ""
    assert len([m for m in harness.answers() if "photo" in m]) == 5


async def test_a_conversion_shows_its_share(harness: BotHarness):
    spec = VideoSpec(width=854, height=480, seconds=20, bit_rate=500_000, encoder="mpeg4")
    harness.video(encodings=(Encoding(harness.samples.video(spec)),))
    await start(harness)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    shares = [int(m[1]) for text in said(harness) if (m := re.match(r"Converting (\d+)%", text))]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert note(harness) == ""


async def test_an_upload_counts_the_bytes_that_left(harness: BotHarness):
    slow_post(harness, size=40 * MB).allow(None)
    uploads = harness.api.uploads
    uploads.allow(8 * MB)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)

    def percent() -> int:
        found = re.fullmatch(r"Uploading (\d+)%", note(harness))
        return int(found[1]) if found else 0

    # The sockets of both sides hold some megabytes that the server has not read.
    await harness.until(lambda: percent() >= 20, "the first fifth")
    assert percent() < 60
    uploads.allow(24 * MB)
    await harness.until(lambda: percent() >= 60, "three fifths")
    assert percent() < 100
    uploads.allow(None)
    await harness.settled()
    assert len(harness.videos()) == 1
    assert note(harness) == ""
    shares = [text for text in said(harness) if text.startswith("Uploading")]
    assert len(shares) == len(set(shares))


async def test_another_attempt_has_its_number(harness: BotHarness):
    throttle = slow_post(harness, page_trouble="empty", trouble_times=1)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 0% of 4 MB\nAttempt 2 of 3")
    throttle.allow(None)
    await harness.settled()
    assert len(harness.videos()) == 1


async def test_the_place_in_the_queue_counts_down(harness: BotHarness):
    throttles = [slow_post(harness, f"73000000000000002{n:02}", size=MB) for n in range(3)]
    await start(harness, LIMITS_ACTIVE_REQUESTS="1")
    people = [harness.ada, harness.world.person(1002, "Bo"), harness.world.person(1003, "Cy")]
    chats = [harness.world.chats[person.id] for person in people]
    for person in people[1:]:
        await harness.say("hello", person)
    downloading = "Downloading 0% of 1 MB"
    expected = [downloading, EN["status_next"], "Number 2 in the queue"]
    for number, person in enumerate(people):
        harness.world.say(person, link(number))
        await says(harness, expected[number], chats[number])
    throttles[0].allow(None)
    await says(harness, EN["status_next"], chats[2])
    await says(harness, downloading, chats[1])
    throttles[1].allow(None)
    await says(harness, downloading, chats[2])
    throttles[2].allow(None)
    await harness.settled()
    assert [len(harness.videos(chat)) for chat in chats] == [1, 1, 1]
    assert [note(harness, chat) for chat in chats] == ["", "", ""]


async def test_who_waits_for_the_same_post_sees_its_progress(harness: BotHarness):
    throttle = slow_post(harness)
    bo = harness.world.person(1002, "Bo")
    await start(harness)
    await harness.say("hello", bo)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 0% of 4 MB")
    harness.world.say(bo, VIDEO)
    throttle.allow(2 * MB)
    await says(harness, "Downloading 50% of 4 MB", harness.world.chats[1002])
    throttle.allow(None)
    await harness.settled()
    assert [note(harness), note(harness, harness.world.chats[1002])] == ["", ""]


async def test_the_links_of_a_message_have_one_note_after_another(harness: BotHarness):
    throttles = [slow_post(harness, f"73000000000000002{n:02}", size=MB) for n in range(2)]
    await start(harness)
    harness.world.say(harness.ada, f"{link(0)} {link(1)}")
    await says(harness, "Downloading 0% of 1 MB")
    throttles[0].allow(None)
    await harness.until(lambda: notes_sent(harness) == 2, "the note of the second link")
    await says(harness, "Downloading 0% of 1 MB")
    throttles[1].allow(None)
    await harness.settled()
    assert len(harness.videos()) == 2
    assert note(harness) == ""
    assert notes_sent(harness) == 2


# --- the end --------------------------------------------------------------------------------------


async def test_the_note_cancels_its_request(harness: BotHarness):
    slow_post(harness)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 0% of 4 MB")
    await cancel(harness)
    assert harness.texts()[-1] == EN["called_off"]
    assert note(harness) == ""
    assert harness.home.reactions == {}
    assert list((harness.folder / "spool").glob("*/*")) == []


async def test_the_note_cancels_an_upload(harness: BotHarness):
    slow_post(harness, size=40 * MB).allow(None)
    harness.api.uploads.allow(8 * MB)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: note(harness).startswith("Uploading"))
    await cancel(harness)
    harness.api.uploads.allow(None)
    assert note(harness) == ""
    assert harness.texts()[-1] == EN["called_off"]  # the end of the file has never left


async def test_the_note_is_gone_before_a_failure_is_explained(harness: BotHarness):
    harness.site.add(SamplePost(ID, status=10204, status_message="status_deleted"))
    harness.site.serves_pages.clear()
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, plain(EN["working"]))
    harness.site.serves_pages.set()
    await harness.settled()
    assert said(harness) == [plain(EN["working"])]
    assert note(harness) == ""
    assert harness.texts()[-1] == EN["media_deleted"]
    calls = [c.method for c in harness.calls("sendMessage", "deleteMessage")]
    assert calls[-2:] == ["deleteMessage", "sendMessage"]


async def test_a_quick_answer_has_no_note(harness: BotHarness):
    harness.video()
    await harness.start(LIMITS_PATIENCE_S="30")  # whatever a busy machine takes
    await harness.say("hello")
    for _ in range(2):  # new, then from the cache
        await harness.say(VIDEO)
    assert len(harness.videos()) == 2
    assert said(harness) == []
    assert harness.calls("deleteMessage") == []


async def test_a_group_has_a_reaction_and_no_note(harness: BotHarness):
    throttles = [slow_post(harness, f"73000000000000002{n:02}", size=MB) for n in range(2)]
    crew = harness.world.group(-1002)
    await start(harness)
    harness.world.say(harness.ada, link(0), crew)
    await harness.until(lambda: crew.reactions)
    harness.world.say(harness.ada, link(1))
    await says(harness, "Downloading 0% of 1 MB")  # by now, the group would have its own
    assert note(harness, crew) == ""
    for throttle in throttles:
        throttle.allow(None)
    await harness.settled()
    assert {c.params["chat_id"] for c in harness.calls("sendMessage") if is_note(c.params)} == {
        1001
    }
    assert crew.reactions == {}


async def test_the_note_is_gone_at_the_end_of_the_process(harness: BotHarness):
    throttles = [slow_post(harness, f"73000000000000002{n:02}", size=MB) for n in range(2)]
    await start(harness, LIMITS_ACTIVE_REQUESTS="1", RUN_DRAIN_S="0")
    bo = harness.world.person(1002, "Bo")
    bo_chat = harness.world.chats[1002]
    await harness.say("hello", bo)
    harness.world.say(harness.ada, link(0))
    await says(harness, "Downloading 0% of 1 MB")
    harness.world.say(bo, link(1))
    await says(harness, EN["status_next"], bo_chat)
    await harness.stop()
    assert [note(harness), note(harness, bo_chat)] == ["", ""]
    for throttle in throttles:
        throttle.allow(None)
    await harness.start()
    await harness.until(lambda: harness.videos() and harness.videos(bo_chat))
    await harness.settled()
    assert [note(harness), note(harness, bo_chat)] == ["", ""]


async def test_the_note_of_a_killed_process_is_taken_over_and_goes(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.stop()
    # What the next process finds: the message of the note, and its id in the stored progress.
    left = harness.answers()[-1]
    await store_open(harness, [sent_request(harness)], Progress(note=left["message_id"]))
    await start_and_finish(harness)
    assert len(harness.videos()) == 1
    assert left["message_id"] not in harness.home.messages


async def test_the_id_of_the_note_is_stored_while_it_is_there(harness: BotHarness):
    throttle = slow_post(harness)
    await start(harness)
    harness.world.say(harness.ada, VIDEO)
    await says(harness, "Downloading 0% of 4 MB")
    (before,) = [message["message_id"] for message in harness.answers() if is_note(message)]
    while await stored_notes() != [before]:
        await harness.world.changed(0.05)
    throttle.allow(None)
    await harness.settled()
    assert await stored_notes() == [None]


async def stored_notes() -> list[int | None]:
    """Return the ids of the status notes of all stored requests."""
    texts = await database.read(
        lambda db: db.execute(text("SELECT progress FROM requests")).scalars().all()
    )
    return [Progress.from_json(stored).note for stored in texts]
