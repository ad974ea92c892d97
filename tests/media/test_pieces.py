"""Cutting pieces out, and finding the bytes that they need."""

from pathlib import Path

import pytest

from core.choices import Part, Piece
from core.errors import PieceError
from media import encoding, video
from media.pieces import needed_part
from media.reading import length_s
from tests.media.corpus import FAST, Video

#: One key frame a second.
LONG = {"g": "25", "keyint_min": "25"}
DASH = {"movflags": "frag_keyframe+dash+global_sidx"}
PIECES = [Piece(20, 25), Piece(50), Piece(0, 3), Piece(1, 2)]


def make(folder: Path, muxing: dict[str, str], sound: str = "") -> bytes:
    """Write a video of a minute to `folder` and return its content."""
    path = folder / "source.mp4"
    Video("", encoding=LONG, muxing=muxing, seconds=60, sound=sound, width=320, height=240).make(
        path
    )
    return path.read_bytes()


def sparse(folder: Path, content: bytes, head: int, part: Part) -> Path:
    """Write a file that has only its beginning and a part."""
    path = folder / "sparse.mp4"
    with path.open("wb") as file:
        file.write(content[:head])
        file.seek(part.start)
        file.write(content[part.start : part.end])
        file.truncate(part.content_end or len(content))
    return path


@pytest.mark.parametrize("piece", PIECES, ids=str)
@pytest.mark.parametrize("muxing", [FAST, DASH], ids=["plain", "dash"])
def test_the_needed_bytes_make_the_same_piece_as_the_whole_file(
    muxing: dict[str, str], piece: Piece, tmp_path: Path
):
    content = make(tmp_path, muxing)
    index = content.index(b"sidx" if muxing is DASH else b"mdat")
    head = tmp_path / "head.mp4"
    head.write_bytes(content[: index + 2_000])
    part = needed_part(head, piece)
    assert part
    assert part.end - part.start < len(content) / 2
    whole = encoding.cut_out(tmp_path / "source.mp4", piece).read_bytes()
    cut = encoding.cut_out(sparse(tmp_path, content, index + 2_000, part), piece)
    assert cut.read_bytes() == whole
    end = 60 if piece.end_s is None else piece.end_s
    assert abs(video.measure(cut).duration_s - (end - piece.start_s)) < 0.2


def test_a_beginning_without_the_index_tells_nothing(tmp_path: Path):
    content = make(tmp_path, {})
    head = tmp_path / "head.mp4"
    head.write_bytes(content[: len(content) // 2])
    assert needed_part(head, Piece(20, 25)) is None


@pytest.mark.parametrize("muxing", [FAST, DASH], ids=["plain", "dash"])
def test_a_piece_behind_the_end_needs_nothing(muxing: dict[str, str], tmp_path: Path):
    content = make(tmp_path, muxing)
    head = tmp_path / "head.mp4"
    head.write_bytes(content)
    assert needed_part(head, Piece(70, 80)) is None
    with pytest.raises(PieceError):
        encoding.cut_out(head, Piece(70, 80))


def test_a_damaged_segment_index_tells_nothing(tmp_path: Path):
    content = make(tmp_path, DASH)
    start = content.index(b"sidx") + 4
    head = tmp_path / "head.mp4"
    for damage in (bytes(16), b"\0" * 8 + b"\0\0\0\0" + b"\xff" * 4):
        head.write_bytes(content[:start] + damage + content[start + len(damage) :])
        assert needed_part(head, Piece(20, 25)) is None


@pytest.mark.parametrize(("encoder", "container"), [("libx264", "mp4"), ("libvpx", "matroska")])
def test_audio_and_video_of_a_piece_stay_together(encoder: str, container: str, tmp_path: Path):
    path = tmp_path / "source.mp4"
    Video("", encoder, container, seconds=20, encoding=LONG).make(path)
    cut = encoding.cut_out(path, Piece(7, 12))
    assert abs(length_s(cut, "video") - length_s(cut, "audio")) < 1.2
    assert 4.8 < video.measure(cut).duration_s < 6.2


@pytest.mark.parametrize("as_mp3", [False, True])
def test_audio_can_be_cut_and_converted(as_mp3: bool, tmp_path: Path):
    path = tmp_path / "source.mp4"
    Video("", seconds=20).make(path)
    audio = encoding.extract_audio(path, as_mp3=as_mp3, piece=Piece(5, 9))
    assert audio.suffix == (".mp3" if as_mp3 else ".m4a")
    assert abs(length_s(audio, "audio") - 4) < 0.2
