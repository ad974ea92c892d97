"""The cards that offer the posts of lists, and what is chosen on them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from core.lists import ListCard, Listing
from core.request import Request
from data.database import read_one, table_of, unix_now, write
from data.models import Lists

_TABLE: Final = table_of(Lists)


async def store_list(bot_id: int, request: Request, listing: Listing) -> ListCard:
    """Store a card for the answer to a request, with nothing chosen, and return it."""
    values = {
        "bot_id": bot_id,
        "chat_id": request.chat_id,
        "message_id": request.target.message_id,
        "person_id": request.person_id,
        "what": listing.as_json(),
        "ticked": "[]",
        "made_at": unix_now(),
    }
    statement = insert(_TABLE).values(values).returning(_TABLE.c.id)
    number = await write(lambda db: db.execute(statement).scalar_one())
    target = request.target
    return ListCard(number, target.chat_id, target.message_id, request.person_id, listing)


async def find_list(bot_id: int, number: int) -> ListCard | None:
    """Return a card; None if it is gone, or its stored list is invalid."""
    query = select(_TABLE).where(_TABLE.c.id == number, _TABLE.c.bot_id == bot_id)
    row = await read_one(lambda db: db.execute(query).first())
    return _card(row) if row else None


async def move_list(card: ListCard, chat_id: int) -> None:
    """Store the new id of a card's group, which has become a supergroup.

    The message with the link to the list has another id there, which nobody knows: it becomes 0.
    """
    moved = update(_TABLE).where(_TABLE.c.id == card.id).values(chat_id=chat_id, message_id=0)
    await write(lambda db: db.execute(moved))


async def change_ticks(
    card: ListCard, change: Callable[[frozenset[int]], frozenset[int]]
) -> ListCard | None:
    """Change what is chosen on a card and return it; None if it is gone.

    Presses that arrive at the same time change it one after the other.
    """
    query = select(_TABLE).where(_TABLE.c.id == card.id).with_for_update()

    def work(db: Connection) -> ListCard | None:
        row = db.execute(query).first()
        known = _card(row) if row else None
        if known is None:
            return None
        ticked = change(known.ticked)
        values = {"ticked": json.dumps(sorted(ticked))}
        db.execute(update(_TABLE).where(_TABLE.c.id == card.id).values(values))
        return replace(known, ticked=ticked)

    return await write(work)


async def forget_list(card: ListCard) -> None:
    """Delete a card."""
    await write(lambda db: db.execute(delete(_TABLE).where(_TABLE.c.id == card.id)))


async def sweep_lists(made_before: int) -> int:
    """Delete the cards made before a Unix time, and return their number."""
    statement = delete(_TABLE).where(_TABLE.c.made_at < made_before)
    return await write(lambda db: db.execute(statement).rowcount)


def _card(row: Row[Any]) -> ListCard | None:
    listing = Listing.from_json(row.what)
    if listing is None:
        return None
    ticked = frozenset(json.loads(row.ticked)) & set(listing.indexes)
    return ListCard(row.id, row.chat_id, row.message_id, row.person_id, listing, ticked)
