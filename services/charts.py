"""Draws a curve as a picture. Runs in a separate process, because Matplotlib needs much memory."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.statistics import DAY_S, HOUR_S, SLOT_S, Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Size in inches; at this resolution 1080 x 810 pixels, three times the width of a phone in its own
#: units. Type of 15 points has 33 pixels there, which are 11 on the phone: as small as it may be.
_SIZE_IN: Final = (6.75, 5.0625)
_DPI: Final = 160
#: Distance of the labels from the edge, in inches: Telegram's apps round the corners off.
_MARGIN_IN: Final = 0.16
_TITLE_PT: Final = 17
_TICK_PT: Final = 15
_BACKGROUND, _FOREGROUND, _GRID, _LINE = "#fbfaf8", "#3b3f46", "#e3e1dc", "#2f7fb8"
#: Widths of the line: many steps would run together in a bold one.
_BOLD, _THIN, _MANY = 2.4, 1.0, 200
#: Most ticks of an axis, so that the labels do not touch.
_MAX_TIMES: Final = 5
_MAX_VALUES: Final = 5
#: From this length on, a curve is labelled by months, in days.
_MONTHS_FROM: Final = 300


@dataclass(frozen=True, slots=True)
class Labels:
    """Title and name of the values, also in English for scripts that the font does not support."""

    title: str
    of_values: str
    english_title: str
    english_of_values: str
    #: Code of the language of the dates.
    lang: str = "en"


def draw(curve: Curve, labels: Labels) -> bytes:
    """Draw a curve and return it as a PNG. Times are in UTC.

    The last step is still running, so its value grows: it is drawn paler than the others.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import date2num
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    can_draw = _is_drawable(labels.title + labels.of_values)
    title = labels.title if can_draw else labels.english_title
    of_values = labels.of_values if can_draw else labels.english_of_values
    edges = [
        datetime.fromtimestamp(curve.starts_at + number * curve.step_s, UTC)
        for number in range(len(curve.values) + 1)
    ]
    layout = ConstrainedLayoutEngine(w_pad=_MARGIN_IN, h_pad=_MARGIN_IN)
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, facecolor=_BACKGROUND, layout=layout)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_BACKGROUND)
    times = date2num(edges)
    axes.stairs(curve.values[:-1], times[:-1], color=_LINE, alpha=0.25, fill=True)
    axes.stairs(curve.values[-1:], times[-2:], color=_LINE, alpha=0.12, fill=True)
    width = _BOLD if len(curve.values) <= _MANY else _THIN
    axes.stairs(curve.values, times, color=_LINE, linewidth=width)
    axes.set_title(title, color=_FOREGROUND, fontsize=_TITLE_PT, loc="left", wrap=True)
    axes.set_xlabel(
        f"{of_values} / {_step_name(curve.step_s)}, UTC", color=_FOREGROUND, fontsize=_TICK_PT
    )
    axes.set_ylim(0, max([*curve.values, 1]) * 1.08)
    axes.set_xlim(times[0], times[-1])
    _set_ticks(axes, curve, labels.lang if can_draw else "en")
    axes.grid(color=_GRID, linewidth=1.2)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_FOREGROUND, labelsize=_TICK_PT, length=0, pad=7)
    axes.spines[:].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _set_ticks(axes: "Axes", curve: Curve, lang: str) -> None:
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    length_s = len(curve.values) * curve.step_s
    # Whole numbers of days need no times of day, and few steps would have the same day twice.
    with_time = length_s <= 2 * DAY_S
    axes.yaxis.set_major_locator(MaxNLocator(nbins=_MAX_VALUES, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short_number(value)))
    axes.xaxis_date(UTC)
    axes.xaxis.set_major_locator(
        AutoDateLocator(tz=UTC, minticks=3, maxticks=_MAX_TIMES, interval_multiples=True)
    )

    def label(value: float, _position: int | None) -> str:
        at: datetime = num2date(value, UTC)
        if with_time:
            return at.strftime("%H:%M")
        return _date(at, "yMMM" if length_s > _MONTHS_FROM * DAY_S else "MMMd", lang)

    axes.xaxis.set_major_formatter(FuncFormatter(label))


def _date(at: datetime, skeleton: str, lang: str) -> str:
    from babel import Locale
    from babel.dates import format_skeleton

    return str(format_skeleton(skeleton, at, locale=Locale.parse(lang)))


def _short_number(value: float) -> str:
    """Format a value of an axis in few characters: 950, 1.2k, 35k, 4M."""
    for unit, suffix in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.0f}"


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
