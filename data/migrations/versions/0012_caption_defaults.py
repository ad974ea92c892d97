"""Existing chats keep their captions, although new ones start with text and author."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BATCH = 1_000


def upgrade() -> None:
    """Store the old default wherever preferences are stored, which hold only differences from it.

    Requests and inline messages contain the preferences of their chat.
    """
    users = sa.table("users", sa.column("user_id"), sa.column("wishes"))
    op.execute(sa.update(users).where(users.c.wishes.is_(None)).values(wishes=_with_switch(None)))
    _rewrite(users, "user_id", "wishes", _with_switch)
    requests = sa.table("requests", sa.column("id"), sa.column("what"))
    _rewrite(requests, "id", "what", _request_with_switch)
    messages = sa.table("inline_messages", sa.column("inline_id"), sa.column("what"))
    _rewrite(messages, "inline_id", "what", _request_with_switch)


def _rewrite(
    table: sa.TableClause, key_name: str, column_name: str, change: Callable[[str], str]
) -> None:
    """Change a text column of all rows, in batches by their key."""
    db, key, column = op.get_bind(), table.c[key_name], table.c[column_name]
    rows = sa.select(key, column).order_by(key).limit(_BATCH)
    write = (
        sa.update(table)
        .where(key == sa.bindparam("row"))
        .values({column_name: sa.bindparam("text")})
    )
    batch = db.execute(rows).all()
    while batch:
        changes = [(row, text, change(text)) for row, text in batch]
        if changed := [{"row": row, "text": new} for row, old, new in changes if new != old]:
            db.execute(write, changed)
        batch = db.execute(rows.where(key > batch[-1][0])).all()


def _with_switch(wishes: str | None) -> str:
    values = _object(wishes)
    if not isinstance(values.get("describe"), bool):
        values["describe"] = False
    return json.dumps(values)


def _request_with_switch(what: str) -> str:
    values = _object(what)
    if not values:
        return what  # it cannot be read, now as before
    return json.dumps({**values, "wishes": _with_switch(values.get("wishes"))})


def _object(text: Any) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
