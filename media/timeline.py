"""Judge the timestamps of a file, so that one wrong byte does not make hours of nothing."""

from typing import Final, Literal

Kind = Literal["video", "audio"]

#: Longest gap that is believed where the file has nothing else at that time, in seconds. FFmpeg
#: takes larger jumps for discontinuities, too.
#: Source: https://ffmpeg.org/ffmpeg.html#Advanced-options (-dts_delta_threshold)
LONGEST_GAP_S: Final = 10.0
#: Longest part before the start that is believed: a cut video begins at the key frame before it.
_LONGEST_HIDDEN_S: Final = 60.0
#: How long a frame or packet lasts if its duration is not known, or wrong.
_USUAL_S: Final = 0.04


class Timeline:
    """The time that the streams of one file share. All times are in seconds."""

    def __init__(self, start: float | None, stated_s: float = 0.0) -> None:
        """Start at `start`, or at the file's first packet; the file states that it ends later.

        `stated_s` is how much later, 0 if the file does not say so.
        """
        self.start, self.stated_s = start, stated_s
        #: Where each kind of stream has come to.
        self.ends: dict[Kind, float] = {}
        #: What was added to the latest time that was not believed.
        self.shift = 0.0


class StreamClock:
    """Corrects the times of one stream on its file's timeline."""

    def __init__(self, timeline: Timeline, kind: Kind) -> None:
        self._timeline, self._kind = timeline, kind
        self._other: Kind = "audio" if kind == "video" else "video"
        #: Where the stream would be without any gap.
        self._content_end = 0.0

    def corrected(self, time: float, duration: float) -> tuple[float, float]:
        """Return what must be added to the time of the next frame or packet, and its duration.

        Nothing is added to a time that is right. A wrong one continues where the last one ended,
        and what follows it is moved by as much, so that a file whose clock jumps stays in sync. A
        duration that is unknown or wrong becomes a usual one.
        """
        timeline = self._timeline
        if timeline.start is None:
            timeline.start = time
        if self._kind not in timeline.ends:
            self._content_end = timeline.start
            is_hidden = -_LONGEST_HIDDEN_S <= time - timeline.start < 0
            timeline.ends[self._kind] = time if is_hidden else timeline.start
        end, latest = timeline.ends[self._kind], self._latest()
        for shift in (0.0, timeline.shift):
            if end - LONGEST_GAP_S <= time + shift <= latest:
                break
        else:
            shift = timeline.shift = end - time
        if not 0 < duration <= max(latest - time - shift, _USUAL_S):
            duration = _USUAL_S
        self._content_end += duration
        timeline.ends[self._kind] = max(time + shift + duration, end)
        return shift, duration

    def _latest(self) -> float:
        """Return the latest time that is believed.

        A picture may stand still for long. Silence, which has to be made, must be within the video.
        """
        timeline = self._timeline
        own = self._content_end
        if self._kind == "video":
            stated_end = (timeline.start or 0.0) + timeline.stated_s
            own = max(timeline.ends["video"], stated_end)
        return max(own, timeline.ends.get(self._other, own)) + LONGEST_GAP_S
