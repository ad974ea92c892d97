"""The contract: it can find mistakes, and the simulator demands and sends the same as it does."""

from copy import deepcopy
from typing import Any

import pytest

from simulator.telegram.api import SCHEMA, Call
from simulator.telegram.world import Person, World, membership
from tests.contract.bot_api import (
    METHODS,
    RESULTS,
    mistakes_in,
    mistakes_in_answer,
    mistakes_in_update,
)
from tests.contract.watch import ContractWatcher
from tests.updates import GROUP, LINK, SAMPLES, Json, message

VIDEO: dict[str, Any] = {"chat_id": 1, "video": "id", "supports_streaming": True}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("sendMessage", {"chat_id": 1, "text": "x"}),
        ("sendVideo", VIDEO),
        ("getMe", {}),
        (
            "sendMessage",
            {
                "chat_id": 1,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]},
            },
        ),
        ("sendMediaGroup", {"chat_id": 1, "media": [{"type": "photo", "media": "attach://a"}] * 2}),
    ],
)
def test_a_right_call_has_no_mistakes(method: str, params: dict[str, Any]):
    assert mistakes_in(method, params, {}) == []


@pytest.mark.parametrize(
    ("method", "params", "mistake"),
    [
        ("sendVideos", {}, "there is no method sendVideos"),
        ("sendVideo", {"chat_id": 1}, "sendVideo needs video"),
        ("sendVideo", {**VIDEO, "codec": "h264"}, "sendVideo has no parameter codec"),
        ("sendVideo", {**VIDEO, "duration": "5"}, "sendVideo.duration is no number"),
        ("sendVideo", {**VIDEO, "duration": True}, "sendVideo.duration is no number"),
        ("sendVideo", {**VIDEO, "caption": 5}, "sendVideo.caption is no string"),
        (
            "sendVideo",
            {**VIDEO, "reply_markup": {"inline_keyboard": [[{"text": "a", "colour": "red"}]]}},
            "sendVideo.reply_markup.inline_keyboard[][] has no field colour",
        ),
        ("sendMediaGroup", {"chat_id": 1, "media": {}}, "sendMediaGroup.media is no list"),
        (
            "sendMediaGroup",
            {"chat_id": 1, "media": [{"type": "photo"}]},
            "sendMediaGroup.media[] needs media",
        ),
    ],
)
def test_a_mistake_is_named(method: str, params: dict[str, Any], mistake: str):
    assert mistake in " ".join(mistakes_in(method, params, {}))


def test_an_upload_counts_as_a_parameter():
    assert mistakes_in("sendVideo", {"chat_id": 1}, {"video": 5}) == []


USER: Json = {"id": 42, "is_bot": True, "first_name": "Demo", "username": "demo_bot"}
SENT: Json = {"message_id": 1, "date": 1, "chat": GROUP, "from": USER, "text": "x"}


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("sendMessage", {"ok": True, "result": SENT}),
        ("editMessageText", {"ok": True, "result": True}),
        ("editMessageText", {"ok": True, "result": {**SENT, "edit_date": 2}}),
        ("sendMessage", {"ok": False, "error_code": 400, "description": "Bad Request: x"}),
        (
            "sendMessage",
            {
                "ok": False,
                "error_code": 429,
                "description": "x",
                "parameters": {"retry_after": 5},
            },
        ),
        ("getUpdates", {"ok": True, "result": [{"update_id": 1, "message": message(text="x")}]}),
        *(
            ("getChatMember", {"ok": True, "result": membership(USER, status)})
            for status in ("creator", "administrator", "member", "restricted", "left", "kicked")
        ),
    ],
)
def test_a_right_answer_has_no_mistakes(method: str, answer: Json):
    assert mistakes_in_answer(method, answer) == []


@pytest.mark.parametrize(
    ("method", "answer", "mistake"),
    [
        ("sendMessage", {"ok": True, "result": True}, "sendMessage() is no object"),
        ("sendMessage", {"ok": True, "result": {**SENT, "mood": 1}}, "has no field mood"),
        (
            "sendMessage",
            {"ok": True, "result": {**SENT, "from": {**USER, "can_join_groups": True}}},
            "sendMessage().from has no field can_join_groups",
        ),
        ("sendPhoto", {"ok": True, "result": SENT}, "sendPhoto() needs photo"),
        ("sendMessage", {"ok": True, "result": SENT, "error": 1}, "other fields than"),
        ("sendMessage", {"ok": False, "error_code": 400}, "error needs description"),
        (
            "getUpdates",
            {"ok": True, "result": [{"update_id": "1", "message": message(text="x")}]},
            "update.update_id is no number",
        ),
        (
            "getChatMember",
            {"ok": True, "result": {**membership(USER, "left"), "until_date": 0}},
            "getChatMember()",
        ),
    ],
)
def test_a_mistake_in_an_answer_is_named(method: str, answer: Json, mistake: str):
    assert mistake in " ".join(mistakes_in_answer(method, answer))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "a kind of tomorrow"])
def test_the_samples_of_updates_are_telegrams(name: str):
    assert mistakes_in_update({"update_id": 1, **SAMPLES[name]}) == []


def test_an_update_has_one_event():
    update = {"update_id": 1, **SAMPLES["link"], **SAMPLES["inline query"]}
    assert "2 events" in " ".join(mistakes_in_update(update))
    assert mistakes_in_update({"update_id": 1}) == ["0 events in an update"]


def test_the_watcher_tells_calls_and_answers_apart():
    watcher = ContractWatcher()
    call = Call("sendMessage", {"chat_id": 1}, {}, 200, "", 0, 0)
    watcher.called(call, {"ok": True, "result": 5})
    watcher.called(Call("sendMessage", {}, {}, 413, "", 0, 0), None)
    watcher.delivered({"update_id": 1})
    assert watcher.in_calls == ["sendMessage needs text"]
    assert watcher.in_answers == ["sendMessage() is no object", "0 events in an update"]


def test_the_world_sends_what_telegram_sends():
    """Every action of users, once."""
    world = World({**USER, "can_join_groups": True})
    ada, crew = world.person(7, "Ada"), world.group(-100200, "Crew", topics={3})
    news = world.group(-100300, "News")
    news.type, crew.linked_to = "channel", news.id
    said = world.say(ada, f"look {LINK}")
    for act in (
        lambda: world.say(ada, "x", crew, anonymous=True, message_thread_id=3),
        lambda: world.say_as(news, "x", crew),
        lambda: world.forward(ada, world.publish(news, LINK), crew),
        lambda: world.forward(ada, said, crew),
        lambda: world.edit(said, "y"),
        lambda: world.say_to_business(ada, "x"),
        lambda: world.press(ada, world.add_message(crew, {"text": "x"}), "data"),
        lambda: world.press_inline(ada, "inline-1", "data"),
        lambda: world.block(ada),
        lambda: world.unblock(ada),
        *(lambda s=s: world.invite(ada, crew, s) for s in ("member", "administrator")),
        lambda: world.remove(ada, crew),
        lambda: world.migrate(Person(7, "Ada"), crew, -100400),
    ):
        act()
    assert len(world.updates) >= 16
    assert [m for update in deepcopy(world.updates) for m in mistakes_in_update(update)] == []


def test_every_method_has_a_result():
    assert RESULTS.keys() == METHODS.keys()


#: What aiogram, from which the simulator's table is made, declares and the contract does not: old
#: parameters that the documentation no longer has, and those of ephemeral messages.
ONLY_IN_THE_SIMULATOR = {
    *("callback_query_id", "receiver_user_id", "switch_pm_parameter", "switch_pm_text"),
    *("sticker_format", "exclude_limited", "correct_option_id"),
}
#: The package's own support for an old name.
ONLY_IN_THE_CONTRACT = {"reply_to_message_id"}
#: Old names of methods.
OLD_METHODS = {"getChatMembersCount", "kickChatMember"}


def test_the_simulator_knows_the_same_methods():
    assert set(METHODS) - set(SCHEMA) == OLD_METHODS
    assert set(SCHEMA) <= set(METHODS)


@pytest.mark.parametrize("method", sorted(SCHEMA))
def test_the_simulator_knows_the_same_parameters(method: str):
    ours, theirs = SCHEMA[method], METHODS[method]
    assert set(ours) - set(theirs) <= ONLY_IN_THE_SIMULATOR
    assert set(theirs) - set(ours) <= ONLY_IN_THE_CONTRACT
    if method != "transferGift":  # aiogram lets the number of Stars be left out
        required = {name for name, (_, is_required) in ours.items() if is_required}
        assert required == {name for name, rule in theirs.items() if rule.get("required")}
