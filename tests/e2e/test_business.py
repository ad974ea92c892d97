"""Links in the chats of a business account: off by default, answered for the account if enabled."""

from data.chats import find_chat
from tests.e2e.bot_harness import ID, VIDEO, BotHarness


async def test_business_messages_are_ignored_by_default(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.world.say_to_business(harness.ada, VIDEO)
    await harness.say("/start")
    assert harness.videos() == []


async def test_a_customers_link_is_answered_through_the_business_connection(harness: BotHarness):
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
    assert await find_chat(1001) is None  # customers are not registered


async def test_a_button_fetches_the_other_links_of_a_customers_message(harness: BotHarness):
    posts = [str(int(ID) + number) for number in range(3)]
    for post in posts:
        harness.video(post)
    await harness.start(BOT_BUSINESS="true", LIMITS_LINKS_PER_MESSAGE="1")
    harness.world.say_to_business(harness.ada, " ".join(VIDEO.replace(ID, post) for post in posts))
    await harness.settled()
    (note,) = [message for message in harness.answers() if "text" in message]
    assert note["business_connection_id"] == "business-1"
    for number in (1, 2):
        await harness.press(note, f"rest/{number}")
        assert len(harness.videos()) == number + 1
    assert note["message_id"] not in harness.home.messages
    assert {video["business_connection_id"] for video in harness.videos()} == {"business-1"}
    assert await find_chat(1001) is None


async def test_the_same_link_in_two_chats_of_a_person_is_answered_in_both(harness: BotHarness):
    """To a business account and to the bot itself: Telegram gives both chats the same id."""
    harness.video()
    await harness.start(BOT_BUSINESS="true")
    await harness.say("/start")
    harness.site.serves_files.clear()
    harness.world.say_to_business(harness.ada, VIDEO)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: not harness.world.updates, "the links to be taken")
    harness.site.serves_files.set()
    await harness.settled()
    connections = {video.get("business_connection_id") for video in harness.videos()}
    assert connections == {"business-1", None}


async def test_a_failure_in_a_business_chat_is_silent(harness: BotHarness):
    await harness.start(BOT_BUSINESS="true")
    harness.world.say_to_business(harness.ada, VIDEO.replace(ID, "7300000000000000404"))
    await harness.settled()
    assert harness.answers() == []
