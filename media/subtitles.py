"""Convert subtitles to SubRip, which every player reads."""

from pathlib import Path

from core.choices import Piece
from core.subtitles import as_srt, cut, read_cues


def make_srt(path: Path, piece: Piece | None = None) -> Path:
    """Write subtitles, or those of a piece, as a SubRip file beside `path`, and return it.

    Raises:
        NoSubtitlesError: nothing is said in the piece.
        BrokenFileError: the file has no subtitles.
    """
    cues = read_cues(path.read_text(encoding="utf-8-sig", errors="replace"))
    target = path.with_suffix(".srt")
    target.write_text(as_srt(cut(cues, piece) if piece else cues), encoding="utf-8")
    return target
