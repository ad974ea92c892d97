"""The screens of /stats: texts and buttons. Pure functions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.outcomes import outcome_key
from core.statistics import Counts, Metric, Period, Scope, Trend, growth
from misc.ui import dates
from misc.ui.callback_data import STATISTICS
from misc.ui.texts import FALLBACK, Texts
from services.charts import Labels
from services.metrics import FETCHED, KNOWN
from services.statistics import Tops

#: Maximum number of errors that are listed.
_MAX_ERRORS: Final = 12
#: Narrow no-break space.
_NARROW: Final = "\u202f"


class Screen(StrEnum):
    """Kinds of screens. The values are part of the callback data."""

    MENU = "menu"
    OVERVIEW = "overview"
    DETAILS = "details"
    GRAPH = "graph"
    REFERRALS = "referrals"
    OTHERS = "others"
    SITES = "sites"
    ADS = "ads"
    BOTSTAT = "botstat"


@dataclass(frozen=True, slots=True)
class View:
    """A screen with its filters: everything that a button carries."""

    screen: Screen = Screen.MENU
    scope: Scope = Scope.ALL
    period: Period = Period.DAY
    metric: Metric = Metric.POSTS
    #: The button runs an action, such as sending a graph, instead of showing a screen.
    does: bool = False

    @classmethod
    def read(cls, data: str) -> Self | None:
        """Parse callback data; return None if it is invalid."""
        try:
            screen, scope, period, metric, does = data.removeprefix(STATISTICS).split("/")
            return cls(Screen(screen), Scope(scope), Period(period), Metric(metric), does == "do")
        except ValueError:
            return None

    @property
    def data(self) -> str:
        """Return the callback data, which `read` parses."""
        chosen = "/".join((self.screen, self.scope, self.period, self.metric))
        return f"{STATISTICS}{chosen}/{'do' if self.does else 'see'}"


def menu_buttons(
    texts: Texts, lang: str, *, has_ads: bool, has_botstat: bool
) -> InlineKeyboardMarkup:
    """Return buttons for all screens, two in a row."""
    screens = [
        Screen.OVERVIEW,
        Screen.DETAILS,
        Screen.GRAPH,
        Screen.SITES,
        Screen.REFERRALS,
        Screen.OTHERS,
        *([Screen.ADS] if has_ads else []),
        *([Screen.BOTSTAT] if has_botstat else []),
    ]
    buttons = [_button(texts[lang][f"stats_{screen}"], View(screen)) for screen in screens]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def buttons_of(view: View, texts: Texts, lang: str) -> InlineKeyboardMarkup:
    """Return the buttons of a screen: filters, back, and either its action or a refresh."""
    localized = texts[lang]
    rows: list[list[InlineKeyboardButton]] = []
    if view.screen is Screen.GRAPH:
        rows.append(
            [
                _choice(localized[f"stats_metric_{metric}"], replace(view, metric=metric), view)
                for metric in Metric
            ]
        )
    if view.screen in {Screen.GRAPH, Screen.DETAILS}:
        rows.append(
            [
                _choice(localized[f"stats_scope_{scope}"], replace(view, scope=scope), view)
                for scope in Scope
            ]
        )
    if view.screen in {Screen.GRAPH, Screen.DETAILS, Screen.SITES, Screen.ADS}:
        rows.append(
            [
                _choice(localized[f"stats_period_{period}"], replace(view, period=period), view)
                for period in Period
            ]
        )
    last = [_button(localized["admin_back"], View())]
    match view.screen:
        case Screen.GRAPH:
            last.append(_button(localized["stats_draw"], replace(view, does=True)))
        case Screen.BOTSTAT:
            last.append(_button(localized["stats_botstat_yes"], replace(view, does=True)))
        case _:
            last.append(_button("🔄", view))
    return InlineKeyboardMarkup(inline_keyboard=[*rows, last])


def overview(
    ever: Mapping[Scope, Counts],
    day: Mapping[Scope, Trend],
    active: str,
    texts: Texts,
    lang: str,
    now: int,
) -> str:
    """Return the counts of all time and of the last day by kind of chat, below `active`.

    See `active_text`.
    """
    total = {scope: Trend(counts) for scope, counts in ever.items()}
    parts = [
        active,
        _private_and_groups(Period.DAY, day, texts, lang, now),
        _private_and_groups(Period.ALL, total, texts, lang, now),
    ]
    return "\n\n".join((*parts, as_of(texts, lang, now)))


def active_text(
    active: Mapping[Period, int], before: Mapping[Period, int], texts: Texts, lang: str
) -> str:
    """Return how many people were active in the last day, week and month, and `before` that."""
    lines = [f"<b>{texts[lang]['stats_active']}</b>"]
    lines += [
        f"{texts[lang][f'stats_period_{period}']}: <b>{amount(number)}</b>"
        f"{_arrow(growth(number, before.get(period)))}"
        for period, number in active.items()
    ]
    return "\n".join(lines)


def board(period: Period, counts: Mapping[Scope, Trend], texts: Texts, lang: str, now: int) -> str:
    """Return the counts of a period, for private chats and groups."""
    return f"{_private_and_groups(period, counts, texts, lang, now)}\n\n{as_of(texts, lang, now)}"


def details(view: View, counts: Mapping[Scope, Trend], texts: Texts, lang: str, now: int) -> str:
    """Return the counts of one period and kind of chats, compared with the period before."""
    since = view.period.since(now)
    heading = texts[lang][f"stats_scope_{view.scope}"]
    lines = [f"<b>{heading} · {texts[lang][f'stats_period_{view.period}']}</b>"]
    if since is not None:
        lines.append(texts(lang, "stats_since", time=dates.minute(since, lang)))
    block = _counts_text(counts[view.scope], texts, lang, is_ever=since is None)
    parts = ["\n".join(lines), block]
    if counts[view.scope].before:
        parts.append(f"<i>{texts[lang]['stats_trend_about']}</i>")
    return "\n\n".join((*parts, as_of(texts, lang, now)))


def graph_labels(view: View, texts: Texts, lang: str) -> Labels:
    """Return the labels of a graph, in `lang` and in the fallback language."""
    return Labels(
        graph_title(view, texts, lang),
        texts[lang][f"stats_metric_{view.metric}"],
        graph_title(view, texts, FALLBACK),
        texts[FALLBACK][f"stats_metric_{view.metric}"],
        lang,
    )


def graph_title(view: View, texts: Texts, lang: str) -> str:
    """Return the title of a graph: metric, kind of chats and period."""
    localized = texts[lang]
    return " · ".join(
        (
            localized[f"stats_metric_{view.metric}"],
            localized[f"stats_scope_{view.scope}"],
            localized[f"stats_period_{view.period}"],
        )
    )


def referrals(tops: Tops, texts: Texts, lang: str) -> str:
    """Return the deep links that brought the most chats."""
    lines = [f"{texts.escaped(link)} – {amount(number)}" for link, number in tops.referrals]
    return _list_text(texts[lang]["stats_referrals"], lines, texts, lang, tops.taken_at)


def others(tops: Tops, texts: Texts, lang: str) -> str:
    """Return further counts: file mode, blocked chats, languages, busiest chats."""
    languages = [
        f"{texts[code]['language_name'] if code in texts else texts.escaped(code)} – {amount(n)}"
        for code, n in tops.languages
    ]
    busiest = [f"<code>{chat}</code> – {amount(posts)}" for chat, posts in tops.busiest]
    nothing = [texts[lang]["stats_nothing"]]
    return "\n\n".join(
        (
            texts(
                lang,
                "stats_wishes",
                files=amount(tops.in_file_mode),
                blocked=amount(tops.blocked),
            ),
            "\n".join((f"<b>{texts[lang]['stats_languages']}</b>", *(languages or nothing))),
            "\n".join((f"<b>{texts[lang]['stats_busiest']}</b>", *(busiest or nothing))),
            as_of(texts, lang, tops.taken_at),
        )
    )


def sites(
    view: View,
    outcomes: Sequence[tuple[str, str, int]],
    titles: Mapping[str, str],
    texts: Texts,
    lang: str,
    now: int,
) -> str:
    """Return the outcomes of requests by site, busiest first, and the most frequent errors.

    `outcomes` are (platform, outcome, number of requests), largest first; `titles` maps platform
    names to titles.
    """
    served, known, failed = Counter[str](), Counter[str](), Counter[str]()
    errors = Counter[tuple[str, str]]()
    for platform, outcome, number in outcomes:
        if outcome in {KNOWN, FETCHED}:
            served[platform] += number
            known[platform] += number if outcome == KNOWN else 0
        else:
            failed[platform] += number
            errors[platform, texts[lang][outcome_key(outcome)]] += number
    lines = [
        _site(titles.get(platform, platform), served[platform], known[platform], failed[platform])
        for platform, _ in (served + failed).most_common()
    ]
    if len(lines) > 1:
        everywhere = texts[lang]["stats_scope_all"]
        lines.insert(0, _site(everywhere, served.total(), known.total(), failed.total()))
    if lines:
        lines.append(f"\n<i>{texts[lang]['stats_sites_about']}</i>")
    heading = f"{texts[lang]['stats_sites']} · {texts[lang][f'stats_period_{view.period}']}"
    text = _list_text(heading, lines, texts, lang, now)
    reasons = [
        f"{titles.get(platform, platform)}: {reason} – {amount(number)}"
        for (platform, reason), number in errors.most_common(_MAX_ERRORS)
    ]
    return "\n\n".join((text, "\n".join(reasons))) if reasons else text


def ads(view: View, shows: Sequence[tuple[str, int]], texts: Texts, lang: str, now: int) -> str:
    """Return how often each ad was shown; `shows` are (name of the ad, number)."""
    heading = f"{texts[lang]['stats_ads']} · {texts[lang][f'stats_period_{view.period}']}"
    lines = [f"{texts.escaped(name)} – {amount(number)}" for name, number in shows]
    return _list_text(heading, lines, texts, lang, now)


def as_of(texts: Texts, lang: str, now: int) -> str:
    """Return the line with the time of the numbers; `now` is a Unix time in seconds."""
    return f"<i>{texts(lang, 'stats_as_of', time=dates.minute(now, lang))}</i>"


def amount(number: int) -> str:
    """Format a number with narrow no-break spaces between thousands."""
    return f"{number:,}".replace(",", _NARROW)


def _private_and_groups(
    period: Period, counts: Mapping[Scope, Trend], texts: Texts, lang: str, now: int
) -> str:
    localized, since = texts[lang], period.since(now)
    lines = [f"<b>{localized[f'stats_period_{period}']}</b>"]
    if since is not None:
        lines.append(texts(lang, "stats_since", time=dates.minute(since, lang)))
    parts = ["\n".join(lines)]
    for scope in (Scope.PRIVATE, Scope.GROUPS):
        block = _counts_text(counts[scope], texts, lang, is_ever=since is None)
        parts.append(f"<u>{localized[f'stats_scope_{scope}']}</u>\n{block}")
    return "\n\n".join(parts)


def _counts_text(trend: Trend, texts: Texts, lang: str, *, is_ever: bool) -> str:
    counts = trend.counts
    chats = texts(
        lang,
        "stats_chats_ever" if is_ever else "stats_chats_new",
        number=amount(counts.chats),
    )
    block = texts(
        lang,
        "stats_block",
        posts=amount(counts.posts),
        posts_trend=_arrow(trend.change("posts")),
        post_chats=amount(counts.post_chats),
        slideshows=amount(counts.slideshows),
        slideshow_chats=amount(counts.slideshow_chats),
        inline=amount(counts.inline_posts),
        sounds=amount(counts.sounds),
        sounds_trend=_arrow(trend.change("sounds")),
        sound_chats=amount(counts.sound_chats),
    )
    return f"{chats}{_arrow(trend.change('chats'))}\n{block}"


def _arrow(percent: int | None) -> str:
    """Return a change in percent with its direction, such as " ▲ 12 %"; empty if it is unknown."""
    if percent is None:
        return ""
    sign = "▲" if percent > 0 else "▼" if percent < 0 else "="
    return f" {sign}{_NARROW}{amount(abs(percent))}{_NARROW}%" if percent else f" {sign}"


def _list_text(heading: str, lines: Sequence[str], texts: Texts, lang: str, taken_at: int) -> str:
    body = "\n".join(lines or [texts[lang]["stats_nothing"]])
    return f"<b>{heading}</b>\n\n{body}\n\n{as_of(texts, lang, taken_at)}"


def _site(title: str, served: int, known: int, failed: int) -> str:
    return (
        f"<b>{title}</b>  {_percent(served, served + failed)}  ✅ {amount(served)} "
        f"(⚡ {_percent(known, served)})  ❌ {amount(failed)}"
    )


def _percent(part: int, whole: int) -> str:
    """Return a share in percent; never 100 % if something is missing, or 0 % if there is some."""
    if not whole:
        return "–"
    percent = round(part * 100 / whole)
    if 0 < part < whole:
        percent = min(max(percent, 1), 99)
    return f"{percent}{_NARROW}%"


def _choice(text: str, view: View, current: View) -> InlineKeyboardButton:
    return _button(f"• {text} •" if view == current else text, view)


def _button(text: str, view: View) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=view.data)
