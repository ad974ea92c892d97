"""The card of a broadcast: the text and buttons with which an administrator controls it. Pure."""

import json
from collections.abc import Sequence
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.broadcasts import Broadcast, State
from core.errors import CardReplyError
from core.link_buttons import Button, Rows
from handlers.admin import audience
from misc.ui import dates
from misc.ui.callback_data import BROADCAST
from misc.ui.texts import Texts

#: More digits than any id has; the database's integers have 19 at most.
_MAX_DIGITS: Final = 18
_NEW: Final = "new"


def list_rows(
    broadcasts: list[Broadcast], texts: Texts, lang: str
) -> list[list[InlineKeyboardButton]]:
    """Return a button for a new broadcast, and one for each of `broadcasts`."""
    rows = [
        [InlineKeyboardButton(text=texts[lang]["broadcast_new"], callback_data=BROADCAST + _NEW)]
    ]
    return rows + [
        [_button(f"{broadcast.id}: {_state(broadcast, texts, lang)}", broadcast, "open")]
        for broadcast in broadcasts
    ]


def read_press(data: str) -> tuple[int | None, str]:
    """Parse callback data into a broadcast's id and an action.

    The id is None if the data names no broadcast, as that of the button for a new one.
    """
    number, _, action = data.removeprefix(BROADCAST).partition("/")
    is_id = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
    return (int(number), action) if is_id else (None, number)


def with_buttons(rows: Rows) -> str:
    """Return Telegram's JSON of an inline keyboard with rows of link buttons."""
    keyboard = [[{"text": button.label, "url": button.url} for button in row] for row in rows]
    return json.dumps({"inline_keyboard": keyboard})


def buttons_from(markup: InlineKeyboardMarkup | None) -> str | None:
    """Return Telegram's JSON of a message's link buttons, or None if it has none.

    Other buttons are left out, because they do not work in other chats.
    """
    keyboard = markup.inline_keyboard if markup else []
    rows = [tuple(Button(one.text, one.url) for one in row if one.url) for row in keyboard]
    found = tuple(row for row in rows if row)
    return with_buttons(found) if found else None


def text_of(
    broadcast: Broadcast,
    texts: Texts,
    lang: str,
    per_second: float,
    unknown: Sequence[int] = (),
) -> str:
    """Return the card's text: the plan of a draft, or the progress of a confirmed broadcast.

    `per_second` is the current rate in recipients per second, or 0 if it is not known. `unknown`
    are the ids of chats that may or may not have received the message.
    """
    is_draft = broadcast.state is State.DRAFT
    parts = (
        _plan(broadcast, texts, lang)
        if is_draft
        else _progress(broadcast, texts, lang, per_second, unknown)
    )
    is_ahead = broadcast.state in {State.DRAFT, State.RUNNING} and not broadcast.counts.sent
    if broadcast.starts_at and is_ahead:
        time = dates.minute(broadcast.starts_at, lang)
        parts.append(texts(lang, "broadcast_at", time=time))
    if broadcast.trouble and broadcast.state is State.PAUSED:
        parts.append(texts[lang][broadcast.trouble])
    return "\n\n".join(parts)


def _plan(broadcast: Broadcast, texts: Texts, lang: str) -> list[str]:
    """Return the paragraphs about a draft."""
    content, count = broadcast.content, broadcast.counts.total
    time = dates.length(broadcast.seconds_left(), lang)
    parts = [texts(lang, "broadcast_draft", number=broadcast.id, count=count, time=time)]
    if content.is_album:
        parts.append(texts(lang, "broadcast_album", count=len(content.album)))
    if content.buttons and not content.is_album:
        rows = json.loads(content.buttons)["inline_keyboard"]
        parts.append(texts(lang, "broadcast_buttons", count=sum(map(len, rows))))
    if content.is_paid and not content.is_album:
        parts.append(texts(lang, "broadcast_price", count=broadcast.stars))
    return [*parts, texts[lang]["broadcast_how"]]


def _progress(
    broadcast: Broadcast, texts: Texts, lang: str, per_second: float, unknown: Sequence[int]
) -> list[str]:
    """Return the paragraphs about a confirmed broadcast."""
    counts = broadcast.counts
    parts = [
        texts(
            lang,
            "broadcast_progress",
            number=broadcast.id,
            state=_state(broadcast, texts, lang),
            sent=counts.sent,
            total=counts.total,
            blocked=counts.blocked,
            failed=counts.failed,
            unknown=counts.unknown,
        )
    ]
    if broadcast.state is State.RUNNING and counts.left:
        # Rounded, so that the card changes only when there is something to see.
        time = dates.length(broadcast.seconds_left(per_second), lang)
        parts.append(texts(lang, "broadcast_pace", time=time))
    if counts.unknown:
        parts.append(texts[lang]["broadcast_unknown"])
    if unknown:
        parts.append(", ".join(f"<code>{chat}</code>" for chat in unknown))
    return parts


def mistakes_text(error: CardReplyError, texts: Texts, lang: str) -> str:
    """Return what is wrong with a reply to the card, line by line, and what can be written."""
    localized = texts[lang]
    lines = [
        f"{texts(lang, 'broadcast_line', line=line)} {localized[key]}" if line else localized[key]
        for line, key in error.mistakes
    ]
    return "\n".join([*lines, "", localized["broadcast_note_wrong"]])


def buttons_of(
    broadcast: Broadcast, texts: Texts, lang: str, *, is_asking: bool, may_pay: bool
) -> InlineKeyboardMarkup:
    """Return the card's buttons; the last one leads back to the list.

    With `is_asking`, a draft has the buttons that confirm or cancel sending it.
    """
    localized = texts[lang]

    def row(*actions: tuple[str, str]) -> list[InlineKeyboardButton]:
        return [_button(localized[key], broadcast, action) for key, action in actions]

    match broadcast.state:
        case State.DRAFT if is_asking:
            yes = texts(lang, "broadcast_yes", count=broadcast.counts.total)
            rows = [[_button(yes, broadcast, "yes")], row(("broadcast_back", "open"))]
        case State.DRAFT:
            rows = _draft_rows(broadcast, texts, lang, may_pay=may_pay)
        case State.RUNNING:
            rows = [row(("broadcast_pause", "pause"), ("broadcast_stop", "stop"))]
        case State.PAUSED:
            rows = [row(("broadcast_resume", "resume"), ("broadcast_stop", "stop"))]
        case State.DONE if broadcast.counts.unknown:
            again = texts(lang, "broadcast_again", count=broadcast.counts.unknown)
            rows = [[_button(again, broadcast, "again")]]
        case _:
            rows = []
    if not is_asking:
        rows.append(row(("admin_back", "back")))
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _draft_rows(
    broadcast: Broadcast, texts: Texts, lang: str, *, may_pay: bool
) -> list[list[InlineKeyboardButton]]:
    localized, content = texts[lang], broadcast.content
    chats, language, days, source = [
        _button(f"{audience.label(one, broadcast.audience, texts, lang)} ›", broadcast, one)
        for one in audience.CONDITIONS
    ]
    sound = "broadcast_silent" if content.is_silent else "broadcast_loud"
    options = [_button(localized[sound], broadcast, "silent")]
    if may_pay and not content.is_album:
        key = "broadcast_paid" if content.is_paid else "broadcast_free"
        options.append(_button(localized[key], broadcast, "paid"))
    send = texts(lang, "broadcast_send", count=broadcast.counts.total)
    return [
        [
            _button(localized["broadcast_preview"], broadcast, "preview"),
            _button(localized["broadcast_test"], broadcast, "test"),
        ],
        [chats, language],
        [days, source],
        options,
        [_button(send, broadcast, "send")],
        [_button(localized["broadcast_discard"], broadcast, "discard")],
    ]


def _state(broadcast: Broadcast, texts: Texts, lang: str) -> str:
    if broadcast.state is State.DRAFT:
        return f"{texts[lang]['broadcast_unsent']} · {broadcast.counts.total}"
    is_waiting = (
        broadcast.state is State.RUNNING and broadcast.starts_at > 0 and not broadcast.counts.total
    )
    return texts[lang]["broadcast_waiting" if is_waiting else f"broadcast_{broadcast.state}"]


def _button(text: str, broadcast: Broadcast, action: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=f"{BROADCAST}{broadcast.id}/{action}")
