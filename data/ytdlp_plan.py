"""The stored plan of which yt-dlp is used, and an administrator's wish for the newest one."""

from typing import Final

from core.ytdlp_plan import Plan
from data.key_values import Along, compare_and_set, read_value, set_value
from data.starts import as_number

_PLAN: Final = "ytdlp/plan"
_WISH: Final = "ytdlp/now"


async def load_plan() -> Plan:
    """Return the stored plan; an empty one if there is none.

    Raises:
        StorageError: the database did not respond.
    """
    return Plan.from_json(await read_value(_PLAN))


async def change_plan(before: Plan, after: Plan, along: Along | None = None) -> bool:
    """Store a plan in place of `before`; return False if another process has changed it.

    Raises:
        StorageError: the database did not respond.
    """
    stored = await read_value(_PLAN)
    return Plan.from_json(stored) == before and await compare_and_set(
        _PLAN, stored, after.as_json(), along
    )


async def wish_for_newest() -> None:
    """Ask for the newest release, however young it is.

    Raises:
        StorageError: the database did not respond.
    """
    await set_value(_WISH, "0")


async def begin_wish() -> int:
    """Return how often work for `wish_for_newest` was begun, with this time; 0 without a wish.

    Raises:
        StorageError: the database did not respond.
    """
    stored = await read_value(_WISH)
    begun = as_number(stored) + 1
    is_mine = stored is not None and await compare_and_set(_WISH, stored, str(begun))
    return begun if is_mine else 0


async def end_wish(begun: int, along: Along | None = None) -> bool:
    """Forget the wish whose work was begun so often: it is answered. False: there is a new one.

    Raises:
        StorageError: the database did not respond.
    """
    return await compare_and_set(_WISH, str(begun), None, along)
