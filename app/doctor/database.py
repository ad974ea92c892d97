"""Doctor checks of the database: it is neither created nor upgraded."""

from app.doctor.finding import Finding
from core.errors import NewerDatabaseError, StorageError
from data.config import Settings
from data.schema_state import SchemaState, read_schema_state


async def database_findings(settings: Settings) -> Finding:
    """Check that the database can be used, and say what the next start would do with it."""
    try:
        state = await read_schema_state(settings["database"]["url"])
    except NewerDatabaseError as error:
        return Finding("failure", f"database: a newer Clipferry has upgraded it, {error.detail}")
    except StorageError as error:
        return Finding("failure", f"database: it cannot be used: {error.detail}")
    return _finding(state)


def _finding(state: SchemaState) -> Finding:
    if state.is_newest:
        return Finding("ok", f"database: it has the newest schema, {state.newest}")
    if state.current is None and not state.has_tables:
        return Finding(
            "ok", f"database: it is empty, the next start would create schema {state.newest}"
        )
    before = state.current or "the original module's tables"
    return Finding(
        "warning",
        f"database: the next start would upgrade {before} → {state.newest}, back up first",
    )
