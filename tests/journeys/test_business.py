"""Links in the chats of a business account: the same path, off by default, and nothing else is shown."""

from data.chats import find_chat
from tests.journeys.ferry import ID, VIDEO, Ferry


async def test_by_default_they_are_not_even_asked_for(ferry: Ferry):
    ferry.video()
    await ferry.start()
    ferry.world.say_to_business(ferry.ada, VIDEO)
    await ferry.say("/start")
    assert ferry.videos() == []


async def test_a_customers_link_is_answered_in_the_accounts_name(ferry: Ferry):
    ferry.video()
    await ferry.start(BOT_BUSINESS="true")
    ferry.world.say_to_business(ferry.ada, VIDEO)
    await ferry.settled()
    (video,) = ferry.answers()
    assert video["business_connection_id"] == "business-1"
    assert {c.params["business_connection_id"] for c in ferry.calls("sendChatAction")} == {
        "business-1"
    }
    assert ferry.calls("setMessageReaction") == []
    assert await find_chat(1001) is None  # nobody has come to us


async def test_a_failure_is_nobodys_business(ferry: Ferry):
    await ferry.start(BOT_BUSINESS="true")
    ferry.world.say_to_business(ferry.ada, VIDEO.replace(ID, "7300000000000000404"))
    await ferry.settled()
    assert ferry.answers() == []
