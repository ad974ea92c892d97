"""Audio for Telegram's player: what is kept, what is extracted, what is refused."""

import shutil
from pathlib import Path

import av
import pytest

from core.errors import PlatformChangedError
from media.audio import make_native
from simulator.samples import SampleStore, VideoSpec


def copy_of(source: Path, folder: Path) -> Path:
    """Return a copy of a sample under a name that says nothing about its format."""
    return Path(shutil.copy(source, folder / "post.audio"))


@pytest.mark.parametrize(
    ("encoder", "kind", "extension"), [("libmp3lame", "mp3", ".mp3"), ("aac", "mp4", ".m4a")]
)
def test_a_supported_file_is_only_renamed(
    samples: SampleStore, tmp_path: Path, encoder: str, kind: str, extension: str
):
    source = samples.sound(3, encoder, kind)
    path, seconds = make_native(copy_of(source, tmp_path))
    assert path.suffix == extension
    assert path.read_bytes() == source.read_bytes()
    assert seconds == 3


def test_the_audio_of_a_video_is_extracted(samples: SampleStore, tmp_path: Path):
    path, seconds = make_native(copy_of(samples.video(VideoSpec()), tmp_path))
    assert (path.suffix, seconds) == (".m4a", 3)
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["audio"]


def test_a_silent_video_and_a_damaged_file_are_refused(samples: SampleStore, tmp_path: Path):
    with pytest.raises(PlatformChangedError):
        make_native(copy_of(samples.video(VideoSpec(has_sound=False)), tmp_path))
    damaged = tmp_path / "damaged.audio"
    damaged.write_bytes(b"<html>not audio</html>")
    with pytest.raises(PlatformChangedError):
        make_native(damaged)
