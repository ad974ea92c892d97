"""Who gets a broadcast: the choices for each kind of condition, as buttons with current counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from aiogram.types import InlineKeyboardButton

from core.broadcasts import ACTIVE_DAYS, Audience, Chats
from misc.ui.callback_data import BROADCAST
from misc.ui.texts import Texts

#: The conditions, by the action of the button that opens their choices.
CONDITIONS: Final = ("chats", "lang", "days", "from")
_CHATS_KEYS: Final = {
    Chats.PRIVATE: "broadcast_private",
    Chats.GROUPS: "broadcast_groups",
    Chats.ALL: "broadcast_all",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A choice for one condition: what its button carries, and the audience that it leads to."""

    value: str
    audience: Audience


def choices(
    condition: str, audience: Audience, languages: Sequence[str], referrals: Sequence[str]
) -> list[Option]:
    """Return the choices for a condition; the other conditions of `audience` stay.

    `languages` are the codes of all languages, `referrals` those that brought the most chats. What
    is chosen now is among the choices, even if it is gone.
    """
    match condition:
        case "chats":
            return [Option(kind, replace(audience, chats=kind)) for kind in Chats]
        case "lang":
            codes: list[str | None] = [None, *_with(languages, audience.lang)]
            return [Option(code or "", replace(audience, lang=code)) for code in codes]
        case "days":
            spans = [None, *ACTIVE_DAYS]
            return [Option(str(days or ""), replace(audience, active_days=days)) for days in spans]
        case _:
            links = [None, "", *_with(referrals, audience.referral or None)]
            return [
                Option(_referral_value(link), replace(audience, referral=link)) for link in links
            ]


def chosen(options: Sequence[Option], value: str) -> Audience | None:
    """Return the audience of the choice that a button carries, or None if it is gone."""
    return next((option.audience for option in options if option.value == value), None)


def label(condition: str, audience: Audience, texts: Texts, lang: str) -> str:
    """Return what a condition of an audience is, such as "👥 Groups"."""
    match condition:
        case "chats":
            return texts[lang][_CHATS_KEYS[audience.chats]]
        case "lang":
            code = audience.lang
            if code is None:
                return texts[lang]["broadcast_langs"]
            return f"🌐 {texts[code]['language_name'] if code in texts else code}"
        case "days":
            if audience.active_days is None:
                return texts[lang]["broadcast_ever"]
            return texts(lang, "broadcast_days", count=audience.active_days)
        case _:
            if audience.referral:
                return f"🔗 {audience.referral}"
            key = "broadcast_from_all" if audience.referral is None else "broadcast_from_any"
            return texts[lang][key]


def rows(
    number: int,
    condition: str,
    current: Audience,
    options: Sequence[tuple[Option, int]],
    texts: Texts,
    lang: str,
) -> list[list[InlineKeyboardButton]]:
    """Return a button for each choice, with its number of chats, and the way back to the card."""

    def button(text: str, action: str) -> InlineKeyboardButton:
        return InlineKeyboardButton(text=text, callback_data=f"{BROADCAST}{number}/{action}")

    buttons = [
        [
            button(
                f"{'• ' if option.audience == current else ''}"
                f"{label(condition, option.audience, texts, lang)} – {count}",
                f"{condition}={option.value}",
            )
        ]
        for option, count in options
    ]
    return [*buttons, [button(texts[lang]["broadcast_back"], "open")]]


def _with(values: Sequence[str], current: str | None) -> list[str]:
    return [*values, *([current] if current and current not in values else [])]


def _referral_value(referral: str | None) -> str:
    """Return what a button carries for a referral, which is too long for callback data itself."""
    if not referral:
        return "all" if referral is None else "any"
    return "." + blake2b(referral.encode(), digest_size=6).hexdigest()
