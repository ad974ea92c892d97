"""Updates as a later Bot API may send them: all are acknowledged, and the next one is served."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from aiogram.methods import AnswerCallbackQuery, GetUpdates
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data import database
from delivery.client import TolerantSession, UpdatePolicy
from tests.contract.generate import kinds, update
from tests.dispatcher import real_bot
from tests.fakes import RecordingSession
from tests.updates import ADA, SAMPLES, Json, message, mutated_events

Feed = Callable[..., tuple[RecordingSession, list[str]]]


class Faults(logging.Handler):
    """Keeps what the log says about unexpected exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or getattr(record, "event", "") == "bug":
            self.found.append(self.format(record))


@pytest.fixture
def feed(migrated_file: Path, tmp_path: Path) -> Iterator[Feed]:
    """Return a function that feeds updates to the real dispatcher, as polling does.

    It returns Telegram's side and the unexpected exceptions.
    """
    (tmp_path / "bot.db").write_bytes(migrated_file.read_bytes())
    proxies = tmp_path / "proxies.txt"
    proxies.write_text("http://127.0.0.1:9\n")
    numbers = iter(range(1, 1_000_000))
    with asyncio.Runner() as runner:
        runner.run(_open(f"sqlite:///{tmp_path / 'bot.db'}"))
        container, dispatcher = real_bot(
            tmp_path,
            NETWORK_PROXY_FILE=str(proxies),
            LIMITS_ATTEMPTS="1",
            LIMITS_SPAM_GUARD="false",
            INLINE_STORAGE_CHAT="-100999",
        )
        parser = TolerantSession(UpdatePolicy())

        async def give(events: tuple[Json, ...]) -> RecordingSession:
            telegram = container.bot.session = RecordingSession()
            batch = [{"update_id": next(numbers), **event} for event in events]
            content = json.dumps({"ok": True, "result": batch})
            response = parser.check_response(container.bot, GetUpdates(), 200, content)
            updates = response.result or []
            assert [update.update_id for update in updates] == [u["update_id"] for u in batch]
            container.update_acks.expect(updates)
            for update in updates:
                await dispatcher.feed_update(container.bot, update)
            async with asyncio.timeout(30):
                await container.update_acks.complete()
                while container.request_queue.count:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            return telegram

        def run(*events: Json) -> tuple[RecordingSession, list[str]]:
            faults = Faults()
            logging.getLogger().addHandler(faults)
            try:
                return runner.run(give(events)), faults.found
            finally:
                logging.getLogger().removeHandler(faults)

        yield run
        runner.run(container.close())
        runner.run(database.close())


async def _open(url: str) -> None:
    database.initialize_database_components(url)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_handled(name: str, feed: Feed):
    assert feed(SAMPLES[name])[1] == []


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=mutated_events())
def test_no_update_stops_the_next_one(event: Json, feed: Feed):
    bob = {"id": 99, "is_bot": False, "first_name": "Bob"}
    mode = {**message({"id": 99, "type": "private"}, text="/mode"), "from": bob}
    telegram, faults = feed(event, {"message": mode})
    assert faults == []
    assert [call for call in telegram.calls if getattr(call, "chat_id", None) == 99]


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_the_newest_bot_api_stops_nothing(kind: str, feed: Feed):
    events = [update(random.Random(f"{kind} {seed}"), kind) for seed in range(8)]
    for event in events:
        del event["update_id"]
    bob = {"id": 99, "is_bot": False, "first_name": "Bob"}
    mode = {**message({"id": 99, "type": "private"}, text="/mode"), "from": bob}
    telegram, faults = feed(*events, {"message": mode})
    assert faults == []
    assert [call for call in telegram.calls if getattr(call, "chat_id", None) == 99]


#: Beginnings of callback data of every kind, in messages of today and of earlier versions.
PREFIXES = (
    *("lang/", "sound/", "id/", "slides/", "cast/", "cast/1/", "cast/new", "privacy/", "retry/"),
    *("fetch/", "again", "page/", "set/", "count/", "history/", "cancel/", "retry_video", "wait"),
    *("stats_noop", "slide:", "ir:", "sr:", "loading", ""),
)
PRESSES = st.builds(
    "{}{}".format,
    st.sampled_from(PREFIXES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["1", "-1", "9" * 40, "/", "//", "1/1/1/1", "post", "uk", "\x00"]),
)


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=PRESSES, person=st.sampled_from([1, 7]), is_inline=st.booleans())
def test_any_callback_data_is_answered(data: str, person: int, is_inline: bool, feed: Feed):
    query = deepcopy(SAMPLES["inline button" if is_inline else "button"]["callback_query"])
    telegram, faults = feed(
        {"callback_query": {**query, "data": data, "from": {**ADA, "id": person}}}
    )
    assert faults == []
    assert telegram.of(AnswerCallbackQuery)
