"""Telegram's rate limits, shared by several processes (PostgreSQL only; migration 0015)."""

import json
from dataclasses import asdict
from typing import Final

from sqlalchemy import text

from core.pacing import shared_limits
from core.turns import Report, Turn, Turns
from data.database import call

_CLAIM: Final = text(
    "SELECT CAST(claim_turns(:bot, CAST(:limits AS jsonb), CAST(:report AS jsonb)) AS text)"
)
_LIMITS: Final = json.dumps(shared_limits())


async def claim_turns(bot_id: int, report: Report) -> Turns:
    """Report to the other processes, and claim turns, in one statement.

    Raises:
        StorageError: the database did not respond, or refused.
    """
    values = {"bot": bot_id, "limits": _LIMITS, "report": json.dumps(asdict(report))}
    answer = json.loads(await call(_CLAIM, values))
    return Turns(
        [Turn(*values) for values in answer["turns"]],
        answer["wait"],
        answer["used"],
        answer["processes"],
    )
