"""Rules for making a video play everywhere and fit the upload limit."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

#: (codec, pixel format) pairs that every phone, desktop and browser plays in an MP4.
_PLAYABLE_VIDEO: Final = frozenset({("h264", "yuv420p"), ("h264", "yuvj420p")})
#: Other H.264 profiles need decoders that phones lack.
_PROFILES: Final = frozenset({"", "Baseline", "Constrained Baseline", "Main", "High"})
#: Audio codecs that play everywhere; "" means that there is no audio track.
_PLAYABLE_AUDIO: Final = frozenset({"", "aac", "mp3"})
#: Longest clip without audio that is sent as a looping animation, in seconds.
_LONGEST_LOOP_S: Final = 60

#: Allowed short sides of a re-encoded video in pixels, best first.
_SIDES: Final = (1080, 720, 540, 360, 240)
#: Minimum number of bits per pixel and frame. Below this, H.264 shows visible blocks.
_BITS_PER_PIXEL: Final = 0.04
_AUDIO_BITS_PER_S: Final = 96_000
#: Target share of the size limit. The rest is reserve for container overhead and rate overshoot.
_TARGET_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Probe:
    """Measured properties of a video file, independent of what the site claims."""

    size_bytes: int
    #: Pixels as displayed, after rotation.
    width: int
    height: int
    duration_s: float
    frames_per_s: float
    #: FFmpeg's names; `audio_codec` is empty if there is no audio.
    video_codec: str
    pixel_format: str
    profile: str
    audio_codec: str
    is_mp4: bool
    #: The index precedes the content, so that playback can start during the download.
    is_fast_start: bool

    @property
    def is_loop(self) -> bool:
        """Return True if it is a short clip without audio."""
        return not self.audio_codec and self.duration_s <= _LONGEST_LOOP_S

    @property
    def plays(self) -> bool:
        """Return True if the video track plays everywhere as it is encoded."""
        is_playable = (self.video_codec, self.pixel_format) in _PLAYABLE_VIDEO
        return is_playable and self.profile in _PROFILES


class Step(Enum):
    """The least processing that makes a video play and fit."""

    NOTHING = auto()
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
    if not probe.plays:
        return Step.ENCODE
    if probe.is_mp4 and probe.is_fast_start and probe.audio_codec in _PLAYABLE_AUDIO:
        return Step.NOTHING
    return Step.REPACK


def may_be_cut(probe: Probe) -> bool:
    """Return True if the video can be split without re-encoding, and its parts would play."""
    return probe.plays and audio_plays(probe.audio_codec)


def audio_plays(codec: str) -> bool:
    """Return True if audio of this codec needs no re-encoding. "" (no audio) needs none."""
    return codec in _PLAYABLE_AUDIO


def encoding_for(probe: Probe, ceiling_bytes: int) -> Encoding | None:
    """Return the encoding with the largest frame that fits and still looks decent.

    Return None if even the smallest frame would get too few bits.
    """
    seconds = max(probe.duration_s, 1.0)
    bit_rate = int(ceiling_bytes * 8 * _TARGET_SHARE / seconds) - _AUDIO_BITS_PER_S
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
