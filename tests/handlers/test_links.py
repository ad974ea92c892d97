"""Links in messages: handed in once, in the chat's language."""

import asyncio

from aiogram.types import MessageOriginUser

from handlers.links import on_business_link, on_forwarded_answer, on_link
from misc.addressing import BotAccount
from misc.bundles import Bundles
from misc.filters import MadeByBot
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import BOT_ID, DATE, LINK, FakeIntake, FakeTelegram, make_ack, make_user

TEXTS = load_texts()
ACCOUNT = BotAccount(BOT_ID, "demo_bot")


async def test_a_message_is_handed_in_once(telegram: FakeTelegram):
    intake, deduplicator = FakeIntake(), Deduplicator()
    message = telegram.message(LINK.url)
    for update_id in (5, 6):
        ack, _ = make_ack(update_id)
        await on_link(
            message, [LINK], ChatView("uk"), intake.as_intake, deduplicator, ack, Bundles()
        )
    (submission,) = intake.submissions
    assert submission.origin is message
    assert (submission.links, submission.lang) == ([LINK], "uk")


async def test_two_messages_with_the_same_link_are_two_requests(telegram: FakeTelegram):
    intake, deduplicator, (ack, _) = FakeIntake(), Deduplicator(), make_ack()
    for number in (1, 2):
        message = telegram.message(LINK.url, message_id=number)
        await on_link(
            message, [LINK], ChatView("en"), intake.as_intake, deduplicator, ack, Bundles()
        )
    assert len(intake.submissions) == 2


async def test_a_customer_of_a_business_is_answered_in_the_own_language(telegram: FakeTelegram):
    intake, deduplicator = FakeIntake(), Deduplicator()
    for number, code in enumerate(("uk", "xx", None)):
        user = make_user(language_code=code)
        message = telegram.message(
            LINK.url, message_id=number, from_user=user, business_connection_id="b"
        )
        for update_id in (5, 6):  # it arrives twice
            ack, _ = make_ack(update_id)
            await on_business_link(message, [LINK], TEXTS, intake.as_intake, deduplicator, ack)
    assert [submission.lang for submission in intake.submissions] == ["uk", "en", "en"]


async def test_an_answer_that_is_forwarded_back_is_explained_once(telegram: FakeTelegram):
    origin = MessageOriginUser(date=DATE, sender_user=make_user(BOT_ID, is_bot=True))
    bundles = Bundles()
    forwards = [
        telegram.message("post", message_id=number, forward_origin=origin) for number in (1, 2)
    ]
    for message in forwards:
        assert await MadeByBot(is_forward=True)(message, ACCOUNT)
    calls = (
        on_forwarded_answer(message, ChatView("vi"), telegram.sender, TEXTS, bundles)
        for message in forwards
    )
    await asyncio.gather(*calls)
    assert telegram.texts == [TEXTS["vi"]["own_answer"]]


async def test_an_answer_that_is_sent_inline_is_no_forward(telegram: FakeTelegram):
    message = telegram.message("post", via_bot=make_user(BOT_ID, is_bot=True))
    assert await MadeByBot()(message, ACCOUNT)
    assert not await MadeByBot(is_forward=True)(message, ACCOUNT)
