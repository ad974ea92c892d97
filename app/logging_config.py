"""The log: lines for people or for programs, and no more about chats than the operator wants."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from core.pseudonyms import LoggedChat, Pseudonyms

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_logging(level: str, form: str, *, token: str, with_chat_ids: bool) -> None:
    """Let the program's log begin; `token` makes the chats' pseudonyms this bot's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    handler.addFilter(ChatNames(None if with_chat_ids else Pseudonyms(token)))
    logging.basicConfig(level=level, handlers=[handler], force=True)


class ChatNames(logging.Filter):
    """Decides how chats are written: as they are, or by a pseudonym."""

    def __init__(self, pseudonyms: Pseudonyms | None) -> None:
        super().__init__()
        self._pseudonyms = pseudonyms

    def filter(self, record: logging.LogRecord) -> bool:
        """Name the chats of a line."""
        if isinstance(record.args, tuple):
            record.args = tuple(self._report(argument) for argument in record.args)
        return True

    def _report(self, argument: object) -> object:
        if not isinstance(argument, LoggedChat):
            return argument
        chat_id = argument.chat_id
        return self._pseudonyms.of(chat_id) if self._pseudonyms else chat_id


class JsonLines(logging.Formatter):
    """One JSON object in each line, with a request's facts beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
