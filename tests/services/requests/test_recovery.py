"""What is sent instead of files that are refused, and to which id of a group."""

from pathlib import Path
from typing import cast

import pytest

from core.errors import (
    BrokenFileError,
    ChatForbiddenError,
    ChatMovedError,
    ContentRejectedError,
    DeliveryError,
    SendingForbiddenError,
    StorageError,
)
from core.media import AudioFile, DocumentFile, LivePhotoFile, LocalFile, PhotoFile, VideoFile
from core.progress import WorkProgress
from data.chats import register_chat
from data.exports import chat_details
from delivery.api_requests import MessageOptions
from delivery.targets import ChatTarget
from media.processor import MediaProcessor
from services.requests.kept_answers import Prepared
from services.requests.recovery import FileRecovery, send_following
from tests.fakes import FakeMedia, fake_request, make_post, make_request

PHOTO = PhotoFile(Path("1.jpg"))
VIDEO = VideoFile(Path("2.mp4"), 1_000, 576, 1024, 10, label="1/2")
LIVE = LivePhotoFile(Path("3.jpg"), VideoFile(Path("3.mp4"), 1_000, 576, 1024, 2))
REFUSED = ContentRejectedError("IMAGE_PROCESS_FAILED")
FORBIDDEN = SendingForbiddenError("no photos", is_about_kind=True)
GROUP, SUPERGROUP = -7, -1007


class Bench:
    """An answer of three files, of which some are refused."""

    def __init__(self) -> None:
        self.media = FakeMedia()
        prepared = Prepared(
            make_post(),
            [PHOTO, VIDEO, LIVE],
            lambda missing: MessageOptions(f"{missing} missing"),
            is_processed=False,
            items=3,
        )
        media = cast("MediaProcessor", self.media)
        self.recovery = FileRecovery(media, prepared, WorkProgress())

    async def refuse(self, file: LocalFile, refusal: DeliveryError = REFUSED) -> list[LocalFile]:
        return list(await self.recovery.next_form(file, refusal))

    async def forms_of(self, file: LocalFile) -> list[LocalFile]:
        """Return what is sent one after the other instead of a file that is always refused."""
        forms: list[LocalFile] = []
        while len(forms) < 9 and (found := await self.refuse(file)):
            (file,) = found
            forms.append(file)
        return forms

    @property
    def kept(self) -> list[LocalFile]:
        return list(self.recovery.prepared.files)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_refused_file_is_made_anew_then_the_original_is_a_document(bench: Bench):
    assert await bench.forms_of(PHOTO) == [
        PhotoFile(Path("1.remade")),
        DocumentFile(PHOTO.path),
    ]


async def test_a_part_of_a_video_keeps_its_label(bench: Bench):
    assert [getattr(form, "label", "") for form in await bench.forms_of(VIDEO)] == ["1/2"] * 2


async def test_what_cannot_be_made_anew_is_a_document(bench: Bench):
    audio = AudioFile(Path("4.mp3"), "Title", "Singer", 10)
    bench.media.damaged["4.mp3"] = BrokenFileError("it cannot be made anew")
    # Nor is its format recognised, so it keeps its name.
    assert await bench.forms_of(audio) == [DocumentFile(audio.path)]
    assert bench.media.steps == [("remade", "4.mp3"), ("untouched", "4.mp3")]


async def test_a_live_photo_becomes_a_picture_and_a_video(bench: Bench):
    assert await bench.refuse(LIVE) == [PhotoFile(LIVE.path), LIVE.video]
    assert bench.media.steps == []


async def test_a_chat_that_takes_no_pictures_gets_documents_that_others_do_not_get(bench: Bench):
    await bench.refuse(VIDEO)
    # Whatever Telegram refuses, it refuses in every chat.
    is_specific = [bench.recovery.is_chat_specific]
    assert await bench.refuse(PHOTO, FORBIDDEN) == [DocumentFile(PHOTO.path)]
    assert [*is_specific, bench.recovery.is_chat_specific] == [False, True]
    assert bench.recovery.prepared.is_chat_specific
    assert await bench.refuse(DocumentFile(PHOTO.path), FORBIDDEN) == []


async def test_what_is_kept_to_be_sent_again_has_the_latest_forms(bench: Bench):
    await bench.refuse(LIVE)
    (remade,) = await bench.refuse(LIVE.video)
    (photo,) = await bench.refuse(PHOTO)
    assert bench.kept == [photo, VIDEO, PhotoFile(LIVE.path), remade]
    assert bench.recovery.options(2).caption == "2 missing"


# --- groups that become supergroups ---------------------------------------------------------------


class Chats:
    """Takes answers for the supergroup only."""

    def __init__(self, *errors: DeliveryError) -> None:
        self.asked: list[int] = []
        self.errors = [*errors]

    async def send(self, target: ChatTarget) -> str:
        self.asked.append(target.chat_id)
        if self.errors:
            raise self.errors.pop(0)
        return "sent"


async def follow(chats: Chats) -> tuple[str, int]:
    request = make_request(chat_id=GROUP, is_private=False)
    return await send_following(fake_request(request).context, chats.send)


@pytest.fixture
async def registered(sqlite_db: None) -> None:
    await register_chat(GROUP, "uk")


@pytest.mark.usefixtures("registered")
async def test_an_answer_follows_a_group_that_has_moved_with_its_settings():
    chats = Chats(ChatMovedError(SUPERGROUP))
    assert await follow(chats) == ("sent", SUPERGROUP)
    assert chats.asked == [GROUP, SUPERGROUP]
    moved = await chat_details(SUPERGROUP)
    assert moved
    assert moved.chat.lang == "uk"
    assert await chat_details(GROUP) is None


async def test_an_answer_arrives_even_if_the_new_id_cannot_be_stored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("services.requests.recovery.move_chat", failing)
    assert await follow(Chats(ChatMovedError(SUPERGROUP))) == ("sent", SUPERGROUP)
    assert [getattr(entry, "event", "") for entry in caplog.records] == ["chat_not_moved"]


@pytest.mark.usefixtures("registered")
async def test_other_failures_are_those_of_the_answer():
    assert await follow(Chats()) == ("sent", GROUP)
    with pytest.raises(ChatForbiddenError):
        await follow(Chats(ChatForbiddenError("kicked")))
    with pytest.raises(ChatForbiddenError):
        await follow(Chats(ChatMovedError(SUPERGROUP), ChatForbiddenError("kicked")))
