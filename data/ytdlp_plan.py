"""The stored plan of which yt-dlp is used, and an administrator's request for the newest one."""

from typing import Final

from core.ytdlp_plan import Plan
from data.key_values import Along, compare_and_set, read_value, set_value
from data.starts import as_number

_PLAN: Final = "ytdlp/plan"
_REQUESTED: Final = "ytdlp/now"


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


async def request_newest() -> None:
    """Store an administrator's request for the newest release, however young it is.

    Raises:
        StorageError: the database did not respond.
    """
    await set_value(_REQUESTED, "0")


async def begin_requested_update() -> int:
    """Return how many times the requested update was begun, with this time; 0 without a request.

    Raises:
        StorageError: the database did not respond.
    """
    stored = await read_value(_REQUESTED)
    begun = as_number(stored) + 1
    is_mine = stored is not None and await compare_and_set(_REQUESTED, stored, str(begun))
    return begun if is_mine else 0


async def end_requested_update(begun: int, along: Along | None = None) -> bool:
    """Delete a request that was begun `begun` times; return False if there is a newer one.

    Raises:
        StorageError: the database did not respond.
    """
    return await compare_and_set(_REQUESTED, str(begun), None, along)
