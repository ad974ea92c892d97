"""Repacking, encoding, cutting and putting together: what comes out plays, in step and whole."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from PIL import Image

from core.errors import PlatformChangedError, TooLargeError
from core.playback import Probe, Step, encoding_for, next_step
from media import encoding
from media.frames import FrameConverter
from media.video import measure
from simulator.samples import SampleStore, VideoSpec
from tests.records import changed

MB = 1_000_000


@pytest.fixture
def fetch(samples: SampleStore, tmp_path: Path) -> Callable[[VideoSpec], Path]:
    def copy(spec: VideoSpec) -> Path:
        source = samples.video(spec)
        target = tmp_path / f"v{source.suffix}"
        target.write_bytes(source.read_bytes())
        return target

    return copy


def check(path: Path, seconds: float = 3.0, ceiling: int = 50 * MB) -> Probe:
    """Look into a result: it needs nothing more, and pictures and sound are of one length."""
    probe = measure(path)
    assert next_step(probe, ceiling) is Step.NOTHING
    with av.open(str(path)) as container:
        lengths = [float(s.duration * (s.time_base or 0)) for s in container.streams if s.duration]
        frames = sum(1 for _ in container.decode(video=0))
    assert all(abs(length - seconds) < 0.15 for length in lengths), lengths
    assert abs(frames - seconds * (probe.video.frames_per_s or 30)) <= 3
    return probe


@pytest.mark.parametrize("container", ["mkv", "ts", "mp4"])
def test_a_repacked_video_keeps_its_pictures(fetch, container: str):
    path = fetch(VideoSpec(container=container, is_fast_start=False))
    before = _first_packets(path)
    target = encoding.repack(path)
    check(target)
    assert len(_first_packets(target)) == len(before)


def _first_packets(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [p.size for p in container.demux(video=0) if p.size]


def test_a_foreign_sound_is_encoded_anew_and_pictures_are_not(fetch, samples: SampleStore):
    picture = fetch(VideoSpec(has_sound=False))
    opus = samples.video(VideoSpec(encoder="libvpx-vp9", container="webm"))
    probe = check(encoding.repack(picture, opus))
    assert (probe.video.codec, probe.audio_codec) == ("h264", "aac")


def test_pictures_and_sound_of_two_files_become_one(fetch, samples: SampleStore):
    tone = samples.sound(3, "aac", "mp4")
    probe = check(encoding.repack(fetch(VideoSpec(has_sound=False)), tone))
    assert probe.audio_codec == "aac"


@pytest.mark.parametrize(
    "spec",
    [
        VideoSpec(encoder="libx265"),
        VideoSpec(encoder="libvpx-vp9", container="webm"),
        VideoSpec(encoder="libx265", has_sound=False),
    ],
)
def test_what_is_encoded_anew_plays(fetch, spec: VideoSpec):
    path = fetch(spec)
    plan = encoding_for(measure(path), 50 * MB)
    assert plan is not None
    probe = check(encoding.encode(path, plan))
    assert (probe.video.width, probe.video.height) == (576, 1024)


def test_many_cores_do_not_take_many_frames(fetch, monkeypatch: pytest.MonkeyPatch):
    """Each thread of a decoder or encoder keeps frames, and the memory of a worker is limited."""
    running: list[int] = []
    convert = FrameConverter.convert

    def counted(converter: FrameConverter, frame: object) -> Iterator[object]:
        running.append(len(list(Path("/proc/self/task").iterdir())))
        return convert(converter, frame)

    path = fetch(VideoSpec())
    plan = encoding_for(measure(path), 50 * MB)
    assert plan is not None
    before = len(list(Path("/proc/self/task").iterdir()))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(FrameConverter, "convert", counted)
    check(encoding.encode(path, plan))
    # Eight of each, x264's lookahead, and those of the filters by the real number of cores.
    cores = min(len(os.sched_getaffinity(0)) + 1, 16)
    assert 8 < max(running) - before <= 24 + 2 * cores


def test_an_encoding_keeps_to_its_size(fetch):
    path = fetch(VideoSpec(width=640, height=360, seconds=7, is_noise=True))
    for ceiling in (10 * MB, 2 * MB):
        plan = encoding_for(measure(path), ceiling)
        assert plan is not None
        target = encoding.encode(path, plan)
        assert target.stat().st_size <= ceiling
        check(target, seconds=7, ceiling=ceiling)


def test_parts_are_whole_even_and_in_order(fetch):
    path = fetch(VideoSpec(width=640, height=360, seconds=7, is_noise=True))
    parts = encoding.cut(path, 25 * MB)
    sizes = [part.stat().st_size for part in parts]
    assert max(sizes) <= 25 * MB
    assert min(sizes) > max(sizes) / 3
    frames = []
    for part in parts:
        assert next_step(measure(part), 25 * MB) is Step.NOTHING
        frames.append(len(_first_packets(part)))
    assert sum(frames) == len(_first_packets(path)) == 210
    assert [part.name[-5] for part in parts] == [str(n) for n in range(1, len(parts) + 1)]


def test_what_has_no_key_frames_in_between_cannot_be_cut(fetch):
    path = fetch(VideoSpec(width=640, height=360, seconds=7, is_noise=True))
    with pytest.raises(TooLargeError):
        encoding.cut(path, MB // 10)


def test_the_sound_of_a_video_is_taken_as_it_is(fetch):
    target = encoding.extract_audio(fetch(VideoSpec()))
    with av.open(str(target)) as container:
        assert [s.type for s in container.streams] == ["audio"]
        assert abs((container.duration or 0) / av.time_base - 3) < 0.1
    with pytest.raises(PlatformChangedError):
        encoding.extract_audio(fetch(VideoSpec(has_sound=False)))


@pytest.mark.parametrize(("seconds", "expected"), [(2, 7.5), (30, 7.5)])
def test_slides_are_shown_over_a_sound_that_is_repeated_or_cut(
    samples: SampleStore, tmp_path: Path, seconds: int, expected: float
):
    shapes = [(300, 400), (400, 300), (50, 900)]
    pictures = [samples.picture(w, h, "slide") for w, h in shapes]
    tone = tmp_path / "tone.mp3"
    tone.write_bytes(samples.sound(seconds).read_bytes())
    target = encoding.show_slides(pictures, tone, (480, 640), 2.5)
    probe = check(target, seconds=expected)
    assert (probe.video.width, probe.video.height, probe.audio_codec) == (480, 640, "aac")


def test_slides_over_no_sound_are_refused(samples: SampleStore, tmp_path: Path):
    text = tmp_path / "tone.mp3"
    text.write_text("no sound")
    with pytest.raises(PlatformChangedError):
        encoding.show_slides([samples.picture(300, 400, "x")], text, (480, 640), 2.5)


def test_a_gif_becomes_a_silent_loop(samples: SampleStore, tmp_path: Path):
    path = tmp_path / "loop.gif"
    frames = [Image.new("RGBA", (301, 201), (50 * n, 9, 9, 128)) for n in range(4)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=250)
    plan = encoding_for(measure(path), 50 * MB)
    assert plan is not None
    probe = measure(encoding.encode(path, plan))
    assert probe.is_loop
    assert (probe.video.width, probe.video.height) == (300, 200)
    assert abs(probe.duration_s - 1) < 0.3


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_half_a_file_is_said_to_be_damaged_or_gives_what_it_has(fetch, share: float):
    path = fetch(VideoSpec(container="mkv"))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    target = encoding.repack(path)
    assert 0 < measure(target).duration_s < 3
    mp4 = fetch(VideoSpec(is_fast_start=False))
    mp4.write_bytes(mp4.read_bytes()[: int(mp4.stat().st_size * share)])
    with pytest.raises(PlatformChangedError):
        encoding.repack(mp4)


def test_frames_at_odd_times_stay_in_step(fetch):
    """Phones record with uneven frame rates; a high rate is not doubled."""
    path = fetch(VideoSpec(encoder="libx265"))
    probe = changed(measure(path), frames_per_s=0.0)
    plan = encoding_for(probe, 50 * MB)
    assert plan is not None
    check(encoding.encode(path, plan))
