"""Requests for audio files: alone with buttons, and in albums of audio only."""

from pathlib import Path
from typing import cast

import pytest
from aiogram.methods import SendAudio
from aiogram.types import InlineKeyboardMarkup, InputMediaAudio

from core.media import AudioFile, File, RemoteFile
from delivery.api_requests import (
    MessageOptions,
    album_request,
    file_id_request,
    file_request,
    inline_media,
)
from delivery.targets import ChatTarget

TARGET = ChatTarget(1, 2, is_private=True)
AUDIO = AudioFile(Path("a.m4a"), "Title", "Singer", 7, Path("a.thumb.jpg"))


def test_an_audio_file_is_sent_with_what_a_player_shows():
    buttons = InlineKeyboardMarkup(inline_keyboard=[])
    request = file_request(TARGET, AUDIO, MessageOptions("caption", buttons))
    assert isinstance(request, SendAudio)
    shown = (request.title, request.performer, request.duration, request.caption)
    assert shown == ("Title", "Singer", 7, "caption")
    assert request.reply_markup is buttons
    assert request.thumbnail


def test_audio_files_form_an_album():
    files: list[File] = [AUDIO, RemoteFile("audio", "id-1")]
    request = album_request(TARGET, files, MessageOptions("", is_spoiler=True))
    first, second = cast("list[InputMediaAudio]", request.media)
    assert (first.type, first.title, first.duration) == ("audio", "Title", 7)
    assert (second.type, second.media) == ("audio", "id-1")


@pytest.mark.parametrize(("kind", "detection"), [("document", True), ("video", None)])
def test_a_known_document_stays_a_document(kind: str, detection: bool | None):
    file, options = RemoteFile(kind, "id-1"), MessageOptions("")
    sent = file_id_request(TARGET, file, options).model_dump(exclude_none=True)
    assert (sent[kind], sent.get("disable_content_type_detection")) == ("id-1", detection)
    shown = inline_media(file, options).model_dump(exclude_none=True)
    assert (shown["type"], shown.get("disable_content_type_detection")) == (kind, detection)
