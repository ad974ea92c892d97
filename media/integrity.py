"""Tell from a file's own structure whether a part of it is missing, as after a cut-off download."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from media.boxes import Box, top_level_boxes
from media.reading import DAMAGE, length_s, open_input, stated_s

#: A file counts as cut off if it is shorter than stated by both: a share, and seconds.
_MISSING_SHARE: Final = 0.1
_MISSING_S: Final = 1.0
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
#: Bytes at the end of a GIF in which its last one is looked for: some programs append a few.
_GIF_TAIL: Final = 16
#: Parts of a picture that are looked at in the search for its end. A file of many more is made to
#: take time; nothing is known of it.
_MOST_PARTS: Final = 100_000
#: Stated by programs that wrote a WAV file before they knew its size.
_LIVE_RIFF: Final = 0xFFFF_FFFF


def is_truncated(path: Path, boxes: Sequence[Box] | None = None) -> bool:
    """Return True if a file says of itself that data is missing. `boxes` are its own, if known.

    Pictures and unfragmented MP4 files are judged by their structure; other videos, WAV and FLAC
    by comparing the length that the header states with the length of what is there. False means
    that nothing is known to be missing: MP3, MPEG-TS and most other formats do not state a length.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(16)
        for signature, is_cut in _SIGNED:
            if head.startswith(signature):
                return is_cut(file)
        if head.startswith(_EBML) and _is_matroska_cut(file):
            return True
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"styp", b"free", b"wide"}:
        return _is_mp4_cut(path, list(top_level_boxes(path)) if boxes is None else boxes)
    return _is_shorter_than_stated(path)


def _is_jpeg_cut(file: BinaryIO) -> bool:
    """Return True if there is no end marker behind the start of the picture's own data.

    Embedded previews, which have end markers of their own, are part of the segments before it.
    """
    file.seek(2)
    for _ in range(_MOST_PARTS):
        head = file.read(4)
        if len(head) < 4:
            return True
        if head[0] != 0xFF or head[1] == 0xDA:
            return b"\xff\xd9" not in file.read()
        # 0xFF before a marker is padding.
        file.seek(-3 if head[1] == 0xFF else int.from_bytes(head[2:], "big") - 2, 1)
    return False


def _is_png_cut(file: BinaryIO) -> bool:
    file.seek(len(_PNG_SIGNATURE))
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return True
        if head[4:] == b"IEND":
            return False
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _is_riff_cut(file: BinaryIO) -> bool:
    file.seek(4)
    stated = int.from_bytes(file.read(4), "little")
    return stated != _LIVE_RIFF and stated + 8 > file.seek(0, 2)


def _is_matroska_cut(file: BinaryIO) -> bool:
    """Return True if the segment, which holds everything, ends behind the file (RFC 8794)."""
    total = file.seek(0, 2)
    file.seek(4)
    header = _ebml_size(file)
    if header is None:
        return False  # the file ends, or a live recording did not know its size
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return False
    segment = _ebml_size(file)
    return segment is not None and file.tell() + segment > total


def _ebml_size(file: BinaryIO) -> int | None:
    """Read an element's size: the leading zeros of its first byte tell how many bytes it has."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    content = bytes([first[0] & (0xFF >> length)]) + file.read(length - 1)
    size = int.from_bytes(content, "big")
    return None if size == (1 << 7 * length) - 1 else size


def _is_gif_cut(file: BinaryIO) -> bool:
    size = file.seek(0, 2)
    file.seek(max(size - _GIF_TAIL, 0))
    return b";" not in file.read()


#: What the files of a format start with, and the check of their end.
_SIGNED: Final[tuple[tuple[bytes, Callable[[BinaryIO], bool]], ...]] = (
    (b"\xff\xd8\xff", _is_jpeg_cut),
    (_PNG_SIGNATURE, _is_png_cut),
    (b"RIFF", _is_riff_cut),
    (b"GIF8", _is_gif_cut),
)
_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"


def _is_mp4_cut(path: Path, boxes: Sequence[Box]) -> bool:
    if not boxes:
        return True
    kinds, end, size = [box.kind for box in boxes], boxes[-1].end, path.stat().st_size
    if end > size or (end == size and kinds[-1] == "moof"):
        return True
    if not {"moov", "moof", "meta"} & set(kinds):
        return True  # nothing says where the content is
    return "moof" in kinds and _is_shorter_than_stated(path)


def _is_shorter_than_stated(path: Path) -> bool:
    try:
        with open_input(path) as container:
            stated = stated_s(container)
        if not stated:
            return False
        missing = stated - length_s(path)
    except DAMAGE:
        return False
    return missing > _MISSING_S and missing > stated * _MISSING_SHARE
