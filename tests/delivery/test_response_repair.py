"""Responses that aiogram cannot read completely: the rest of them is used."""

import json
import time
from copy import deepcopy
from typing import Any

import pytest
from aiogram.exceptions import ClientDecodeError, TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import GetUpdates, SendMediaGroup, SendMessage
from aiogram.types import InputMediaPhoto, Update

from delivery.client import TolerantSession, UpdatePolicy
from delivery.response_repair import UnreadableUpdate
from tests.fakes import FakeTelegram
from tests.updates import ADA, GROUP, LINK, PRIVATE, SAMPLES, Json, message

SECRET = "a private sentence"
TOMORROW = {"type": "planet", "mood": SECRET}


class Parser:
    def __init__(self, telegram: FakeTelegram) -> None:
        self.unreadable: list[UnreadableUpdate] = []
        self.session = TolerantSession(UpdatePolicy(self.unreadable.append))
        self.bot = telegram.bot

    def updates(self, *raw: Any) -> list[Update]:
        content = json.dumps({"ok": True, "result": raw})
        return self.session.check_response(self.bot, GetUpdates(), 200, content).result or []

    def result(self, method: Any, response: Json, status: int = 200) -> Any:
        content = json.dumps(response)
        return self.session.check_response(self.bot, method, status, content).result


@pytest.fixture
def parser(telegram: FakeTelegram) -> Parser:
    return Parser(telegram)


def without(value: Json, key: str) -> Json:
    return {name: inner for name, inner in value.items() if name != key}


def reached(**fields: Any) -> Json:
    return {"message": message(text="hello", **fields)}


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (reached(forward_origin=TOMORROW), "message.forward_origin"),
        (reached(paid_media={"star_count": 1, "paid_media": [TOMORROW]}), None),
        (reached(reply_to_message=message(forward_origin=TOMORROW)), None),
        (reached(external_reply={"origin": TOMORROW}), None),
        (reached(entities=[{"type": "bold", "length": 5}]), "message.entities.offset"),
        (reached(photo=[{"file_id": 5}]), None),
        (reached(story=7), "message.story"),
        ({"message": without(message(text="hello"), "date")}, "message.date"),
        ({"message": {**message(text="hello"), "from": without(ADA, "is_bot")}}, None),
        ({"message": {**message(text="hello"), "from": 5}}, "message.from"),
        ({"message": {**message(text="hello"), "chat": {**PRIVATE, "title": 5}}}, None),
    ],
)
def test_the_readable_rest_of_a_message_is_handled(event: Json, path: str | None, parser: Parser):
    (update,) = parser.updates({"update_id": 5, **event})
    assert update.message
    assert (update.message.text, update.message.chat.id) == ("hello", 7)
    (unreadable,) = parser.unreadable
    assert (unreadable.update_id, unreadable.kind, unreadable.is_handled) == (5, "message", True)
    assert unreadable.path == path or path is None
    assert unreadable.path.startswith("message.")


@pytest.mark.parametrize(
    ("event", "kind", "path"),
    [
        ({"message": without(message(text="hello"), "chat")}, "message", "message.chat"),
        ({"message": {**message(), "chat": without(GROUP, "id")}}, "message", "message.chat.id"),
        ({"message": "hello"}, "message", "message"),
        (
            {"my_chat_member": {**SAMPLES["added"]["my_chat_member"], "new_chat_member": TOMORROW}},
            "my_chat_member",
            "my_chat_member.new_chat_member",
        ),
    ],
)
def test_what_cannot_be_read_is_acknowledged(event: Json, kind: str, path: str, parser: Parser):
    (update,) = parser.updates({"update_id": 5, **event})
    assert (update.update_id, update.model_fields_set) == (5, {"update_id"})
    assert parser.unreadable == [UnreadableUpdate(5, kind, path, is_handled=False)]


def test_a_text_with_half_an_emoji_is_read(parser: Parser):
    (update,) = parser.updates({"update_id": 5, "message": message(text="half \ud83d of it")})
    assert update.message
    assert update.message.text == "half \ud83d of it"
    assert parser.unreadable == []


def test_a_missing_date_is_now(parser: Parser):
    (update,) = parser.updates({"update_id": 5, "message": without(message(), "date")})
    assert update.message
    assert abs(update.message.date.timestamp() - time.time()) < 60


def test_a_pressed_message_keeps_its_buttons(parser: Parser):
    event = deepcopy(SAMPLES["button"])
    event["callback_query"]["message"]["forward_origin"] = TOMORROW
    (update,) = parser.updates({"update_id": 5, **event})
    assert update.callback_query
    assert update.callback_query.data == "lang:uk"
    pressed = update.callback_query.message
    assert pressed
    assert getattr(pressed, "reply_markup", None)


def test_one_unreadable_update_leaves_the_others_alone(parser: Parser):
    batch = [{"update_id": n, **reached()} for n in range(1, 6)]
    batch[2]["message"]["forward_origin"] = TOMORROW
    batch[3] = {"update_id": 4, "message": 1}
    updates = parser.updates(*batch)
    assert [update.update_id for update in updates] == [1, 2, 3, 4, 5]
    assert [bool(update.message) for update in updates] == [True, True, True, False, True]
    assert [each.update_id for each in parser.unreadable] == [3, 4]


def test_what_has_no_id_is_left_out(parser: Parser):
    batch = [None, 7, {"message": 1}, {"update_id": "5", "message": 1}, {"update_id": 6}]
    assert [update.update_id for update in parser.updates(*batch)] == [6]


def test_a_batch_without_any_id_is_an_error(parser: Parser):
    with pytest.raises(ClientDecodeError):
        parser.updates({"message": 1})


@pytest.mark.parametrize("raw", ["not JSON", '{"ok": tru', "[" * 100_000, "null", "[1]"])
def test_what_is_no_response_is_an_error(raw: str, parser: Parser):
    with pytest.raises(ClientDecodeError):
        parser.session.check_response(parser.bot, GetUpdates(), 200, raw)


def test_a_sent_message_with_something_new_is_still_sent(parser: Parser):
    sent = message(text="hello", forward_origin=TOMORROW)
    result = parser.result(SendMessage(chat_id=7, text="hello"), {"ok": True, "result": sent})
    assert (result.message_id, result.text) == (70, "hello")


def test_no_message_of_an_album_is_lost(parser: Parser):
    album = SendMediaGroup(chat_id=7, media=[InputMediaPhoto(media="a")] * 2)
    sent = [message(photo=[TOMORROW]), {**message(), "message_id": 71}]
    result = parser.result(album, {"ok": True, "result": sent})
    assert [each.message_id for each in result] == [70, 71]
    with pytest.raises(ClientDecodeError):
        parser.result(album, {"ok": True, "result": [message(), {"message_id": 71}]})


def test_a_message_without_an_id_is_an_error(parser: Parser):
    with pytest.raises(ClientDecodeError):
        parser.result(SendMessage(chat_id=7, text="x"), {"ok": True, "result": {"chat": GROUP}})


def test_errors_of_telegram_keep_their_meaning(parser: Parser):
    method = SendMessage(chat_id=7, text="x")
    refused = {"ok": False, "error_code": 400, "description": "no", "parameters": {"tomorrow": 1}}
    with pytest.raises(TelegramBadRequest):
        parser.result(method, refused, 400)
    parameters = {"retry_after": 5, "x": TOMORROW, "migrate_to_chat_id": "soon"}
    slow = {"ok": False, "description": "slow", "parameters": parameters}
    with pytest.raises(TelegramRetryAfter):
        parser.result(method, slow, 429)


def test_the_log_names_the_part_and_no_contents(parser: Parser, caplog: pytest.LogCaptureFixture):
    parser.updates(
        {"update_id": 5, **reached(forward_origin=TOMORROW, caption=[SECRET])},
        {"update_id": 6, "message": {"text": SECRET, "from": {"first_name": SECRET}}},
    )
    parser.result(
        SendMessage(chat_id=7, text=SECRET),
        {"ok": True, "result": message(text=SECRET, forward_origin=TOMORROW)},
    )
    lines = [record for record in caplog.records if record.name.startswith("delivery.")]
    events = [getattr(record, "event", "") for record in lines]
    assert events == ["update_unreadable", "update_unreadable", "response_unreadable"]
    assert "message.forward_origin" in caplog.text
    assert SECRET not in caplog.text


def rich(depth: int, inner: Any = LINK) -> Json:
    """Return a rich message with nested formatting."""
    text: Any = inner
    for number in range(depth):
        text = {"type": ("bold", "italic", "underline")[number % 3], "text": ["a", text]}
    return {"blocks": [{"type": "paragraph", "text": text}]}


@pytest.mark.parametrize("inner", [LINK, TOMORROW, {"type": "url", "text": "this", "url": LINK}])
def test_deeply_nested_formatting_takes_no_time(parser: Parser, inner: Any):
    """Each level made reading it twenty times longer: the bot stopped for everybody."""
    above = {"message_id": 3, "date": 1, "chat": PRIVATE, "rich_message": rich(60, inner)}
    event = {"message": message(rich_message=rich(60, inner), reply_to_message=above)}
    began_at = time.thread_time()
    (update,) = parser.updates({"update_id": 1, **event})
    raw = json.loads(json.dumps({"update_id": 2, **event}))
    assert parser.session.parse_update(parser.bot, raw).message is not None
    sent = {**message(text="x"), "reply_to_message": above}
    answer = parser.result(SendMessage(chat_id=7, text="x"), {"ok": True, "result": sent})
    assert answer.text == "x"
    assert time.thread_time() - began_at < 5
    assert update.message
    if inner is not TOMORROW:
        urls = [entity.url for entity in update.message.entities or []]
        assert LINK in (update.message.text or "") or LINK in urls
    assert parser.unreadable == []
