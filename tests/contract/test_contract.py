"""The contract: it can find mistakes, and the simulator demands the same as it does."""

from typing import Any

import pytest

from simulator.telegram.api import SCHEMA
from tests.contract.bot_api import METHODS, mistakes_in

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
        assert required == {name for name, rule in theirs.items() if rule["required"]}
