"""The bot's inline messages: their senders, requests and shown posts."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from core.request import Request
from data.database import read_one, table_of, unix_now, write
from data.models import InlineMessages
from data.prepared_statements import PreparedStatement
from data.upserts import insert_if_missing

_TABLE: Final = table_of(InlineMessages)
_BY_ID: Final = PreparedStatement(
    select(_TABLE).where(_TABLE.c.inline_id == bindparam("inline_id"))
)


@dataclass(frozen=True, slots=True)
class InlineMessage:
    """An inline message sent through the bot."""

    #: User id of the sender.
    owner_id: int
    #: The request that the message was created for.
    request: Request
    #: The platform's id of the shown post; None while the message shows none.
    post_id: str | None


async def store_inline(inline_id: str, owner_id: int, request: Request) -> None:
    """Store the sender and the request of an inline message; do nothing if it is stored."""
    values = {
        "inline_id": inline_id,
        "owner_id": owner_id,
        "what": request.as_json(),
        "made_at": unix_now(),
    }
    await write(lambda db: insert_if_missing(db, _TABLE, values))


async def find_inline(inline_id: str) -> InlineMessage | None:
    """Return an inline message, or None if it is unknown or its stored request is invalid."""
    row = await read_one(lambda db: _BY_ID.first(db, {"inline_id": inline_id}))
    request = Request.from_json(row.what) if row else None
    return InlineMessage(row.owner_id, request, row.post_id) if row and request else None


async def record_shown_post(inline_id: str, post_id: str) -> None:
    """Store the id of the post that an inline message shows."""
    statement = update(_TABLE).where(_TABLE.c.inline_id == inline_id).values(post_id=post_id)
    await write(lambda db: db.execute(statement))
