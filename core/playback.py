"""What has to be done to a video so that it plays everywhere and fits."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

#: What every phone, desktop and browser plays in an MP4.
_PICTURE: Final = frozenset({("h264", "yuv420p"), ("h264", "yuvj420p")})
#: H.264's further profiles need decoders that phones lack.
_PROFILES: Final = frozenset({"", "Baseline", "Constrained Baseline", "Main", "High"})
_SOUND: Final = frozenset({"", "aac", "mp3"})
#: A clip without sound that is no longer than this plays as a loop.
_LONGEST_LOOP_S: Final = 60

#: The short sides that a smaller version may have, best first.
_SIDES: Final = (1080, 720, 540, 360, 240)
#: Below so many bits for one pixel of one frame, H.264 turns into blocks.
_BITS_PER_PIXEL: Final = 0.04
_AUDIO_BITS_PER_S: Final = 96_000
#: Share of the limit that is aimed at: containers and encoders need some room.
_AIM: Final = 0.9


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video file really holds."""

    size_bytes: int
    #: As shown, after rotation; pixels.
    width: int
    height: int
    duration_s: float
    frames_per_s: float
    #: FFmpeg's names; no sound is an empty one.
    video_codec: str
    pixel_format: str
    profile: str
    audio_codec: str
    is_mp4: bool
    #: Its index stands before its content, so that it plays while it loads.
    is_fast_start: bool

    @property
    def is_loop(self) -> bool:
        """Tell whether it is a short clip without sound."""
        return not self.audio_codec and self.duration_s <= _LONGEST_LOOP_S

    @property
    def plays(self) -> bool:
        """Tell whether the pictures play everywhere as they are encoded."""
        return (self.video_codec, self.pixel_format) in _PICTURE and self.profile in _PROFILES


class Step(Enum):
    """The least that makes a video play and fit."""

    NOTHING = auto()
    #: Pictures stay as they are; container, index and, where needed, sound become right.
    REPACK = auto()
    #: Pictures are encoded anew.
    ENCODE = auto()
    #: It neither fits nor can be made to.
    TOO_LARGE = auto()


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a video is encoded anew."""

    #: Even numbers of pixels.
    width: int
    height: int
    #: Bits per second that pictures may take at most.
    bit_rate: int
    audio_bit_rate: int = _AUDIO_BITS_PER_S


def next_step(probe: Probe, ceiling_bytes: int) -> Step:
    """Decide what to do with a video."""
    if probe.size_bytes > ceiling_bytes:
        return Step.ENCODE if encoding_for(probe, ceiling_bytes) else Step.TOO_LARGE
    if not probe.plays:
        return Step.ENCODE
    if probe.is_mp4 and probe.is_fast_start and probe.audio_codec in _SOUND:
        return Step.NOTHING
    return Step.REPACK


def may_be_cut(probe: Probe) -> bool:
    """Tell whether parts of it would play as they are: cutting changes no encoding."""
    return probe.plays and audio_plays(probe.audio_codec)


def audio_plays(codec: str) -> bool:
    """Tell whether a sound of this codec may stay as it is; no sound may."""
    return codec in _SOUND


def encoding_for(probe: Probe, ceiling_bytes: int) -> Encoding | None:
    """Work out an encoding that fits: the largest picture that still looks decent; None if none does."""
    seconds = max(probe.duration_s, 1.0)
    bit_rate = int(ceiling_bytes * 8 * _AIM / seconds) - _AUDIO_BITS_PER_S
    short = min(probe.width, probe.height)
    frames_per_s = min(probe.frames_per_s or 30.0, 60.0)
    for side in (min(short, _SIDES[0]), *(side for side in _SIDES[1:] if side < short)):
        scale = side / short
        width, height = _even(probe.width * scale), _even(probe.height * scale)
        if width * height * frames_per_s * _BITS_PER_PIXEL <= bit_rate:
            return Encoding(width, height, bit_rate)
    return None


def _even(number: float) -> int:
    return max(round(number / 2) * 2, 2)
