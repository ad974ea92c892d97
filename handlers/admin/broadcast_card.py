"""The card of a broadcast: the text and buttons with which an administrator controls it. Pure."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.broadcasts import Broadcast, Button, Chats, State, duration
from core.pacing import OVERALL
from misc.ui.callback_data import BROADCAST
from misc.ui.texts import Texts

#: More digits than any id has; the database's integers have 19 at most.
_MAX_DIGITS: Final = 18
_NEW: Final = "new"


def menu(broadcasts: list[Broadcast], texts: Texts, lang: str) -> InlineKeyboardMarkup:
    """Return the keyboard of /admin: a new broadcast, and one row for each of `broadcasts`."""
    rows = [
        [InlineKeyboardButton(text=texts[lang]["broadcast_new"], callback_data=BROADCAST + _NEW)]
    ]
    rows += [
        [_button(f"{broadcast.id}: {_state(broadcast, texts, lang)}", broadcast, "open")]
        for broadcast in broadcasts
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def read_press(data: str) -> tuple[int | None, str]:
    """Parse callback data into a broadcast's id and an action.

    The id is None if the data names no broadcast, as that of the button for a new one.
    """
    number, _, action = data.removeprefix(BROADCAST).partition("/")
    is_id = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
    return (int(number), action) if is_id else (None, number)


def with_buttons(buttons: tuple[Button, ...]) -> str:
    """Return Telegram's JSON of an inline keyboard with one link button per row."""
    rows = [[{"text": button.label, "url": button.url}] for button in buttons]
    return json.dumps({"inline_keyboard": rows})


def buttons_from(markup: InlineKeyboardMarkup | None) -> str | None:
    """Return Telegram's JSON of a message's link buttons, or None if it has none.

    Other buttons are left out, because they do not work in other chats.
    """
    rows = markup.inline_keyboard if markup else []
    found = [Button(button.text, button.url) for row in rows for button in row if button.url]
    return with_buttons(tuple(found)) if found else None


def text_of(
    broadcast: Broadcast,
    texts: Texts,
    lang: str,
    per_second: float,
    unknown: Sequence[int] = (),
) -> str:
    """Return the card's text: the plan of a draft, or the progress of a confirmed broadcast.

    `per_second` is the current rate in messages per second, or 0 if it is not known. `unknown`
    are the ids of chats that may or may not have received the message.
    """
    parts = []
    if broadcast.state is State.DRAFT:
        parts.append(
            texts(
                lang,
                "broadcast_draft",
                number=broadcast.id,
                total=broadcast.total,
                time=duration(broadcast.total / OVERALL[0]),
            )
        )
        if broadcast.buttons:
            rows = json.loads(broadcast.buttons)["inline_keyboard"]
            number = sum(len(row) for row in rows)
            parts.append(texts(lang, "broadcast_buttons", number=number))
        if broadcast.is_paid:
            parts.append(texts(lang, "broadcast_price", stars=broadcast.stars))
    else:
        parts.append(
            texts(
                lang,
                "broadcast_progress",
                number=broadcast.id,
                state=_state(broadcast, texts, lang),
                sent=broadcast.sent,
                total=broadcast.total,
                blocked=broadcast.blocked,
                failed=broadcast.failed,
                unknown=broadcast.unknown,
            )
        )
        if broadcast.state is State.RUNNING and per_second and broadcast.left:
            left = duration(broadcast.left / per_second)
            pace = f"{per_second:.1f}"
            parts.append(texts(lang, "broadcast_pace", pace=pace, time=left))
        if broadcast.unknown:
            parts.append(texts[lang]["broadcast_unknown"])
        if unknown:
            parts.append(", ".join(f"<code>{chat}</code>" for chat in unknown))
    if (
        broadcast.starts_at
        and broadcast.state in {State.DRAFT, State.RUNNING}
        and not broadcast.sent
    ):
        time = datetime.fromtimestamp(broadcast.starts_at, UTC).strftime("%Y-%m-%d %H:%M")
        parts.append(texts(lang, "broadcast_at", time=time))
    if broadcast.trouble and broadcast.state is State.PAUSED:
        parts.append(texts[lang][broadcast.trouble])
    return "\n\n".join(parts)


def buttons_of(
    broadcast: Broadcast, texts: Texts, lang: str, *, is_asking: bool, may_pay: bool
) -> InlineKeyboardMarkup | None:
    """Return the card's buttons, or None if the broadcast has ended and nothing can be done.

    With `is_asking`, a draft has the buttons that confirm or cancel sending it.
    """
    localized = texts[lang]

    def row(*actions: tuple[str, str]) -> list[InlineKeyboardButton]:
        return [_button(localized[key], broadcast, action) for key, action in actions]

    match broadcast.state:
        case State.DRAFT if is_asking:
            yes = texts(lang, "broadcast_yes", total=broadcast.total)
            rows = [[_button(yes, broadcast, "yes")], row(("broadcast_back", "open"))]
        case State.DRAFT:
            rows = _draft_rows(broadcast, texts, lang, may_pay=may_pay)
        case State.RUNNING:
            rows = [row(("broadcast_pause", "pause"), ("broadcast_stop", "stop"))]
        case State.PAUSED:
            rows = [row(("broadcast_resume", "resume"), ("broadcast_stop", "stop"))]
        case State.DONE if broadcast.unknown:
            again = texts(lang, "broadcast_again", number=broadcast.unknown)
            rows = [[_button(again, broadcast, "again")]]
        case _:
            return None
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _draft_rows(
    broadcast: Broadcast, texts: Texts, lang: str, *, may_pay: bool
) -> list[list[InlineKeyboardButton]]:
    localized, audience = texts[lang], broadcast.audience
    lang_label = (
        localized["broadcast_langs"]
        if audience.lang is None
        else texts[audience.lang]["language_name"]
    )
    days_label = (
        localized["broadcast_ever"]
        if audience.active_days is None
        else texts(lang, "broadcast_days", days=audience.active_days)
    )
    from_label = {None: localized["broadcast_from_all"], "": localized["broadcast_from_any"]}.get(
        audience.referral, f"🔗 {audience.referral}"
    )
    chats_label = localized[
        {
            Chats.PRIVATE: "broadcast_private",
            Chats.GROUPS: "broadcast_groups",
            Chats.ALL: "broadcast_all",
        }[audience.chats]
    ]
    rows = [
        [
            _button(localized["broadcast_preview"], broadcast, "preview"),
            _button(localized["broadcast_test"], broadcast, "test"),
        ],
        [_button(chats_label, broadcast, "chats"), _button(lang_label, broadcast, "lang")],
        [_button(days_label, broadcast, "days"), _button(from_label, broadcast, "from")],
        [
            _button(
                localized["broadcast_silent" if broadcast.is_silent else "broadcast_loud"],
                broadcast,
                "silent",
            )
        ],
        [_button(texts(lang, "broadcast_send", total=broadcast.total), broadcast, "send")],
        [_button(localized["broadcast_discard"], broadcast, "discard")],
    ]
    if may_pay:
        key = "broadcast_paid" if broadcast.is_paid else "broadcast_free"
        rows[3].append(_button(localized[key], broadcast, "paid"))
    return rows


def _state(broadcast: Broadcast, texts: Texts, lang: str) -> str:
    if broadcast.state is State.DRAFT:
        return f"▫️ {broadcast.total}"
    is_waiting = (
        broadcast.state is State.RUNNING and broadcast.starts_at > 0 and not broadcast.total
    )
    return texts[lang]["broadcast_waiting" if is_waiting else f"broadcast_{broadcast.state}"]


def _button(text: str, broadcast: Broadcast, action: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=f"{BROADCAST}{broadcast.id}/{action}")
