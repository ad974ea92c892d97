"""What the log says about chats, and in which form."""

import json
import logging
import sys

import pytest

from app.logging_config import ChatNames, JsonLines, add_request, configure_logging
from core.log_context import current_request
from core.pseudonyms import LoggedChat, Pseudonyms

TOKEN = "42:a-token-of-a-test"


def line(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("services", logging.INFO, "file", 1, message, args, None)
    record.__dict__.update(extra)
    return record


def test_a_chat_is_named_by_a_pseudonym_that_only_this_bot_has():
    record = line("Request %s for chat %s", 7, LoggedChat(-100123))
    assert ChatNames(Pseudonyms(TOKEN)).filter(record)
    said = record.getMessage()
    assert said == f"Request 7 for chat {Pseudonyms(TOKEN).of(-100123)}"
    assert "100123" not in said
    assert Pseudonyms(TOKEN).of(-100123) != Pseudonyms("43:another").of(-100123)
    assert Pseudonyms(TOKEN).of(-100123) != Pseudonyms(TOKEN).of(100123)


def test_an_operator_may_have_the_ids():
    record = line("chat %s", LoggedChat(-100123))
    ChatNames(None).filter(record)
    assert record.getMessage() == "chat -100123"


def test_without_a_decision_nothing_is_said():
    assert line("chat %s", LoggedChat(-100123)).getMessage() == "chat (a chat)"


def test_lines_for_programs_hold_the_facts_and_the_traceback():
    record = line("Ünïcode %s", "x", facts={"request": 7, "outcome": "known"})
    try:
        raise ValueError("what")
    except ValueError:
        record.exc_info = sys.exc_info()
    found = json.loads(JsonLines().format(record))
    assert found["message"] == "Ünïcode x"
    assert (found["request"], found["outcome"], found["level"]) == (7, "known", "INFO")
    assert found["traceback"].endswith("ValueError: what")
    assert found["time"].endswith("+00:00")


def test_lines_for_programs_hold_the_event():
    record = line("An update is not answered")
    record.event = "update_dropped"
    record.reason = "flood"
    found = json.loads(JsonLines().format(record))
    assert (found["event"], found["reason"]) == ("update_dropped", "flood")


@pytest.mark.parametrize("args", [(), ({"a": 1},)])
def test_other_lines_stay_as_they_are(args: tuple[object, ...]):
    record = line("plain" if not args else "%(a)s", *args)
    ChatNames(None).filter(record)
    assert record.getMessage() in {"plain", "1"}


def test_a_line_says_which_request_the_code_works_for(capsys: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("INFO", "text", token=TOKEN, with_chat_ids=False)
        token = current_request.set(7)
        logging.getLogger("delivery").info("slow", extra={"event": "x"})
        current_request.reset(token)
        logging.getLogger("delivery").info("idle", extra={"event": "x"})
        logging.getLogger("aiogram.event").info("Update id=1 is handled")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    slow, idle = capsys.readouterr().err.splitlines()
    assert slow.endswith("INFO delivery: [request 7] slow")
    assert idle.endswith("INFO delivery: idle")


def test_json_lines_always_have_event_and_request():
    record = line("of a library")
    assert add_request(record)
    found = json.loads(JsonLines().format(record))
    assert list(found) == ["time", "level", "logger", "event", "request", "message"]
    assert (found["event"], found["request"]) == (None, None)
