"""Who writes too much is told once and then not answered; ordinary talk in groups is free."""

from data.chats import find_chat
from misc.texts import load_texts
from tests.journeys.ferry import VIDEO, Ferry

TEXTS = load_texts()
ON = {"LIMITS_SPAM_GUARD": "true"}


async def test_the_sixth_message_is_warned_in_ones_language_and_then_there_is_silence(ferry: Ferry):
    await ferry.start(**ON)
    bo = ferry.world.person(1002, "Bo", language_code="uk")
    for _ in range(9):
        await ferry.say("hello", bo)
    texts = ferry.texts(ferry.world.chats[1002])
    assert texts[-1] == TEXTS("uk", "spam_sender", minutes=1)
    assert len(texts) == 6


async def test_a_stranger_who_floods_is_warned_before_being_registered(ferry: Ferry):
    """The count is by sender over all chats, so a new chat does not help."""
    ferry.video()
    await ferry.start(**ON)
    for _ in range(6):
        await ferry.say("hello")
    crew = ferry.world.group(-1002)
    await ferry.say(VIDEO, chat=crew)
    assert ferry.answers(crew) == []
    assert await find_chat(-1002) is None


async def test_ordinary_talk_in_a_group_is_free_and_requests_are_not(ferry: Ferry):
    ferry.video()
    await ferry.start(**ON, LIMITS_GROUP_QUEUE="100")
    crew = ferry.world.group(-1002)
    for _ in range(30):
        await ferry.say("just talk", chat=crew)
    for number in range(22):
        person = ferry.world.person(3000 + number)
        await ferry.say(VIDEO, person, crew)
    assert len(ferry.videos(crew)) == 20
    assert ferry.texts(crew).count(TEXTS("en", "spam_group", minutes=1)) == 1


async def test_administrators_may_write_as_much_as_they_like(ferry: Ferry):
    await ferry.start(**ON, BOT_ADMINS="1001")
    for _ in range(8):
        await ferry.say("hello")
    assert len(ferry.answers()) == 8


async def test_a_warning_that_does_not_arrive_changes_nothing(ferry: Ferry):
    await ferry.start(**ON)
    for _ in range(5):
        await ferry.say("hello")
    ferry.fail("sendMessage", "403")
    await ferry.say("hello")
    await ferry.say("hello")
    assert len(ferry.answers()) == 5
