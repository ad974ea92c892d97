"""Which links a message asks for: in its text, in its other parts, and in what it replies to."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.types import (
    Chat,
    Checklist,
    ChecklistTask,
    ExternalReplyInfo,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    MessageOriginChannel,
    Poll,
    PollOption,
    TextQuote,
)

from core.media import Link
from misc.addressing import BotAccount
from misc.filters import HasList, NamesVersion
from misc.intake import RequestIntake
from misc.message_links import asked_links, links_of, replied_links
from platforms import load_registry
from tests.fakes import BOT_ID, DATE, LINK, FakeTelegram, make_user

ACCOUNT = BotAccount(BOT_ID, "demo_bot")
REGISTRY = load_registry()
GROUP = -7
OTHER = REGISTRY.find(f"{LINK.url[:-1]}9")
BOT = make_user(BOT_ID, is_bot=True)
OTHER_BOT = make_user(43, is_bot=True)


def poll(question: str = "?", option: str = "yes", explanation: str | None = None) -> Poll:
    options = [
        PollOption(persistent_id=str(number), text=text, voter_count=0)
        for number, text in enumerate(("no", option))
    ]
    return Poll(
        id="1",
        question=question,
        options=options,
        total_voter_count=0,
        is_closed=False,
        is_anonymous=True,
        type="regular",
        allows_multiple_answers=False,
        allows_revoting=False,
        members_only=False,
        explanation=explanation,
    )


def checklist(title: str = "Today", task: str = "swim") -> Checklist:
    return Checklist(title=title, tasks=[ChecklistTask(id=1, text=task)])


def buttons(**values: Any) -> InlineKeyboardMarkup:
    button = InlineKeyboardButton(text="Watch", **values)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def external(url: str | None) -> ExternalReplyInfo:
    channel = Chat(id=-100, type="channel")
    origin = MessageOriginChannel(date=DATE, chat=channel, message_id=1)
    return ExternalReplyInfo(origin=origin, link_preview_options=LinkPreviewOptions(url=url))


def quote(text: str) -> TextQuote:
    return TextQuote(text=text, position=0)


PARTS: list[dict[str, Any]] = [
    {"poll": poll(question=f"Like it? {LINK.url}")},
    {"poll": poll(option=LINK.url)},
    {"poll": poll(explanation=LINK.url)},
    {"checklist": checklist(title=LINK.url)},
    {"checklist": checklist(task=f"watch {LINK.url}")},
    {"caption": "new!", "reply_markup": buttons(url=LINK.url)},
]


@pytest.mark.parametrize("values", PARTS, ids=lambda values: "+".join(values))
def test_the_other_parts_of_a_message_count_in_private_chats_and_when_they_are_asked_for(
    telegram: FakeTelegram, values: dict[str, Any]
):
    private = telegram.message(**values)
    assert asked_links(private, REGISTRY, ACCOUNT) == [LINK]
    customer = telegram.message(**values, business_connection_id="b")
    assert asked_links(customer, REGISTRY, ACCOUNT) == []
    above = telegram.message(**values, chat_id=GROUP)
    assert asked_links(above, REGISTRY, ACCOUNT) == []
    for text, links in (("nice", []), ("@demo_bot", [LINK])):
        reply = telegram.message(text, chat_id=GROUP, reply_to_message=above)
        assert asked_links(reply, REGISTRY, ACCOUNT) == links


CUT = LINK.url[:-4]


@pytest.mark.parametrize(
    ("shown", "url"),
    [
        (f"{CUT}…", LINK.url),
        (f"👀 {CUT}...", LINK.url),
        ("watch", LINK.url),
        (LINK.url, LINK.url),
        (LINK.url, "https://t.co/AbC12"),
        (f"{LINK.url[:-1]}9", LINK.url),
    ],
)
def test_what_is_shown_for_a_link_is_no_other_link(telegram: FakeTelegram, shown: str, url: str):
    length = len(shown.encode("utf-16-le")) // 2
    hidden = MessageEntity(type="text_link", offset=3, length=length, url=url)
    message = telegram.message(f"🎬 {shown} {OTHER.url if OTHER else ''}7", entities=[hidden])
    found = asked_links(message, REGISTRY, ACCOUNT)
    assert [link.post_id for link in found if link == LINK] == [LINK.post_id]
    assert len(found) == 2


@pytest.mark.parametrize("between", [" ", "\n", ",", " and "])
@pytest.mark.parametrize("first", [LINK.url, "watch this"])
def test_links_in_the_longer_text_of_a_link_count(telegram: FakeTelegram, first: str, between: str):
    assert OTHER
    shown = f"{first}{between}{OTHER.url}"
    hidden = MessageEntity(type="text_link", offset=0, length=len(shown), url=LINK.url)
    message = telegram.message(shown, entities=[hidden])
    assert set(asked_links(message, REGISTRY, ACCOUNT)) == {LINK, OTHER}


def test_the_text_of_a_message_is_enough(telegram: FakeTelegram):
    assert OTHER
    message = telegram.message(OTHER.url, reply_markup=buttons(url=LINK.url))
    assert asked_links(message, REGISTRY, ACCOUNT) == [OTHER]


@pytest.mark.parametrize(
    ("data", "links"),
    [
        (f"id/{LINK.post_id}", [LINK.post_id]),
        (f"sound/tiktok/{LINK.post_id}", [LINK.post_id]),
        (f"pick/tiktok/{LINK.post_id}", [LINK.post_id]),
        ("sound/nowhere/1", []),
        ("stats_noop", []),
        ("set/quality/best", []),
    ],
)
def test_an_answer_without_its_source_names_its_post_in_a_button(
    telegram: FakeTelegram, data: str, links: list[str]
):
    answer = telegram.message(
        caption="Dawn", from_user=BOT, reply_markup=buttons(callback_data=data)
    )
    assert [link.post_id for link in links_of(answer, REGISTRY)] == links


@pytest.mark.parametrize(
    "values",
    [
        {"quote": quote(f"see {LINK.url}")},
        {"quote": quote("see"), "external_reply": external(LINK.url)},
        {"quote": quote(LINK.url), "external_reply": external(None)},
    ],
    ids=["quote", "preview in another chat", "quote from another chat"],
)
def test_what_is_quoted_counts_where_the_bot_is_meant(
    telegram: FakeTelegram, values: dict[str, Any]
):
    for text, chat_id, links in (
        ("this one", 7, [LINK]),
        ("this one", GROUP, []),
        ("@demo_bot", GROUP, [LINK]),
    ):
        message = telegram.message(text, chat_id=chat_id, **values)
        assert asked_links(message, REGISTRY, ACCOUNT) == links


def test_of_several_links_the_quoted_ones_are_meant(telegram: FakeTelegram):
    assert OTHER
    above = telegram.message(f"{LINK.url} {OTHER.url}", chat_id=GROUP)
    asked = telegram.message(
        "@demo_bot", chat_id=GROUP, reply_to_message=above, quote=quote(OTHER.url)
    )
    assert asked_links(asked, REGISTRY, ACCOUNT) == [OTHER]
    assert replied_links(asked, REGISTRY) == [OTHER]
    comment = telegram.message("mp3", reply_to_message=above, quote=quote("see"))
    assert replied_links(comment, REGISTRY) == [LINK, OTHER]


@pytest.mark.parametrize(
    ("values", "links"),
    [
        ({"from_user": OTHER_BOT}, []),
        ({}, [LINK]),
        # Telegram names a bot as the author of what is sent in the name of a chat.
        ({"from_user": OTHER_BOT, "sender_chat": Chat(id=GROUP, type="supergroup")}, [LINK]),
    ],
    ids=["bot", "person", "anonymous administrator"],
)
def test_an_answer_of_another_bot_in_a_group_asks_for_nothing(
    telegram: FakeTelegram, values: dict[str, Any], links: list[Link]
):
    above: Message = telegram.message(LINK.url, chat_id=GROUP)
    answer = telegram.message(
        f"Source: {LINK.url}", chat_id=GROUP, reply_to_message=above, **values
    )
    assert asked_links(answer, REGISTRY, ACCOUNT) == links


@pytest.mark.parametrize(
    ("text", "values", "is_asked"),
    [
        ("mp3", {}, True),
        ("mp3", {"is_automatic_forward": True}, False),
        ("mp3 @demo_bot", {"is_automatic_forward": True}, True),
        ("nice", {}, False),
    ],
    ids=["reply", "comment", "comment to the bot", "talk"],
)
async def test_a_version_is_asked_for_in_a_reply_but_not_in_a_comment_below_a_post(
    telegram: FakeTelegram, text: str, values: dict[str, Any], is_asked: bool
):
    above = telegram.message(LINK.url, chat_id=GROUP, **values)
    reply = telegram.message(text, chat_id=GROUP, reply_to_message=above)
    assert bool(await NamesVersion()(reply, REGISTRY, ACCOUNT)) is is_asked


@pytest.mark.parametrize(
    ("text", "author", "is_asked"),
    [("@demo_bot", 7, True), ("nice", 7, False), ("@demo_bot thanks", BOT_ID, False)],
    ids=["asked for", "talk", "below an answer"],
)
async def test_a_list_that_is_linked_above_is_meant_unless_the_bot_has_written_that(
    telegram: FakeTelegram, text: str, author: int, is_asked: bool
):
    intake = cast("RequestIntake", SimpleNamespace(limits=SimpleNamespace(list_items=9)))
    above = telegram.message(
        "Dawn. More: https://www.tiktok.com/@ferry.demo", chat_id=GROUP, user_id=author
    )
    reply = telegram.message(text, chat_id=GROUP, reply_to_message=above)
    assert bool(await HasList()(reply, REGISTRY, intake, ACCOUNT)) is is_asked
