"""The card of a list: what is stored and sent, and what becomes of errors."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aiogram.methods import SendMessage

from core.chat_queue import Lane
from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    ListFoundError,
    ListGoneError,
    ListPrivateError,
    ListTroubleError,
    LoginRequiredError,
    MediaDeletedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    SpoolError,
)
from core.lists import Entry, Listing
from core.media import Link
from core.request import Origin
from data.lists import find_list
from services.requests.context import Delivered
from services.requests.lists import LinkService, ListService
from tests.fakes import (
    BOT_ID,
    PERSON,
    FakeService,
    FakeTelegram,
    fake_request,
    fake_tools,
    make_post,
    make_request,
    settle,
)

pytestmark = pytest.mark.usefixtures("sqlite_db")

MOST = 50
GROUP, SUPERGROUP = -7, -1_007
PROFILE = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
SHORT_LINK = Link("tiktok", "https://vm.tiktok.com/ZMdemo001/", None)
FOUND = ListFoundError("x", PROFILE, "link_profile")
LISTING = Listing(PROFILE, "Ferry", (Entry("7301"), Entry("7302")), total=2)


class Stage:
    """The service with a recording Telegram, and a site that has one list."""

    def __init__(self, folder: Path, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.tools = fake_tools(folder, slots=1)
        self.toolkit = replace(self.tools.toolkit, sender=telegram.sender)
        cast("Any", self.tools.fetcher).read_list = self._read
        self.error: ClipferryError | None = None
        self.reads = 0
        self.request = fake_request(make_request("list", PROFILE))

    async def _read(self, link: Link, most: int) -> Listing:
        assert (link, most) == (PROFILE, MOST)
        self.reads += 1
        if self.error:
            raise self.error
        return LISTING

    async def deliver(self) -> Delivered:
        service = ListService(self.toolkit, BOT_ID, MOST)
        delivered = await service.deliver(self.request.context)
        assert not await service.record(self.request.context, delivered)
        return delivered

    @property
    def messages(self) -> list[tuple[object, str]]:
        """Return chat and text of each message that Telegram was asked to send."""
        return [(call.chat_id, call.text) for call in self.telegram.of(SendMessage)]


@pytest.fixture
def stage(tmp_path: Path, telegram: FakeTelegram) -> Stage:
    return Stage(tmp_path, telegram)


async def test_the_list_is_stored_and_its_card_is_the_whole_answer(stage: Stage):
    delivered = await stage.deliver()
    assert stage.messages == [(PERSON, "card 1: 2 posts")]
    card = await find_list(BOT_ID, 1)
    assert card
    assert (card.listing, card.person_id, card.message_id) == (LISTING, PERSON, 70)
    assert (delivered.post.id, delivered.post.items) == (PROFILE.post_id, ())
    assert (delivered.chat_id, delivered.is_processed, delivered.is_known) == (PERSON, False, False)
    progress = stage.request.stored.progress
    assert (progress.total, len(progress.sent)) == (1, 1)
    assert stage.request.status.shown == ["accepted"]


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (LoginRequiredError("x"), ListPrivateError),
        (MediaDeletedError("x"), ListGoneError),
        (PlatformUnreachableError("x"), ListTroubleError),
        (PlatformRefusedError("x"), ListTroubleError),
        (SpoolError("x"), SpoolError),
    ],
)
async def test_an_error_is_about_the_list(
    stage: Stage, error: ClipferryError, about: type[ClipferryError]
):
    stage.error = error
    with pytest.raises(about) as raised:
        await stage.deliver()
    assert type(raised.value) is about
    assert raised.value.detail == "x"
    assert (stage.messages, await find_list(BOT_ID, 1)) == ([], None)


async def test_a_list_is_read_in_a_slot_which_is_free_again_afterwards(stage: Stage):
    async with stage.toolkit.slots.one(Lane(99, 99)):
        waiting = asyncio.create_task(stage.deliver())
        await settle()
        assert (stage.reads, stage.toolkit.slots.waiting) == (0, 1)
    await waiting
    stage.error = PlatformUnreachableError("x")
    with pytest.raises(ListTroubleError):
        await stage.deliver()
    async with stage.toolkit.slots.one(Lane(99, 99)):
        assert stage.reads == 2


async def test_the_card_follows_a_group_that_has_become_a_supergroup(stage: Stage):
    request = make_request("list", PROFILE, chat_id=GROUP, is_private=False)
    stage.request = fake_request(request)
    stage.telegram.fail(SendMessage, ChatMovedError(SUPERGROUP))
    delivered = await stage.deliver()
    assert [chat for chat, _ in stage.messages] == [GROUP, SUPERGROUP]
    card = await find_list(BOT_ID, 1)
    assert card
    assert (card.chat_id, card.message_id, delivered.chat_id) == (SUPERGROUP, 0, SUPERGROUP)


async def test_a_card_that_telegram_refuses_is_an_error(stage: Stage):
    stage.telegram.fail(SendMessage, ChatForbiddenError())
    with pytest.raises(ChatForbiddenError):
        await stage.deliver()


async def test_a_short_link_to_a_list_is_answered_with_its_card(stage: Stage):
    stage.request = fake_request(make_request("sound", SHORT_LINK))
    posts = FakeService(FOUND, is_ad_due=True)
    service = LinkService(posts, ListService(stage.toolkit, BOT_ID, MOST))
    delivered = await service.deliver(stage.request.context)
    assert stage.messages == [(PERSON, "card 1: 2 posts")]
    assert delivered.post.id == PROFILE.post_id
    assert not await service.record(stage.request.context, delivered)
    assert posts.records == 0


async def test_a_group_gets_the_card_of_a_short_link_that_is_addressed_to_the_bot(stage: Stage):
    request = make_request("post", SHORT_LINK, chat_id=GROUP, is_private=False)
    stage.request = fake_request(replace(request, origin=Origin(is_addressed=True)))
    service = LinkService(FakeService(FOUND), ListService(stage.toolkit, BOT_ID, MOST))
    await service.deliver(stage.request.context)
    assert stage.messages == [(GROUP, "card 1: 2 posts")]


@pytest.mark.parametrize(
    "values", [{"chat_id": GROUP, "is_private": False}, {"inline_id": "inline-1"}]
)
async def test_where_nobody_has_asked_for_a_card_the_list_is_explained(
    stage: Stage, values: dict[str, Any]
):
    stage.request = fake_request(make_request("post", SHORT_LINK, **values))
    service = LinkService(FakeService(FOUND), ListService(stage.toolkit, BOT_ID, MOST))
    with pytest.raises(ListFoundError) as raised:
        await service.deliver(stage.request.context)
    assert raised.value.text_key == "link_profile"
    assert (stage.reads, stage.messages) == (0, [])


async def test_a_link_to_a_post_is_answered_and_recorded_as_such(stage: Stage):
    about = Delivered(make_post(), is_processed=False, is_known=False, chat_id=PERSON)
    posts = FakeService(about, is_ad_due=True)
    service = LinkService(posts, ListService(stage.toolkit, BOT_ID, MOST))
    assert await service.deliver(stage.request.context) is about
    assert await service.record(stage.request.context, about)
    assert (posts.records, stage.messages) == (1, [])
