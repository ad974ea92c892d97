"""Draws a curve as a picture. Runs in a separate process, because Matplotlib needs much memory."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.statistics import DAY_S, HOUR_S, SLOT_S, Curve

#: Size in inches; at this resolution 1080 x 640 pixels, twice the width of a phone.
_SIZE_IN: Final = (6.75, 4.0)
_DPI: Final = 160
_BACKGROUND, _FOREGROUND, _GRID, _LINE = "#fbfaf8", "#3b3f46", "#e3e1dc", "#2f7fb8"
# Numeric dates, which need no translation. Each list has formats for ticks by year, month, day,
# hour, minute and second: of ordinary ticks, of ticks where the next larger unit begins, and of the
# part that all ticks have in common.
_FORMATS: Final = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M"]
_AT_ZERO: Final = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]
_OFFSETS: Final = ["", "", "%Y", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Title and name of the values, also in English for scripts that the font does not support."""

    title: str
    of_values: str
    english_title: str
    english_of_values: str


def draw(curve: Curve, labels: Labels) -> bytes:
    """Draw a curve and return it as a PNG. Times are in UTC."""
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
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, facecolor=_BACKGROUND, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_BACKGROUND)
    times = date2num(edges)
    axes.stairs(curve.values, times, color=_LINE, alpha=0.15, fill=True)
    axes.stairs(curve.values, times, color=_LINE, linewidth=1.6)
    axes.xaxis_date(UTC)
    axes.set_title(title, color=_FOREGROUND, fontsize=12, loc="left")
    axes.set_ylabel(f"{of_values} / {_step_name(curve.step_s)}", color=_FOREGROUND, fontsize=10)
    axes.set_xlabel("UTC", color=_FOREGROUND, fontsize=10)
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
    axes.tick_params(colors=_FOREGROUND, labelsize=9, length=0, pad=7)
    axes.spines[:].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _step_name(seconds: int) -> str:
    """Return the length of a step with the unit's symbol, which needs no translation."""
    if seconds == SLOT_S:
        return "30 min"
    return "1 h" if seconds == HOUR_S else f"{seconds // DAY_S} d"


def _is_drawable(text: str) -> bool:
    """Return True if Matplotlib's font has all letters and none is written right to left."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    known = FT2Font(findfont(FontProperties())).get_charmap()
    return all(ord(letter) in known and not _is_right_to_left(letter) for letter in text)


def _is_right_to_left(letter: str) -> bool:
    """Return True if a letter belongs to a script that is written right to left."""
    import unicodedata

    return unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT


_RIGHT_TO_LEFT: Final[Sequence[str]] = ("R", "AL")
