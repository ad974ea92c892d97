"""Convert decoded video frames: upright, square pixels, another size, colours of every screen."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
from av.filter import Graph

from core.playback import Colours, displayed_size, fitted_size

#: FFmpeg's numbers of the colour ranges.
LIMITED_RANGE: Final = 1
#: FFmpeg's filter for a picture that is displayed with its axes swapped, by whether a step to the
#: right in it leads down (or up) on the screen, and a step down in it to the right (or left).
_TRANSPOSES: Final = {
    (True, True): "transpose=cclock_flip",
    (True, False): "transpose=clock",
    (False, True): "transpose=cclock",
    (False, False): "transpose=clock_flip",
}


#: Where a step to the right in the stored picture leads on the screen (right, down), and a step
#: down; 65 536 is one pixel.
Matrix = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a filter graph is built for; a stream may change it at any frame."""

    width: int
    height: int
    pixel_format: str
    #: Ratio of a pixel's width to its height; 0 if unknown.
    pixel_aspect: float
    matrix: Matrix
    colours: Colours
    #: FFmpeg's number of the range; 0 is unknown.
    colour_range: int
    is_interlaced: bool

    @property
    def is_turned(self) -> bool:
        """Return True if width and height are swapped on the screen."""
        right, down, right_of_down, down_of_down = self.matrix
        return abs(down) + abs(right_of_down) > abs(right) + abs(down_of_down)

    @property
    def displayed(self) -> tuple[int, int]:
        """Return width and height as displayed, in square pixels."""
        return displayed_size(self.width, self.height, self.pixel_aspect, is_turned=self.is_turned)


def shape_of(frame: Any, stream: Any, matrix: Matrix) -> Shape:
    """Return the shape of a frame that was just decoded from a stream, with its display matrix."""
    return Shape(
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        pixel_aspect=pixel_aspect_of(stream),
        matrix=matrix,
        colours=colours_of(frame),
        colour_range=int(frame.color_range),
        is_interlaced=frame.interlaced_frame,
    )


def pixel_aspect_of(stream: Any) -> float:
    """Return the ratio of a pixel's width to its height, or 0 if it is unknown.

    The container's has priority over the codec's, as in FFmpeg's own players.
    """
    return float(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 0)


def colours_of(source: Any) -> Colours:
    """Return the colours of a frame or of a codec context."""
    return Colours(int(source.color_primaries), int(source.color_trc), int(source.colorspace))


def display_matrix(frame: Any) -> Matrix:
    """Return the part of a frame's display matrix that rotates and mirrors.

    Reading it ties the frame into a reference cycle of PyAV, which lives until the next garbage
    collection: never read it of every frame.
    """
    try:
        values = struct.unpack("9i", bytes(frame.side_data["DISPLAYMATRIX"]))
    except (KeyError, ValueError):  # none, or another one of a type that PyAV does not know
        return (1, 0, 0, 1)
    return values[0], values[1], values[3], values[4]


class FrameConverter:
    """Converts the frames of one stream to one size and pixel format.

    The filter graph is rebuilt whenever the frames change their shape. A picture whose shape
    differs from the target's is shown whole, with black margins.
    """

    def __init__(self, stream: Any, size: tuple[int, int], pixel_format: str) -> None:
        """Build a converter to `size`, width and height in pixels, and one of FFmpeg's formats."""
        self._stream, self._size, self._format = stream, size, pixel_format
        #: Display matrices by the rotation in them, in degrees.
        self._matrices: dict[int, Matrix] = {}
        self._shape: Shape | None = None
        self._graph: Graph | None = None

    def convert(self, frame: Any) -> Iterator[Any]:
        """Yield the converted frames that are complete, in order; their times are kept."""
        if frame.rotation not in self._matrices:
            self._matrices[frame.rotation] = display_matrix(frame)
        shape = shape_of(frame, self._stream, self._matrices[frame.rotation])
        if shape != self._shape:
            yield from self.finish()
            self._graph, self._shape = self._build(shape, frame.time_base), shape
        assert self._graph
        self._graph.vpush(frame)
        yield from pulled(self._graph)

    def finish(self) -> Iterator[Any]:
        """Yield the frames that the filters still hold."""
        if self._graph:
            self._graph.vpush(None)
            yield from pulled(self._graph)
            self._graph = self._shape = None

    def _build(self, shape: Shape, time_base: Any) -> Graph:
        graph = Graph()
        source = graph.add(
            "buffer",
            video_size=f"{shape.width}x{shape.height}",
            pix_fmt=shape.pixel_format,
            time_base=str(time_base or self._stream.time_base),
            pixel_aspect="1/1",
            colorspace=str(shape.colours.matrix),
            range=str(shape.colour_range),
        )
        nodes = [source]
        for step in self._steps(shape):
            name, _, arguments = step.partition("=")
            nodes.append(graph.add(name, arguments or None))
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        return graph

    def _steps(self, shape: Shape) -> list[str]:
        """Return the filters, with their arguments, in order."""
        width, height = fitted_size(shape.displayed, self._size)
        margins = f"pad={self._size[0]}:{self._size[1]}:-1:-1"
        return [
            *(["yadif=deint=interlaced"] if shape.is_interlaced else []),
            *_turns(shape),
            f"scale={width}:{height}{self._colour_options(shape.colours)}",
            f"format={self._format}",
            *([margins] if (width, height) != self._size else []),
            "setsar=1",
            "sidedata=mode=delete",
        ]

    def _colour_options(self, colours: Colours) -> str:
        """Return the options of the scale filter that convert colours to what is encoded.

        The perceptual intent maps brightness beyond SDR's white into its range instead of cutting
        it off. Source: https://ffmpeg.org/ffmpeg-filters.html#scale-1
        """
        is_rgb = self._format.startswith("rgb")
        # A still is shrunk or keeps its size: averages are as good as the slower default for that.
        options = ":flags=area" if is_rgb else ":out_range=tv"
        target = colours.for_encoding
        if target.matrix != colours.matrix and not is_rgb:
            options += f":out_color_matrix={target.matrix}"
        if colours.is_wide:
            primaries, transfer = target.primaries, target.transfer
            options += f":out_primaries={primaries}:out_transfer={transfer}:intent=perceptual"
        return options


def _turns(shape: Shape) -> list[str]:
    right, down, right_of_down, down_of_down = shape.matrix
    if shape.is_turned:
        return [_TRANSPOSES[down > 0, right_of_down > 0]]
    return [*(["hflip"] if right < 0 else []), *(["vflip"] if down_of_down < 0 else [])]


def pulled(graph: Graph) -> Iterator[Any]:
    """Yield the frames that a filter graph has ready."""
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
