"""Converting frames: mirrors, changes of the shape, and memory."""

import gc
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.playback import Colours
from media.frames import FrameConverter, Shape, display_matrix, shape_of
from media.reading import frames, videos
from simulator.samples import SampleStore, VideoSpec
from tests.media.corpus import FAST, Video

pytestmark = pytest.mark.simulator


def matrix(*values: int) -> bytes:
    """Return the display matrix of an MP4's track header (ISO 14496-12, 8.3.2)."""
    a, b, c, d = (value << 16 for value in values)
    numbers = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)


@pytest.mark.parametrize(
    ("values", "corner"),
    [
        ((1, 0, 0, 1), (0, 0)),
        ((-1, 0, 0, 1), (0, 1)),  # a selfie, mirrored
        ((1, 0, 0, -1), (1, 0)),
        ((-1, 0, 0, -1), (1, 1)),
        ((0, 1, -1, 0), (0, 1)),  # a quarter turn clockwise
        ((0, -1, 1, 0), (1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, -1, -1, 0), (1, 1)),
    ],
)
def test_every_orientation_is_put_upright(
    values: tuple[int, ...], corner: tuple[int, int], tmp_path: Path
):
    """The picture is red in its top left corner as stored; it is displayed in `corner`."""
    path = tmp_path / "video.mp4"
    Video("", seconds=0.2, sound="", muxing=FAST).make(path)
    before, header, after = path.read_bytes().partition(b"tkhd")
    path.write_bytes(before + header + after.replace(matrix(1, 0, 0, 1), matrix(*values), 1))
    with av.open(str(path)) as container:
        stream = videos(container)[0]
        frame = next(container.decode(stream))
        shape = shape_of(frame, stream, display_matrix(frame))
        converter = FrameConverter(stream, shape.displayed, "rgb24")
        (upright,) = [*converter.convert(frame), *converter.finish()]
    assert shape.displayed == ((120, 160) if values[0] == 0 else (160, 120))
    pixels = upright.to_ndarray()
    rows, columns = np.nonzero(pixels[:, :, 0] > 150)
    height, width = pixels.shape[:2]
    assert (rows.mean() > height / 2, columns.mean() > width / 2) == corner


def test_frames_are_freed_at_once(samples: SampleStore):
    """A cycle of references would keep gigabytes of frames until a garbage collection."""
    with av.open(str(samples.video(VideoSpec()))) as container:
        stream = videos(container)[0]
        converter = FrameConverter(stream, (320, 568), "yuv420p")
        gc.collect()
        gc.disable()
        try:
            for frame in frames(container, stream):
                for _ in converter.convert(frame):
                    pass
            kept = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
        finally:
            gc.enable()
    assert kept < 10


def test_a_changed_shape_is_shown_whole_with_black_margins():
    class Stream:
        time_base = Fraction(1, 25)
        sample_aspect_ratio = None

        class codec_context:  # noqa: N801 - as in PyAV
            sample_aspect_ratio = None

    converter = FrameConverter(Stream(), (200, 100), "rgb24")
    shown: list[Any] = []
    for number, (width, height) in enumerate([(400, 200), (100, 200), (400, 200)]):
        white = np.full((height, width, 3), 255, np.uint8)
        frame = av.VideoFrame.from_ndarray(white, "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        shown += converter.convert(frame)
    assert [frame.pts for frame in shown] == [0, 1, 2]
    lit = [(frame.to_ndarray()[50, :, 0] > 200).sum() for frame in shown]
    assert lit == [200, 50, 200]


def test_a_shape_knows_its_displayed_size():
    shape = Shape(720, 576, "yuv420p", 64 / 45, (0, 1, -1, 0), Colours(), 1, False)
    assert shape.displayed == (576, 1024)
