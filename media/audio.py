"""Convert downloaded audio for Telegram's player. Runs in worker processes, like media.video."""

from pathlib import Path
from typing import Final

from core.choices import Piece
from media.boxes import top_level_boxes
from media.encoding import extract_audio
from media.reading import length_s, open_media, videos

#: FFmpeg's names of the containers that Telegram's player supports, the codecs in them that every
#: phone plays, and their file extensions. Source: https://core.telegram.org/bots/api#sendaudio
_SUPPORTED: Final = (
    ("mp3", frozenset({"mp3"}), ".mp3"),
    ("mp4", frozenset({"aac", "mp3", "alac"}), ".m4a"),
)


def make_native(
    path: Path, *, as_mp3: bool = False, piece: Piece | None = None
) -> tuple[Path, int]:
    """Return the path of an MP3 or M4A file with the audio, and its duration in seconds.

    A file in one of these formats is only renamed to the right extension, unless an MP3 file is
    wanted and it is none, or only a piece of it. Otherwise, the audio is extracted to an M4A or MP3
    file beside it. The duration is measured: MP3 and ADTS files have none in their header, and an
    estimate is wrong for a variable bit rate.

    Raises:
        PieceError: the audio ends before the piece starts.
        PlatformChangedError: the file has no audio, or is damaged.
    """
    extension = _native_extension(path)
    if extension and not piece and not (as_mp3 and extension != ".mp3"):
        target = path.rename(path.with_suffix(extension))
    else:
        target = extract_audio(path, as_mp3=as_mp3, piece=piece)
    with open_media(target, "audio"):  # converts the errors of reading
        return target, max(round(length_s(target, "audio")), 1)


def is_audio_only(path: Path) -> bool:
    """Return True if a file has audio, and no video besides a cover picture.

    Raises:
        PlatformChangedError: the file has no audio, or is damaged.
    """
    with open_media(path, "audio") as container:
        return not videos(container)


def tags(path: Path) -> tuple[str, str]:
    """Return the title and the performer that a file names, empty if it names none.

    Raises:
        PlatformChangedError: the file has no audio, or is damaged.
    """
    with open_media(path, "audio") as container:
        return container.metadata.get("title", ""), container.metadata.get("artist", "")


def _native_extension(path: Path) -> str:
    """Return the extension of a file that needs no conversion, or "" for any other file."""
    with open_media(path, "audio") as container:
        formats = set(container.format.name.split(","))
        codec = container.streams.audio[0].codec_context.codec.canonical_name
        has_video = bool(videos(container))
    for name, codecs, extension in _SUPPORTED:
        if name in formats and codec in codecs and not (name == "mp4" and has_video):
            is_fragmented = any(box.kind == "moof" for box in top_level_boxes(path))
            return "" if is_fragmented else extension
    return ""
