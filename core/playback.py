"""Rules for making a video play everywhere and fit the upload limit."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from core.media import VideoFile

#: (codec, pixel format) pairs that every phone, desktop and browser plays in an MP4.
_PLAYABLE_VIDEO: Final = frozenset({("h264", "yuv420p"), ("h264", "yuvj420p")})
#: Other H.264 profiles need decoders that phones lack.
_PROFILES: Final = frozenset({"", "Baseline", "Constrained Baseline", "Main", "High"})
#: Codecs that most phones play, H.265 without the profiles of the tables above.
_COMMON_CODECS: Final = frozenset({"h264", "hevc"})
#: Names of the sample description that Apple's players accept: their parameter sets are stored in
#: the index. "avc3" and "hev1" have them in the content. "" means unknown.
#: Source: ISO 14496-15, 5.4.2 and 8.4.1; https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices
_PLAIN_TAGS: Final = frozenset({"", "avc1", "hvc1"})
#: Audio codecs that play everywhere; "" means that there is no audio track.
_PLAYABLE_AUDIO: Final = frozenset({"", "aac", "mp3"})
#: Largest share of a frame that may be filled by stretching a picture instead of a black margin.
_CLOSE: Final = 0.03
_STILL_S: Final = 1.0
#: Longest clip without audio that is sent as a looping animation, in seconds.
_LONGEST_LOOP_S: Final = 60

#: Pixel aspect ratios beyond this one, or its reciprocal, are mistakes of the encoder: real ones
#: are at most 2.2 (anamorphic film on DVD).
_WIDEST_PIXEL: Final = 4.0
#: Code points of colour primaries, transfer functions and matrices. Source: ITU-T H.273, 8.1 to 8.3
_BT709: Final = 1
_RGB_MATRIX: Final = 0
_BT2020: Final = 9
#: BT.2020 and the two variants of DCI-P3: screens without a wide gamut cannot show them.
_WIDE_PRIMARIES: Final = frozenset({_BT2020, 11, 12})
#: PQ (SMPTE ST 2084) and HLG (ARIB STD-B67).
_HDR_TRANSFERS: Final = frozenset({16, 18})

#: Allowed short sides of a re-encoded video in pixels, best first.
_SIDES: Final = (1080, 720, 540, 360, 240)
#: Minimum number of bits per pixel and frame. Below this, H.264 shows visible blocks.
_BITS_PER_PIXEL: Final = 0.04
_AUDIO_BITS_PER_S: Final = 96_000
#: Target share of the size limit. The rest is reserve for container overhead and rate overshoot.
_TARGET_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Colours:
    """How the numbers of a picture become colours, as code points of ITU-T H.273; 2 is unknown."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2

    @property
    def is_hdr(self) -> bool:
        """Return True if a player that ignores the tags shows it grey and washed out."""
        return self.transfer in _HDR_TRANSFERS or self.primaries == _BT2020

    @property
    def is_wide(self) -> bool:
        """Return True if it has colours or brightness that most screens cannot show."""
        return self.is_hdr or self.primaries in _WIDE_PRIMARIES

    @property
    def for_encoding(self) -> "Colours":
        """Return the colours to encode: BT.709 for HDR, wide gamuts and RGB, else the same."""
        return SDR if self.is_wide or self.matrix == _RGB_MATRIX else self


#: What every screen shows: BT.709.
SDR: Final = Colours(_BT709, _BT709, _BT709)


#: Largest and longest video of a live photo, in bytes and seconds.
#: Source: https://core.telegram.org/bots/api#sendlivephoto
_LIVE_PHOTO_BYTES: Final = 10_000_000
_LIVE_PHOTO_S: Final = 10


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """Measured properties of the video track of a file."""

    #: Pixels as displayed: square, after rotation.
    width: int
    height: int
    #: 0 if unknown.
    frames_per_s: float
    #: FFmpeg's names.
    codec: str
    pixel_format: str
    profile: str
    colours: Colours = Colours()
    #: FFmpeg's name of the sample description in an MP4, such as "avc1"; "" if unknown.
    tag: str = ""
    #: The container stores when each frame is shown; a copy of the track needs that.
    has_times: bool = True

    @property
    def plays(self) -> bool:
        """Return True if the track plays everywhere as it is encoded."""
        is_playable = (self.codec, self.pixel_format) in _PLAYABLE_VIDEO
        return is_playable and self.profile in _PROFILES and not self.colours.is_hdr

    @property
    def may_be_copied(self) -> bool:
        """Return True if most players show the track as it is, perhaps in other colours."""
        return self.codec in _COMMON_CODECS and self.has_times


@dataclass(frozen=True, slots=True)
class FileLayout:
    """How a file is laid out, whatever its tracks contain."""

    is_mp4: bool
    #: The index precedes the content, so that playback can start during the download.
    is_fast_start: bool
    #: The index is spread over the file (moof), which many players cannot seek in.
    is_fragmented: bool = False
    #: The file says of itself that data is missing, so its stated duration is wrong.
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """Measured properties of a video file, independent of what the site claims."""

    size_bytes: int
    duration_s: float
    video: VideoTrack
    #: FFmpeg's name; empty if there is no audio.
    audio_codec: str
    layout: FileLayout

    @property
    def is_loop(self) -> bool:
        """Return True if it is a short clip without audio."""
        return not self.audio_codec and self.duration_s <= _LONGEST_LOOP_S

    @property
    def is_plain_mp4(self) -> bool:
        """Return True if the file is whole, and its container plays once all of it is there."""
        layout = self.layout
        is_plain = layout.is_mp4 and self.video.tag in _PLAIN_TAGS
        return is_plain and not (layout.is_fragmented or layout.is_truncated)


class Step(Enum):
    """The least processing that makes a video play and fit."""

    NOTHING = auto()
    #: Keep everything; put the index before the content.
    MOVE_INDEX = auto()
    #: Keep the video track; fix the container, the index and, if necessary, the audio.
    REPACK = auto()
    #: Re-encode the video track.
    ENCODE = auto()
    #: The file is too large and cannot be made to fit.
    TOO_LARGE = auto()


@dataclass(frozen=True, slots=True)
class Encoding:
    """Parameters for re-encoding a video."""

    #: Pixels, even numbers.
    width: int
    height: int
    #: Maximum bit rate of the video track, in bits per second.
    bit_rate: int
    audio_bit_rate: int = _AUDIO_BITS_PER_S


def next_step(probe: Probe, ceiling_bytes: int) -> Step:
    """Return the processing that a video needs to play and to fit into `ceiling_bytes`."""
    if probe.size_bytes > ceiling_bytes:
        return Step.ENCODE if encoding_for(probe, ceiling_bytes) else Step.TOO_LARGE
    if not (probe.video.plays and probe.video.has_times):
        return Step.ENCODE
    if probe.is_plain_mp4 and audio_plays(probe.audio_codec):
        return Step.NOTHING if probe.layout.is_fast_start else Step.MOVE_INDEX
    return Step.REPACK


def displayed_size(
    width: int, height: int, pixel_aspect: float, *, is_turned: bool
) -> tuple[int, int]:
    """Return the width and height that players show a stored picture in, in square pixels.

    `pixel_aspect` is the ratio of a pixel's width to its height; 0 and absurd ratios count as 1.
    `is_turned` means that it is displayed rotated by a quarter turn.
    """
    if not 1 / _WIDEST_PIXEL <= pixel_aspect <= _WIDEST_PIXEL:
        pixel_aspect = 1.0
    shown = max(round(width * pixel_aspect), 1)
    return (height, shown) if is_turned else (shown, height)


def fitted_size(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Return the largest even size of a picture's shape that fits into a frame.

    A shape that differs by little more than rounding fills the frame.
    """
    scale = min(frame[0] / size[0], frame[1] / size[1])
    width, height = _even(size[0] * scale), _even(size[1] * scale)
    is_close = frame[0] - width <= _CLOSE * frame[0] and frame[1] - height <= _CLOSE * frame[1]
    return frame if is_close else (min(width, frame[0]), min(height, frame[1]))


def still_time_s(duration_s: float) -> float:
    """Return when to take the still of a video, in seconds: the first frame is often black."""
    return min(_STILL_S, duration_s / 2)


def may_be_cut(probe: Probe) -> bool:
    """Return True if the video can be split without re-encoding, and its parts would play."""
    video = probe.video
    return video.plays and video.has_times and audio_plays(probe.audio_codec)


def audio_plays(codec: str) -> bool:
    """Return True if audio of this codec needs no re-encoding. "" (no audio) needs none."""
    return codec in _PLAYABLE_AUDIO


def encoding_for(probe: Probe, ceiling_bytes: int) -> Encoding | None:
    """Return the encoding with the largest frame that fits and still looks decent.

    Return None if even the smallest frame would get too few bits.
    """
    seconds = max(probe.duration_s, 1.0)
    bit_rate = int(ceiling_bytes * 8 * _TARGET_SHARE / seconds) - _AUDIO_BITS_PER_S
    video = probe.video
    short = min(video.width, video.height)
    frames_per_s = min(video.frames_per_s or 30.0, 60.0)
    for side in (min(short, _SIDES[0]), *(side for side in _SIDES[1:] if side < short)):
        scale = side / short
        width, height = _even(video.width * scale), _even(video.height * scale)
        if width * height * frames_per_s * _BITS_PER_PIXEL <= bit_rate:
            return Encoding(width, height, bit_rate)
    return None


def _even(number: float) -> int:
    return max(round(number / 2) * 2, 2)


def fits_live_photo(video: VideoFile) -> bool:
    """Return True if Telegram takes the video as that of a live photo."""
    return video.size_bytes <= _LIVE_PHOTO_BYTES and video.duration_s <= _LIVE_PHOTO_S
