"""Broadcasts: the drafts, who gets them, and what has become of each message."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from core.broadcasts import Audience, Broadcast, Chats, Outcome, State
from data.database import read, read_one, table_of, unix_now, write
from data.models import Bans, Broadcasts, Recipients, Users, Workers
from data.prepared_statements import PreparedStatement, parameters

#: So many recipients are listed in one transaction: other writers get their turn in between.
_CHUNK: Final = 20_000
_BEFORE_ALL: Final = -(2**62)
_DAY_S: Final = 86_400
_TABLE: Final = table_of(Broadcasts)
_LIST: Final = table_of(Recipients)
_COMPOSING: Final = PreparedStatement(
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
# Twice for each message, so built once.
_NOTE: Final = PreparedStatement(
    update(_LIST)
    .where(_LIST.c.broadcast_id == bindparam("id"), _LIST.c.chat_id == bindparam("chat"))
    .values(outcome=bindparam("how"))
)
_LEAVE: Final = PreparedStatement(
    update(_LIST)
    .where(
        _LIST.c.broadcast_id == bindparam("id"),
        _LIST.c.chat_id == bindparam("chat"),
        _LIST.c.outcome == str(Outcome.WAITING),
        exists().where(_TABLE.c.id == bindparam("id"), _TABLE.c.state == str(State.RUNNING)),
    )
    .values(outcome=str(Outcome.LEAVING))
    .returning(_LIST.c.chat_id)
)
_COUNTED: Final = {
    outcome: PreparedStatement(
        update(_TABLE)
        .where(_TABLE.c.id == bindparam("number"))
        .values({str(outcome): _TABLE.c[str(outcome)] + 1})
    )
    for outcome in (Outcome.SENT, Outcome.BLOCKED, Outcome.FAILED, Outcome.UNKNOWN)
}
_ADD: Final = insert(_LIST).values(parameters("broadcast_id", "chat_id", "outcome"))


async def new_draft(bot_id: int, admin_id: int) -> int:
    """Begin a broadcast in place of one of the same administrator that has no message yet."""
    unwritten = delete(Broadcasts).where(
        Broadcasts.admin_id == admin_id,
        Broadcasts.state == State.DRAFT,
        Broadcasts.message_id.is_(None),
    )
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
        db.execute(unwritten)
        number: int = db.execute(
            insert(Broadcasts).values(values).returning(Broadcasts.id)
        ).scalar_one()
        return number

    return await write(work)


async def draft_awaiting_message(admin_id: int) -> int | None:
    """Give the broadcast for which an administrator is to write the message."""
    row = await read_one(lambda db: _COMPOSING.first(db, {"admin_id": admin_id}))
    return row and int(row.id)


async def broadcast_of_card(admin_id: int, card_id: int) -> int | None:
    """Give the broadcast that is governed in a message of ours."""
    row = await read_one(lambda db: _BY_CARD.first(db, {"admin_id": admin_id, "card_id": card_id}))
    return row and int(row.id)


async def find_broadcast(broadcast_id: int) -> Broadcast | None:
    """Give a broadcast."""
    question = select(_TABLE).where(_TABLE.c.id == broadcast_id)
    row = await read(lambda db: db.execute(question).first())
    return _broadcast(row) if row else None


async def open_broadcasts(bot_id: int) -> list[Broadcast]:
    """List the broadcasts that have not ended and have a message, oldest first."""
    question = (
        select(_TABLE)
        .where(
            _TABLE.c.bot_id == bot_id,
            _TABLE.c.state.in_([State.DRAFT, State.RUNNING, State.PAUSED]),
            _TABLE.c.message_id.is_not(None),
        )
        .order_by(_TABLE.c.id)
    )
    return [_broadcast(row) for row in await read(lambda db: db.execute(question).all())]


async def change_broadcast(broadcast_id: int, *states: State, **values: Any) -> bool:
    """Change a broadcast if it is in one of some states; tell whether it was."""
    if isinstance(audience := values.get("audience"), Audience):
        values["audience"] = audience.as_json()
    statement = (
        update(Broadcasts)
        .where(Broadcasts.id == broadcast_id, Broadcasts.state.in_(states))
        .values(**values)
    )
    return await write(lambda db: bool(db.execute(statement).rowcount))


async def confirm_broadcast(broadcast_id: int) -> bool:
    """Let a draft run; False if it is none any more."""
    return await change_broadcast(
        broadcast_id,
        State.DRAFT,
        state=State.RUNNING,
        confirmed_at=unix_now(),
        listed_up_to=_BEFORE_ALL,
        total=0,
    )


async def discard_broadcast(broadcast_id: int) -> None:
    """Forget a draft."""
    statement = delete(Broadcasts).where(
        Broadcasts.id == broadcast_id, Broadcasts.state == State.DRAFT
    )
    await write(lambda db: db.execute(statement))


async def count_audience(audience: Audience) -> int:
    """Count who would get a broadcast now."""
    question = _who(audience, unix_now()).with_only_columns(func.count())
    return await read(lambda db: db.execute(question).scalar_one())


async def claim_broadcast(bot_id: int, owner: str) -> Broadcast | None:
    """Give a worker a broadcast that is due and that nobody living sends, or None.

    What was on its way when its last worker died is unknown from now on.
    """
    is_alive = exists().where(Workers.name == Broadcasts.owner, Workers.alive_until >= unix_now())
    due = (
        select(Broadcasts.id)
        .where(
            Broadcasts.bot_id == bot_id,
            Broadcasts.state == State.RUNNING,
            Broadcasts.starts_at <= unix_now(),
            or_(Broadcasts.owner.is_(None), Broadcasts.owner == owner, not_(is_alive)),
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
        return _broadcast(db.execute(claimed).one())

    return await write(work)


async def release_broadcast(broadcast_id: int, owner: str) -> None:
    """Let the next worker go on with a broadcast."""
    statement = (
        update(Broadcasts)
        .where(Broadcasts.id == broadcast_id, Broadcasts.owner == owner)
        .values(owner=None)
    )
    await write(lambda db: db.execute(statement))


async def list_recipients(broadcast_id: int) -> bool:
    """List the next of those who get a broadcast; False when all were listed."""
    question = select(_TABLE.c.audience, _TABLE.c.confirmed_at, _TABLE.c.listed_up_to).where(
        _TABLE.c.id == broadcast_id
    )

    def work(db: Connection) -> bool:
        row = db.execute(question).one()
        if row.listed_up_to is None:
            return False
        who = _who(Audience.from_json(row.audience), row.confirmed_at)
        chunk = who.where(Users.user_id > row.listed_up_to).order_by(Users.user_id).limit(_CHUNK)
        chats = db.execute(chunk).scalars().all()
        if chats:
            db.execute(
                _ADD,
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
    """Give the next chats that still wait, in order of their ids, behind one."""
    question = (
        select(_LIST.c.chat_id)
        .where(
            _LIST.c.broadcast_id == broadcast_id,
            _LIST.c.chat_id > (_BEFORE_ALL if after is None else after),
            _LIST.c.outcome == str(Outcome.WAITING),
        )
        .order_by(_LIST.c.chat_id)
        .limit(number)
    )
    return list(await read(lambda db: db.execute(question).scalars().all()))


async def record_sending_to(broadcast_id: int, chat_id: int) -> bool:
    """Note that a message is about to be sent; False if it must not be any more.

    Then the broadcast was paused or ended just now, or another process has sent it.
    """
    values = {"id": broadcast_id, "chat": chat_id}
    return await write(lambda db: _LEAVE.first(db, values) is not None)


async def record_outcome(broadcast_id: int, chat_id: int, outcome: Outcome) -> None:
    """Note what has become of one message, and count it."""
    values = {"id": broadcast_id, "chat": chat_id, "how": str(outcome)}

    def work(db: Connection) -> None:
        _NOTE.first(db, values)
        if counted := _COUNTED.get(outcome):
            counted.first(db, {"number": broadcast_id})

    await write(work)


async def rename_recipient(broadcast_id: int, old_id: int, new_id: int) -> bool:
    """Let a recipient wait under its new id; False if that one is in the list itself."""
    mine = (Recipients.broadcast_id == broadcast_id) & (Recipients.chat_id == old_id)
    is_there = select(Recipients.chat_id).where(
        Recipients.broadcast_id == broadcast_id, Recipients.chat_id == new_id
    )

    def work(db: Connection) -> bool:
        if db.execute(is_there).first() is None:
            db.execute(
                update(Recipients).where(mine).values(chat_id=new_id, outcome=Outcome.WAITING)
            )
            return True
        db.execute(delete(Recipients).where(mine))
        db.execute(
            update(_TABLE).where(_TABLE.c.id == broadcast_id).values(total=_TABLE.c.total - 1)
        )
        return False

    return await write(work)


async def unknown_recipients(broadcast_id: int, number: int) -> list[int]:
    """List chats of which nobody knows whether they have got it."""
    question = (
        select(_LIST.c.chat_id)
        .where(_LIST.c.broadcast_id == broadcast_id, _LIST.c.outcome == str(Outcome.UNKNOWN))
        .order_by(_LIST.c.chat_id)
        .limit(number)
    )
    return list(await read(lambda db: db.execute(question).scalars().all()))


async def resend_unknown(broadcast_id: int) -> bool:
    """Let an ended broadcast go on with those of whom nobody knows; False if there are none."""

    def work(db: Connection) -> bool:
        again = (
            update(Broadcasts)
            .where(
                Broadcasts.id == broadcast_id,
                Broadcasts.state == State.DONE,
                Broadcasts.unknown > 0,
            )
            .values(state=State.RUNNING, unknown=0)
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
    """Forget who has got the broadcasts that have ended and are old; give the number of chats."""
    old = select(Broadcasts.id).where(
        Broadcasts.state.in_([State.DONE, State.CANCELLED]),
        Broadcasts.confirmed_at < confirmed_before,
    )
    statement = delete(Recipients).where(Recipients.broadcast_id.in_(old))
    return await write(lambda db: db.execute(statement).rowcount)


def _who(audience: Audience, until: int) -> Select[int]:
    """Ask for the chats of an audience that were there at a time: open to us, and not banned."""
    conditions: list[ColumnElement[bool]] = [
        Users.blocked_at.is_(None),
        or_(Users.registered_at.is_(None), Users.registered_at <= until),
        not_(exists().where(Bans.chat_id == Users.user_id)),
    ]
    if audience.chats is not Chats.ALL:
        is_private = audience.chats is Chats.PRIVATE
        conditions.append(Users.user_id > 0 if is_private else Users.user_id < 0)
    if audience.lang is not None:
        conditions.append(Users.lang == audience.lang)
    if audience.active_days is not None:
        since = until - audience.active_days * _DAY_S
        conditions.append(or_(Users.post_at >= since, Users.sound_at >= since))
    if audience.referral is not None:
        came_by = Users.link == audience.referral if audience.referral else Users.link.is_not(None)
        conditions.append(came_by)
    return select(Users.user_id).where(and_(*conditions))


def _broadcast(row: Any) -> Broadcast:
    return Broadcast(
        id=row.id,
        admin_id=row.admin_id,
        state=State(row.state),
        audience=Audience.from_json(row.audience),
        message_id=row.message_id,
        card_id=row.card_id,
        buttons=row.buttons,
        is_silent=bool(row.is_silent),
        is_paid=bool(row.is_paid),
        starts_at=row.starts_at,
        total=row.total,
        sent=row.sent,
        blocked=row.blocked,
        failed=row.failed,
        unknown=row.unknown,
        trouble=row.trouble,
    )
