"""The retry button: for the one who asked, once at a time, and as a request of now."""

from datetime import UTC, datetime, timedelta

from aiogram.methods import DeleteMessage
from aiogram.types import Message, TextQuote

from core.errors import FileRejectedError
from handlers.retry import on_retry
from misc.middlewares.registration import ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.keyboards import one_button
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, LINK, FakeIntake, FakeTelegram, make_ack

TEXTS = load_texts()
REGISTRY = load_registry()
CHAT = ChatView("en")


class Bench:
    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.intake, self.running = FakeIntake(), RunningButtons()

    async def press(self, message: object, user_id: int = 7, data: str = "retry_video") -> None:
        query = self.telegram.query(data, message, user_id=user_id)  # type: ignore[arg-type]
        ack, _ = make_ack()
        await on_retry(query, CHAT, TEXTS, self.intake.as_intake, self.running, REGISTRY, ack)

    def explanation(self) -> Message:
        request = self.telegram.message(LINK.url, message_id=69)
        button = one_button("🔄", "retry_video")
        return self.telegram.message("It failed.", reply_to_message=request, reply_markup=button)


async def test_the_request_is_made_again_now(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.explanation())
    (submission,) = bench.intake.submissions
    assert isinstance(submission.origin, Message)
    assert submission.origin.message_id == 69
    assert datetime.now(UTC) - submission.origin.date < timedelta(hours=1)
    assert [link.post_id for link in submission.links] == [LINK.post_id]
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [70]
    assert telegram.alerts == [(None, False)]


async def test_a_link_that_was_only_quoted_is_read_again(telegram: FakeTelegram):
    bench = Bench(telegram)
    quote = TextQuote(text=LINK.url, position=0)
    request = telegram.message("this", message_id=69, quote=quote)
    await bench.press(telegram.message("It failed.", reply_to_message=request))
    (submission,) = bench.intake.submissions
    assert [link.post_id for link in submission.links] == [LINK.post_id]


async def test_a_second_press_starts_nothing_until_the_first_has_ended(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.explanation())
    await bench.press(bench.explanation())
    assert len(bench.intake.submissions) == 1
    assert telegram.alerts == [(None, False)] * 2
    await bench.intake.end()
    await bench.press(bench.explanation())
    assert len(bench.intake.submissions) == 2


async def test_only_the_sender_of_the_link_may_press(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.explanation(), user_id=8)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["not_yours"], False)]


async def test_without_the_request_there_is_nothing_to_repeat(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(telegram.message("It failed."))
    await bench.press(GONE)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2


async def test_an_explanation_that_stays_is_no_failure(telegram: FakeTelegram):
    bench = Bench(telegram)
    telegram.fail(DeleteMessage, FileRejectedError())
    await bench.press(bench.explanation())
    assert len(bench.intake.submissions) == 1
    assert telegram.alerts == [(None, False)]


async def test_one_link_of_several_is_repeated_alone(telegram: FakeTelegram):
    bench = Bench(telegram)
    other = LINK.url[:-1] + "7"
    request = telegram.message(f"{LINK.url} {other}", message_id=69)
    failed = telegram.message("It failed.", reply_to_message=request)
    await bench.press(failed, data="retry_video/1")
    await bench.press(failed, data="retry_video")
    posts = [[link.url for link in one.links] for one in bench.intake.submissions]
    assert posts == [[other], [LINK.url, other]]
