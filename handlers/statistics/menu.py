"""The statistics menu: one message, which its buttons edit to show the next screen."""

import re
from dataclasses import dataclass
from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.errors import UnchangedError
from core.statistics import Period, Scope, Trend
from data.ads import ad_shows_since
from data.database import unix_now
from data.statistics import active_people, counts_since, first_slot, outcomes_since
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import AdminScreen, Press
from handlers.statistics import screens
from handlers.statistics.screens import Screen, View
from misc.filters import Carries, CommandNamed, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import HISTORY, STATISTICS
from misc.ui.texts import Texts
from platforms import Registry
from services.botstat import BotStat
from services.statistics import Statistics

_CHAT_ID: Final = re.compile(r"-?\d{1,18}", re.ASCII)


def commands(menu: "StatisticsMenu", readers: frozenset[int]) -> Router:
    """Register /stats."""
    router = Router(name="statistics commands")
    router.message.register(menu.open, CommandNamed("stats"), FromAdmin(readers), InPrivate())
    return router


def router(menu: "StatisticsMenu", readers: frozenset[int], admins: frozenset[int]) -> Router:
    """Register the buttons of the screens, and the button for a chat's history.

    The history is for administrators only; `readers` may use everything else.
    """
    router = Router(name="statistics")
    is_reader, is_admin = FromAdmin(readers), FromAdmin(admins)
    router.callback_query.register(menu.press, Carries(prefix=STATISTICS), is_reader)
    router.callback_query.register(menu.send_history, Carries(prefix=HISTORY), is_admin)
    return router


@dataclass(frozen=True, slots=True)
class StatisticsMenu:
    """Shows the screens of /stats."""

    sender: Sender
    texts: Texts
    registry: Registry
    statistics: Statistics
    botstat: BotStat | None
    has_ads: bool
    admins: frozenset[int] = frozenset()

    async def open(self, message: Message, chat: ChatView) -> None:
        """Send the menu as a new message.

        Raises:
            DeliveryError: the menu cannot be shown.
        """
        is_admin = message.chat.id in self.admins
        text, buttons = await self.screen(View(), chat.lang, is_admin=is_admin)
        await self.sender.send_text(ChatTarget.of(message), text, buttons)

    async def press(self, query: CallbackQuery, chat: ChatView) -> None:
        """Show the screen of a button or run its action, and answer the press.

        Raises:
            StorageError, DeliveryError: the screen cannot be shown, or the action failed.
        """
        lang = chat.lang
        view, message = View.read(query.data or ""), query.message
        if view is None or not isinstance(message, Message):
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
        elif view.does:
            await query.answer()
            await self._run_action(view, ChatTarget.beside(message), lang)
        else:
            is_admin = query.from_user.id in self.admins
            text, buttons = await self.screen(view, lang, is_admin=is_admin)
            try:
                await message.edit_text(text, reply_markup=buttons)
            except UnchangedError:
                await query.answer(self.texts[lang]["stats_same"])
                return
            await query.answer()

    async def send_history(self, query: CallbackQuery, chat: ChatView) -> None:
        """Send a chat's history as a CSV file, and answer the press.

        Raises:
            StorageError, DeliveryError: the file was not sent.
        """
        lang, chat_id = chat.lang, (query.data or "").removeprefix(HISTORY)
        if not isinstance(query.message, Message) or not _CHAT_ID.fullmatch(chat_id):
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
            return
        target = ChatTarget.beside(query.message)
        if await self.statistics.send_history(int(chat_id), target):
            await query.answer()
        else:
            await query.answer(self.texts[lang]["stats_no_history"], show_alert=True)

    async def _run_action(self, view: View, target: ChatTarget, lang: str) -> None:
        """Upload all chat ids to BotStat, or send a graph to `target`.

        Raises:
            StorageError, DeliveryError: the action failed.
        """
        if view.screen is Screen.BOTSTAT and self.botstat:
            outcome, number = await self.botstat.upload()
            text = self.texts(lang, f"stats_botstat_{outcome}", number=number)
            await self.sender.send_text(target, text)
        elif view.screen is Screen.GRAPH:
            curve = await self.statistics.curve(view.metric, view.scope, view.period)
            labels = screens.graph_labels(view, self.texts, lang)
            caption = screens.graph_title(view, self.texts, lang)
            await self.statistics.send_picture(curve, labels, caption, target)

    async def section(self, press: Press) -> AdminScreen:
        """Return the menu as a section of /admin.

        Raises:
            StorageError: the database did not answer.
        """
        text, buttons = await self.screen(View(), press.lang, is_admin=False)
        return AdminScreen(text, buttons.inline_keyboard)

    async def screen(
        self, view: View, lang: str, *, is_admin: bool
    ) -> tuple[str, InlineKeyboardMarkup]:
        """Return the text (Telegram HTML) and the buttons of a screen.

        With `is_admin`, the menu leads back to /admin.

        Raises:
            StorageError: the database did not answer.
        """
        if view.screen is not Screen.MENU:
            return await self._text(view, lang), screens.buttons_of(view, self.texts, lang)
        text, markup = (
            self.texts[lang]["stats_menu"],
            screens.menu_buttons(
                self.texts, lang, has_ads=self.has_ads, has_botstat=self.botstat is not None
            ),
        )
        if is_admin:
            markup = AdminScreen(text, markup.inline_keyboard).markup(self.texts, lang)
        return text, markup

    async def _text(self, view: View, lang: str) -> str:
        """Return the text of any screen but the menu."""
        now, texts = unix_now(), self.texts
        match view.screen:
            case Screen.OVERVIEW:
                ever, day = await counts_since(None), await _trends(Period.DAY, now)
                people, before = await active_people(now), self.statistics.people_before
                active = screens.active_text(people, before, texts, lang)
                return screens.overview(ever, day, active, texts, lang, now)
            case Screen.DETAILS:
                return screens.details(view, await _trends(view.period, now), texts, lang, now)
            case Screen.SITES:
                outcomes = await outcomes_since(view.period.since(now))
                return screens.sites(view, outcomes, self._titles, texts, lang, now)
            case Screen.ADS:
                shows = await ad_shows_since(view.period.since(now))
                return screens.ads(view, shows, texts, lang, now)
            case Screen.REFERRALS:
                return screens.referrals(await self.statistics.tops(), texts, lang)
            case Screen.OTHERS:
                return screens.others(await self.statistics.tops(), texts, lang)
            case Screen.BOTSTAT:
                return texts[lang]["stats_botstat_sure"]
            case _:
                return screens.graph_title(view, texts, lang)

    async def board(self, period: Period, lang: str) -> str:
        """Return the live board's text (Telegram HTML) for a period.

        Raises:
            StorageError: the database did not answer.
        """
        now = unix_now()
        return screens.board(period, await _trends(period, now), self.texts, lang, now)

    @property
    def _titles(self) -> dict[str, str]:
        return {name: platform.title for name, platform in self.registry.by_name.items()}


async def _trends(period: Period, now: int) -> dict[Scope, Trend]:
    """Return the counts of a period with those of the period before, by kind of chat.

    There is no comparison if the bot is younger than both periods.
    """
    counts, before = await counts_since(period.since(now)), period.before(now)
    first = await first_slot()
    if before is None or first is None or first > before[0]:
        return {scope: Trend(number) for scope, number in counts.items()}
    earlier = await counts_since(*before)
    return {scope: Trend(number, earlier[scope]) for scope, number in counts.items()}
