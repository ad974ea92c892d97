"""The stored plan of which yt-dlp is used, and an administrator's wish for the newest one."""

from typing import Final

from core.ytdlp_plan import Plan
from data.key_values import compare_and_set, read_value, set_value

_PLAN: Final = "ytdlp/plan"
_WISH: Final = "ytdlp/now"


async def load_plan() -> Plan:
    """Return the stored plan; an empty one if there is none.

    Raises:
        StorageError: the database did not respond.
    """
    return Plan.from_json(await read_value(_PLAN))


async def change_plan(before: Plan, after: Plan) -> bool:
    """Store a plan in place of `before`; return False if another process has changed it.

    Raises:
        StorageError: the database did not respond.
    """
    stored = await read_value(_PLAN)
    return Plan.from_json(stored) == before and await compare_and_set(
        _PLAN, stored, after.as_json()
    )


async def wish_for_newest() -> None:
    """Ask for the newest release, however young it is.

    Raises:
        StorageError: the database did not respond.
    """
    await set_value(_WISH, "1")


async def take_wish() -> bool:
    """Return True once after each `wish_for_newest`.

    Raises:
        StorageError: the database did not respond.
    """
    return await read_value(_WISH) is not None and await compare_and_set(_WISH, "1", None)
