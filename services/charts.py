"""A curve as a picture. Runs in a process of its own, whose memory is given back afterwards."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.statistics import DAY_S, HOUR_S, SLOT_S, Curve

#: Twice a phone's width; 1080 x 640 pixels.
_SIZE_IN: Final = (6.75, 4.0)
_DPI: Final = 160
# Dark on light, as Telegram's own pictures; the curve in one calm blue.
_PAPER, _INK, _GRID, _LINE = "#fbfaf8", "#3b3f46", "#e3e1dc", "#2f7fb8"
# Dates of numbers, which are the same in every language: of ticks, of what all ticks have in common,
# and of ticks where something new begins; by year, month, day, hour, minute and second.
_FORMATS: Final = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M"]
_AT_ZERO: Final = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]
_OFFSETS: Final = ["", "", "%Y", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d"]


@dataclass(frozen=True, slots=True)
class Labels:
    """The words on a picture, and the same in English for scripts that its typeface lacks."""

    title: str
    of_values: str
    english_title: str
    english_of_values: str


def draw(curve: Curve, labels: Labels) -> bytes:
    """Draw a curve; gives a PNG. Times are UTC."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    can_draw = _is_drawable(labels.title + labels.of_values)
    title = labels.title if can_draw else labels.english_title
    of_values = labels.of_values if can_draw else labels.english_of_values
    edges = [
        datetime.fromtimestamp(curve.starts_at + number * curve.step_s, UTC)
        for number in range(len(curve.values) + 1)
    ]
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, facecolor=_PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_PAPER)
    times = date2num(edges)
    axes.stairs(curve.values, times, color=_LINE, alpha=0.15, fill=True)
    axes.stairs(curve.values, times, color=_LINE, linewidth=1.6)
    axes.xaxis_date(UTC)
    axes.set_title(title, color=_INK, fontsize=12, loc="left")
    axes.set_ylabel(f"{of_values} / {_step(curve.step_s)}", color=_INK, fontsize=10)
    axes.set_xlabel("UTC", color=_INK, fontsize=10)
    axes.set_ylim(0, max([*curve.values, 1]) * 1.08)
    axes.margins(x=0.01)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", " "))
    )
    locator = AutoDateLocator(tz=UTC, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, UTC, _FORMATS, _OFFSETS, _AT_ZERO))
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9, length=0, pad=7)
    axes.spines[:].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _step(seconds: int) -> str:
    """Name the length of a step with the symbols of units, which are the same everywhere."""
    if seconds == SLOT_S:
        return "30 min"
    return "1 h" if seconds == HOUR_S else f"{seconds // DAY_S} d"


def _is_drawable(text: str) -> bool:
    """Tell whether the typeface that comes with Matplotlib has all of a text's letters, left to right."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    known = FT2Font(findfont(FontProperties())).get_charmap()
    return all(ord(letter) in known and not _is_joined(letter) for letter in text)


def _is_joined(letter: str) -> bool:
    """Tell whether a letter belongs to a script that is written from the right."""
    import unicodedata

    return unicodedata.bidirectional(letter) in _FROM_THE_RIGHT


_FROM_THE_RIGHT: Final[Sequence[str]] = ("R", "AL")
