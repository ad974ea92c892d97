"""Bugs: logged with their traceback and stored, under a code that the user sees."""

import logging
import secrets

from core.errors import BugError, StorageError
from data.error_reports import store_report

logger = logging.getLogger(__name__)


async def report_bug(bug: Exception, doing: str) -> BugError:
    """Log and store an unexpected exception; return the error that shows its code to the user.

    `doing` says for developers what was being done.
    """
    error = BugError(secrets.token_hex(4).upper())
    error.__cause__ = bug
    logger.error(
        "Bug %s in %s",
        error.report_code,
        doing,
        exc_info=bug,
        extra={"event": "bug", "code": error.report_code},
    )
    try:
        await store_report(error.report_code, doing, bug)
    except StorageError as second:
        logger.warning(
            "Could not store bug report %s: %s",
            error.report_code,
            second,
            extra={"event": "bug_report_not_stored"},
        )
    return error
