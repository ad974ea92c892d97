"""Queries for broadcasts: drafts, recipients, and the outcome of each message."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from core.broadcasts import Audience, Broadcast, Chats, Content, Outcome, RecipientCounts, State
from core.statistics import DAY_S
from data.database import DatabaseTime, read, read_one, table_of, unix_now, write
from data.key_values import Along, compare_and_set, read_value_in, set_value_in
from data.models import Bans, Broadcasts, KeyValues, Recipients, Users, Workers
from data.prepared_statements import PreparedStatement, parameters
from data.upserts import insert_if_missing
from data.workers import is_alive

#: Number of recipients listed per transaction. Small enough to let other writers in between.
_CHUNK: Final = 20_000
#: Lower than every chat id.
_BEFORE_ALL: Final = -(2**62)
#: Prefix of the keys of paused broadcasts that the administrators are to be told of.
_UNTOLD: Final = "broadcast/untold/"
_TABLE: Final = table_of(Broadcasts)
_RECIPIENTS: Final = table_of(Recipients)
_DRAFT_AWAITING_MESSAGE: Final = PreparedStatement(
    select(_TABLE.c.id).where(
        _TABLE.c.admin_id == bindparam("admin_id"),
        _TABLE.c.state == str(State.DRAFT),
        _TABLE.c.message_id.is_(None),
    )
)
_BY_CARD: Final = PreparedStatement(
    select(_TABLE.c.id).where(
        _TABLE.c.admin_id == bindparam("admin_id"), _TABLE.c.card_id == bindparam("card_id")
    )
)
_DUE: Final = PreparedStatement(
    select(_TABLE.c.id)
    .where(
        _TABLE.c.bot_id == bindparam("bot_id"),
        _TABLE.c.state == str(State.RUNNING),
        _TABLE.c.starts_at <= DatabaseTime(),
    )
    .limit(1)
)
# Prepared once, because two of the following statements run for each message.
_SET_OUTCOME: Final = PreparedStatement(
    update(_RECIPIENTS)
    .where(
        _RECIPIENTS.c.broadcast_id == bindparam("id"),
        _RECIPIENTS.c.chat_id == bindparam("chat"),
        _RECIPIENTS.c.outcome == str(Outcome.LEAVING),
    )
    .values(outcome=bindparam("how"))
    .returning(_RECIPIENTS.c.chat_id)
)
_START_SENDING: Final = PreparedStatement(
    update(_RECIPIENTS)
    .where(
        _RECIPIENTS.c.broadcast_id == bindparam("id"),
        _RECIPIENTS.c.chat_id == bindparam("chat"),
        _RECIPIENTS.c.outcome == str(Outcome.WAITING),
        exists().where(
            _TABLE.c.id == bindparam("id"),
            _TABLE.c.state == str(State.RUNNING),
            _TABLE.c.owner == bindparam("me"),
        ),
    )
    .values(outcome=str(Outcome.LEAVING))
    .returning(_RECIPIENTS.c.chat_id)
)
_INCREASE_COUNTER: Final = {
    outcome: PreparedStatement(
        update(_TABLE)
        .where(_TABLE.c.id == bindparam("number"))
        .values({str(outcome): _TABLE.c[str(outcome)] + 1, "progress_at": bindparam("at")})
    )
    for outcome in (Outcome.SENT, Outcome.BLOCKED, Outcome.FAILED, Outcome.UNKNOWN)
}
_ADD_RECIPIENT: Final = insert(_RECIPIENTS).values(parameters("broadcast_id", "chat_id", "outcome"))


async def new_draft(bot_id: int, admin_id: int) -> int:
    """Create a draft and return its id; delete the administrator's drafts without a message."""
    counters = dict.fromkeys(("total", "sent", "blocked", "failed", "unknown"), 0)
    values: dict[str, Any] = {
        "bot_id": bot_id,
        "admin_id": admin_id,
        "audience": Audience().as_json(),
        "state": State.DRAFT,
        "is_silent": False,
        "is_paid": False,
        "starts_at": 0,
        **counters,
    }

    def work(db: Connection) -> int:
        db.execute(_unwritten(admin_id))
        number: int = db.execute(
            insert(Broadcasts).values(values).returning(Broadcasts.id)
        ).scalar_one()
        return number

    return await write(work)


async def draft_awaiting_message(admin_id: int) -> int | None:
    """Return the id of the administrator's draft that has no message yet, or None."""
    row = await read_one(lambda db: _DRAFT_AWAITING_MESSAGE.first(db, {"admin_id": admin_id}))
    return row and int(row.id)


async def broadcast_of_card(admin_id: int, card_id: int) -> int | None:
    """Return the id of the broadcast that a card controls, or None."""
    row = await read_one(lambda db: _BY_CARD.first(db, {"admin_id": admin_id, "card_id": card_id}))
    return row and int(row.id)


async def find_broadcast(broadcast_id: int) -> Broadcast | None:
    """Return a broadcast by its id, or None."""
    query = select(_TABLE).where(_TABLE.c.id == broadcast_id)

    def work(db: Connection) -> Broadcast | None:
        row = db.execute(query).first()
        return _broadcast(row, _album(db, row.id)[1]) if row else None

    return await read(work)


async def open_broadcasts(bot_id: int) -> list[Broadcast]:
    """Return the broadcasts that have a message and have not ended, oldest first."""
    query = (
        select(_TABLE)
        .where(
            _TABLE.c.bot_id == bot_id,
            _TABLE.c.state.in_([State.DRAFT, State.RUNNING, State.PAUSED]),
            _TABLE.c.message_id.is_not(None),
        )
        .order_by(_TABLE.c.id)
    )

    def work(db: Connection) -> list[Broadcast]:
        return [_broadcast(row, _album(db, row.id)[1]) for row in db.execute(query)]

    return await read(work)


async def change_broadcast(broadcast_id: int, *states: State, **values: Any) -> bool:
    """Change columns of a broadcast if it is in one of `states`. Return True if it was."""
    if isinstance(audience := values.get("audience"), Audience):
        values["audience"] = audience.as_json()
    if values.get("state") is State.RUNNING:
        values["progress_at"] = unix_now()
    statement = (
        update(Broadcasts)
        .where(Broadcasts.id == broadcast_id, Broadcasts.state.in_(states))
        .values(**values)
    )
    return await write(lambda db: bool(db.execute(statement).rowcount))


async def confirm_broadcast(broadcast_id: int) -> bool:
    """Start a draft. Return False if the broadcast is no longer a draft."""
    return await change_broadcast(
        broadcast_id,
        State.DRAFT,
        state=State.RUNNING,
        confirmed_at=unix_now(),
        listed_up_to=_BEFORE_ALL,
        total=0,
    )


async def add_content(
    broadcast_id: int, message_id: int, album: str | None, buttons: str | None
) -> bool:
    """Store the message of a draft; return True if it is its first one.

    The messages of an album arrive one by one and in any order; `album` is what they have in
    common, Telegram's media group id. `buttons` is Telegram's JSON of an inline keyboard.
    """
    draft = select(_TABLE.c.message_id).where(
        _TABLE.c.id == broadcast_id, _TABLE.c.state == str(State.DRAFT)
    )

    def work(db: Connection) -> bool:
        row = db.execute(draft.with_for_update()).first()
        if row is None:
            return False
        if album is not None:
            _add_to_album(db, broadcast_id, album, message_id)
        if row.message_id is not None:
            return False
        values = {"message_id": message_id, "buttons": buttons}
        db.execute(update(_TABLE).where(_TABLE.c.id == broadcast_id).values(values))
        return True

    return await write(work)


async def draft_of_album(admin_id: int, album: str) -> int | None:
    """Return the id of the administrator's newest draft if it consists of an album, or None."""
    newest = (
        select(_TABLE.c.id)
        .where(_TABLE.c.admin_id == admin_id, _TABLE.c.state == str(State.DRAFT))
        .order_by(_TABLE.c.id.desc())
        .limit(1)
    )

    def work(db: Connection) -> int | None:
        number = db.execute(newest).scalar()
        return number if number is not None and _album(db, number)[0] == album else None

    return await read(work)


async def discard_broadcast(broadcast_id: int) -> None:
    """Delete a draft. A broadcast in another state stays."""
    draft = delete(Broadcasts).where(Broadcasts.id == broadcast_id, Broadcasts.state == State.DRAFT)

    def work(db: Connection) -> None:
        if db.execute(draft).rowcount:
            db.execute(delete(KeyValues).where(KeyValues.name == _album_key(broadcast_id)))

    await write(work)


async def discard_unwritten(admin_id: int) -> None:
    """Delete the administrator's drafts without a message."""
    await write(lambda db: db.execute(_unwritten(admin_id)))


async def count_audiences(audiences: Sequence[Audience]) -> list[int]:
    """Return the number of chats that would receive a broadcast to each of `audiences` now.

    All of them are counted in one pass over the chats.
    """
    until = unix_now()
    counts = [func.count(case((_is_in(audience, until), 1))) for audience in audiences]
    query = select(*counts).select_from(Users).where(_is_reachable(until))
    return list(await read(lambda db: db.execute(query).one()))


async def has_due_broadcast(bot_id: int) -> bool:
    """Return True if a broadcast should be running, whoever sends it.

    It is asked all the time, and costs less than an attempt to claim one.
    """
    return await read_one(lambda db: _DUE.first(db, {"bot_id": bot_id})) is not None


async def claim_broadcast(bot_id: int, owner: str) -> Broadcast | None:
    """Claim the oldest due broadcast without a live worker for `owner`, or return None.

    Messages that were being sent when the previous worker died get the outcome `UNKNOWN`.
    """
    due = (
        select(Broadcasts.id)
        .where(
            Broadcasts.bot_id == bot_id,
            Broadcasts.state == State.RUNNING,
            Broadcasts.starts_at <= DatabaseTime(),
            or_(
                Broadcasts.owner.is_(None),
                Broadcasts.owner == owner,
                not_(is_alive(Broadcasts.owner)),
            ),
        )
        .order_by(Broadcasts.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )

    def work(db: Connection) -> Broadcast | None:
        number = db.execute(due).scalar()
        if number is None:
            return None
        lost = db.execute(
            update(Recipients)
            .where(Recipients.broadcast_id == number, Recipients.outcome == Outcome.LEAVING)
            .values(outcome=Outcome.UNKNOWN)
        ).rowcount
        claimed = (
            update(_TABLE)
            .where(_TABLE.c.id == number)
            .values(owner=owner, unknown=_TABLE.c.unknown + lost)
            .returning(_TABLE)
        )
        return _broadcast(db.execute(claimed).one(), _album(db, number)[1])

    return await write(work)


async def hold_broadcasts(bot_id: int, unattended_since: int | None, trouble: str) -> list[int]:
    """Pause a bot's confirmed broadcasts; return all ids that need a notice.

    They include those that an earlier process has paused without a notice to the administrators.

    Those that have made progress after `unattended_since`, or will start later, go on, and all do
    if a live worker attends to them. None pauses all. `trouble` is the key of the text that says
    why.
    """
    alive = select(Workers.name).where(Workers.alive_until >= DatabaseTime())
    condition = (_TABLE.c.bot_id == bot_id) & (_TABLE.c.state == str(State.RUNNING))
    if unattended_since is not None:
        last_at = func.coalesce(_TABLE.c.progress_at, 0)
        condition &= (last_at < unattended_since) & (_TABLE.c.starts_at < unattended_since)
    statement = (
        update(_TABLE)
        .where(condition)
        .values(state=str(State.PAUSED), trouble=trouble, owner=None)
        .returning(_TABLE.c.id)
    )

    def work(db: Connection) -> list[int]:
        if unattended_since is None or not db.execute(alive).first():
            for number in db.execute(statement).scalars().all():
                insert_if_missing(db, KeyValues, {"name": f"{_UNTOLD}{number}", "value": "1"})
        names = select(KeyValues.name).where(KeyValues.name.startswith(_UNTOLD))
        untold = {int(name.removeprefix(_UNTOLD)) for name in db.execute(names).scalars()}
        others = select(_TABLE.c.id).where(_TABLE.c.id.in_(untold), _TABLE.c.bot_id != bot_id)
        return sorted(untold.difference(db.execute(others).scalars()))

    return await write(work)


async def mark_told(broadcast_id: int, along: Along | None = None) -> bool:
    """Record that the administrators are told of a paused broadcast; False if they already are.

    Raises:
        StorageError: the database did not respond.
    """
    return await compare_and_set(f"{_UNTOLD}{broadcast_id}", "1", None, along)


async def release_broadcast(broadcast_id: int, owner: str) -> None:
    """Release a worker's claim, so that another worker can continue the broadcast."""
    statement = (
        update(Broadcasts)
        .where(Broadcasts.id == broadcast_id, Broadcasts.owner == owner)
        .values(owner=None)
    )
    await write(lambda db: db.execute(statement))


async def list_recipients(broadcast_id: int) -> bool:
    """Add the next chunk of chats to the list of recipients.

    Return True if there may be more, False if the list is complete.
    """
    query = select(_TABLE.c.audience, _TABLE.c.confirmed_at, _TABLE.c.listed_up_to).where(
        _TABLE.c.id == broadcast_id
    )

    def work(db: Connection) -> bool:
        row = db.execute(query).one()
        if row.listed_up_to is None:
            return False
        unlisted = _recipients_of(Audience.from_json(row.audience), row.confirmed_at).where(
            Users.user_id > row.listed_up_to
        )
        chats = db.execute(unlisted.order_by(Users.user_id).limit(_CHUNK)).scalars().all()
        if chats:
            db.execute(
                _ADD_RECIPIENT,
                [
                    {"broadcast_id": broadcast_id, "chat_id": chat, "outcome": Outcome.WAITING}
                    for chat in chats
                ],
            )
        db.execute(
            update(_TABLE)
            .where(_TABLE.c.id == broadcast_id)
            .values(
                total=_TABLE.c.total + len(chats),
                listed_up_to=chats[-1] if len(chats) == _CHUNK else None,
            )
        )
        return len(chats) == _CHUNK

    return await write(work)


async def next_recipients(broadcast_id: int, after: int | None, number: int) -> list[int]:
    """Return up to `number` waiting recipients with ids above `after`, in order of their ids.

    With None for `after`, begin with the lowest id.
    """
    query = (
        select(_RECIPIENTS.c.chat_id)
        .where(
            _RECIPIENTS.c.broadcast_id == broadcast_id,
            _RECIPIENTS.c.chat_id > (_BEFORE_ALL if after is None else after),
            _RECIPIENTS.c.outcome == str(Outcome.WAITING),
        )
        .order_by(_RECIPIENTS.c.chat_id)
        .limit(number)
    )
    return list(await read(lambda db: db.execute(query).scalars().all()))


async def record_sending_to(broadcast_id: int, chat_id: int, owner: str) -> bool:
    """Record that the message to a chat is about to be sent by a worker.

    Return False if it must not be sent: the broadcast was paused or ended in the meantime, or
    another worker has claimed it or has sent the message.
    """
    values = {"id": broadcast_id, "chat": chat_id, "me": owner}
    return await write(lambda db: _START_SENDING.first(db, values) is not None)


async def record_outcome(broadcast_id: int, chat_id: int, outcome: Outcome) -> None:
    """Record the outcome of one message, and increase the broadcast's counter for it.

    Nothing is changed if the message was not being sent: another worker has claimed the broadcast,
    and has counted it as unknown.
    """
    values = {"id": broadcast_id, "chat": chat_id, "how": str(outcome)}

    def work(db: Connection) -> None:
        if _SET_OUTCOME.first(db, values) is None:
            return
        if increase := _INCREASE_COUNTER.get(outcome):
            increase.first(db, {"number": broadcast_id, "at": unix_now()})

    await write(work)


async def rename_recipient(broadcast_id: int, old_id: int, new_id: int) -> bool:
    """Replace a recipient's chat id, and set it to waiting.

    Return False if the new id is a recipient already; then the old one is removed from the list.
    """
    is_old = (Recipients.broadcast_id == broadcast_id) & (Recipients.chat_id == old_id)
    new_recipient = select(Recipients.chat_id).where(
        Recipients.broadcast_id == broadcast_id, Recipients.chat_id == new_id
    )

    def work(db: Connection) -> bool:
        if db.execute(new_recipient).first() is None:
            db.execute(
                update(Recipients).where(is_old).values(chat_id=new_id, outcome=Outcome.WAITING)
            )
            return True
        db.execute(delete(Recipients).where(is_old))
        db.execute(
            update(_TABLE).where(_TABLE.c.id == broadcast_id).values(total=_TABLE.c.total - 1)
        )
        return False

    return await write(work)


async def unknown_recipients(broadcast_id: int, number: int) -> list[int]:
    """Return up to `number` recipients with the outcome `UNKNOWN`, in order of their ids."""
    query = (
        select(_RECIPIENTS.c.chat_id)
        .where(
            _RECIPIENTS.c.broadcast_id == broadcast_id,
            _RECIPIENTS.c.outcome == str(Outcome.UNKNOWN),
        )
        .order_by(_RECIPIENTS.c.chat_id)
        .limit(number)
    )
    return list(await read(lambda db: db.execute(query).scalars().all()))


async def resend_unknown(broadcast_id: int) -> bool:
    """Restart a finished broadcast for the recipients with the outcome `UNKNOWN`.

    Return False if there are none, or if the broadcast is not finished.
    """

    def work(db: Connection) -> bool:
        again = (
            update(Broadcasts)
            .where(
                Broadcasts.id == broadcast_id,
                Broadcasts.state == State.DONE,
                Broadcasts.unknown > 0,
            )
            .values(state=State.RUNNING, unknown=0, progress_at=unix_now())
        )
        if not db.execute(again).rowcount:
            return False
        db.execute(
            update(Recipients)
            .where(Recipients.broadcast_id == broadcast_id, Recipients.outcome == Outcome.UNKNOWN)
            .values(outcome=Outcome.WAITING)
        )
        return True

    return await write(work)


async def sweep_recipients(confirmed_before: int) -> int:
    """Delete the recipients of ended broadcasts that were confirmed before a Unix time.

    Return the number of deleted rows.
    """
    old = select(Broadcasts.id).where(
        Broadcasts.state.in_([State.DONE, State.CANCELLED]),
        Broadcasts.confirmed_at < confirmed_before,
    )
    statement = delete(Recipients).where(Recipients.broadcast_id.in_(old))
    return await write(lambda db: db.execute(statement).rowcount)


def _recipients_of(audience: Audience, until: int) -> Select[int]:
    """Return a query for the chats of an audience, registered at or before the Unix time `until`.

    Chats that blocked the bot, banned chats and channels are left out.
    """
    return select(Users.user_id).where(_is_reachable(until), _is_in(audience, until))


def _is_reachable(until: int) -> ColumnElement[bool]:
    is_older = or_(Users.registered_at.is_(None), Users.registered_at <= until)
    is_banned = exists().where(Bans.chat_id == Users.user_id)
    return and_(Users.blocked_at.is_(None), Users.is_channel.is_(False), is_older, not_(is_banned))


def _is_in(audience: Audience, until: int) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if audience.chats is not Chats.ALL:
        is_private = audience.chats is Chats.PRIVATE
        conditions.append(Users.user_id > 0 if is_private else Users.user_id < 0)
    if audience.lang is not None:
        conditions.append(Users.lang == audience.lang)
    if audience.active_days is not None:
        since = until - audience.active_days * DAY_S
        conditions.append(or_(Users.post_at >= since, Users.sound_at >= since))
    if audience.referral is not None:
        is_any = not audience.referral
        conditions.append(Users.link.is_not(None) if is_any else Users.link == audience.referral)
    return and_(*conditions)


def _unwritten(admin_id: int) -> Delete:
    is_own_draft = (Broadcasts.admin_id == admin_id) & (Broadcasts.state == State.DRAFT)
    return delete(Broadcasts).where(is_own_draft, Broadcasts.message_id.is_(None))


# --- albums: the row has room for one message, so the others are in the key-value store -----------


def _album_key(broadcast_id: int) -> str:
    return f"album/{broadcast_id}"


def _album(db: Connection, broadcast_id: int) -> tuple[str, tuple[int, ...]]:
    """Return the media group id and the messages of a broadcast's album; both empty without one."""
    stored = read_value_in(db, _album_key(broadcast_id))
    if stored is None:
        return "", ()
    group, messages = json.loads(stored)
    return group, tuple(messages)


def _add_to_album(db: Connection, broadcast_id: int, group: str, message_id: int) -> None:
    _, messages = _album(db, broadcast_id)
    # Telegram copies messages in the order of their ids only.
    # Source: https://core.telegram.org/bots/api#copymessages
    value = json.dumps([group, sorted({*messages, message_id})])
    set_value_in(db, _album_key(broadcast_id), value)


def _broadcast(row: Any, album: tuple[int, ...]) -> Broadcast:
    return Broadcast(
        id=row.id,
        admin_id=row.admin_id,
        state=State(row.state),
        audience=Audience.from_json(row.audience),
        content=Content(row.message_id, album, row.buttons, bool(row.is_silent), bool(row.is_paid)),
        counts=RecipientCounts(row.total, row.sent, row.blocked, row.failed, row.unknown),
        card_id=row.card_id,
        starts_at=row.starts_at,
        trouble=row.trouble,
    )
