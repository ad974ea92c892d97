"""Logging: as text or JSON lines, with chat ids or pseudonyms."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from core.log_context import current_request
from core.pseudonyms import LoggedChat, Pseudonyms

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(request_tag)s%(message)s"
#: Loggers of libraries that write a line for each update, each migration or each query, which our
#: own lines say better.
_VERBOSE: Final = ("aiogram.event", "alembic", "aiosqlite")


def configure_logging(level: str, form: str, *, token: str, with_chat_ids: bool) -> None:
    """Configure the root logger.

    `form` is "json" or "text". `token` is the key of the pseudonyms, which replace chat ids unless
    `with_chat_ids` is set.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    handler.addFilter(ChatNames(None if with_chat_ids else Pseudonyms(token)))
    handler.addFilter(add_request)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def add_request(record: logging.LogRecord) -> bool:
    """Add the id of the request that the code works for to a record; always return True."""
    request = current_request.get()
    record.request = request
    record.request_tag = "" if request is None else f"[request {request}] "
    return True


class ChatNames(logging.Filter):
    """Writes each `LoggedChat` argument as its pseudonym, or as its id if `pseudonyms` is None."""

    def __init__(self, pseudonyms: Pseudonyms | None) -> None:
        super().__init__()
        self._pseudonyms = pseudonyms

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the `LoggedChat` arguments of a record; always return True."""
        if isinstance(record.args, tuple):
            record.args = tuple(self._chat_name(argument) for argument in record.args)
        return True

    def _chat_name(self, argument: object) -> object:
        if not isinstance(argument, LoggedChat):
            return argument
        chat_id = argument.chat_id
        return self._pseudonyms.of(chat_id) if self._pseudonyms else chat_id


#: What some log calls pass in `extra` besides the event, which is a stable name to search for.
_EXTRA = ("reason", "code")


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object; docs/operating/monitoring.md lists its fields.

    Every line has `time`, `level`, `logger`, `event`, `request` and `message`; event and request
    may be null. Some have `reason`, `code`, `traceback`, and the `facts` of their event.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": getattr(record, "event", None),
            "request": getattr(record, "request", None),
            **{name: getattr(record, name) for name in _EXTRA if hasattr(record, name)},
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
