"""Links in the chats of a business account: the same path, off by default, and nothing else is shown."""

from data.chats import find_chat
from tests.e2e.bot_harness import ID, VIDEO, BotHarness


async def test_by_default_they_are_not_even_asked_for(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.world.say_to_business(harness.ada, VIDEO)
    await harness.say("/start")
    assert harness.videos() == []


async def test_a_customers_link_is_answered_in_the_accounts_name(harness: BotHarness):
    harness.video()
    await harness.start(BOT_BUSINESS="true")
    harness.world.say_to_business(harness.ada, VIDEO)
    await harness.settled()
    (video,) = harness.answers()
    assert video["business_connection_id"] == "business-1"
    assert {c.params["business_connection_id"] for c in harness.calls("sendChatAction")} == {
        "business-1"
    }
    assert harness.calls("setMessageReaction") == []
    assert await find_chat(1001) is None  # nobody has come to us


async def test_a_failure_is_nobodys_business(harness: BotHarness):
    await harness.start(BOT_BUSINESS="true")
    harness.world.say_to_business(harness.ada, VIDEO.replace(ID, "7300000000000000404"))
    await harness.settled()
    assert harness.answers() == []
