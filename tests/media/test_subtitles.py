"""Subtitle files are converted in a worker; here the conversion itself."""

from pathlib import Path

import pytest

from core.choices import Piece
from core.errors import BrokenFileError, NoSubtitlesError
from media.subtitles import make_srt

SPOKEN = "\ufeffWEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\n00:05.000 --> 00:06.500\nTwo\n"


@pytest.fixture
def vtt(tmp_path: Path) -> Path:
    path = tmp_path / "spoken.vtt"
    path.write_text(SPOKEN, encoding="utf-8")
    return path


def test_a_file_becomes_subrip_beside_it(vtt: Path):
    target = make_srt(vtt)
    assert target == vtt.with_suffix(".srt")
    assert target.read_text(encoding="utf-8").startswith(
        "1\n00:00:01,000 --> 00:00:02,000\nOne\n\n2\n00:00:05,000 --> 00:00:06,500\nTwo\n"
    )


def test_a_piece_begins_at_its_start(vtt: Path):
    text = make_srt(vtt, Piece(4, 7)).read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:01,000 --> 00:00:02,500\nTwo")


def test_a_piece_in_which_nothing_is_said_has_none(vtt: Path):
    with pytest.raises(NoSubtitlesError):
        make_srt(vtt, Piece(3, 4))


def test_a_file_of_something_else_is_broken(tmp_path: Path):
    path = tmp_path / "page.vtt"
    path.write_bytes(b"\xff<html>not here</html>")
    with pytest.raises(BrokenFileError):
        make_srt(path)
