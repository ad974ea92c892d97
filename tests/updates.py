"""Sample updates of every kind that the bot asks for, as Telegram sends them, and their mutants."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from hypothesis import strategies as st

Json = dict[str, Any]

ADA: Final[Json] = {
    "id": 7,
    "is_bot": False,
    "first_name": "Ada",
    "last_name": "Byron",
    "username": "ada",
    "language_code": "en",
    "is_premium": True,
}
BOT: Final[Json] = {"id": 42, "is_bot": True, "first_name": "Demo", "username": "demo_bot"}
PRIVATE: Final[Json] = {"id": 7, "type": "private", "first_name": "Ada"}
GROUP: Final[Json] = {"id": -100200, "type": "supergroup", "title": "Friends", "is_forum": True}
LINK: Final = "https://www.tiktok.com/@demo/video/7301234567890123456"
PHOTO: Final = [
    {"file_id": f"photo-{side}", "file_unique_id": f"p{side}", "width": side, "height": side}
    for side in (90, 320)
]


def message(chat: Json = PRIVATE, **fields: Any) -> Json:
    """Return a Message object from Ada."""
    return {"message_id": 70, "date": 1_790_000_000, "chat": chat, "from": ADA, **fields}


_LINK_TEXT: Final[Json] = {
    "text": f"look {LINK}",
    "entities": [
        {"type": "url", "offset": 5, "length": len(LINK)},
        {"type": "text_link", "offset": 0, "length": 4, "url": LINK},
    ],
}
_KEYBOARD: Final[Json] = {
    "inline_keyboard": [[{"text": "Sound", "callback_data": "sound:tiktok:1"}]],
}
_POST: Final = message(text="the post", reply_markup=_KEYBOARD)

#: Updates by name, without ids.
SAMPLES: Final[dict[str, Json]] = {
    "start": {
        "message": message(
            text="/start", entities=[{"type": "bot_command", "offset": 0, "length": 6}]
        )
    },
    "link": {"message": message(**_LINK_TEXT)},
    "forwarded link": {
        "message": message(
            **_LINK_TEXT,
            forward_origin={
                "type": "user",
                "date": 1_789_000_000,
                "sender_user": {**ADA, "id": 8},
            },
            reply_to_message=message(photo=PHOTO, caption="before"),
            quote={"text": "before", "position": 0},
        )
    },
    "link in a topic": {
        "message": message(GROUP, **_LINK_TEXT, message_thread_id=3, is_topic_message=True)
    },
    "caption": {
        "message": message(
            photo=PHOTO,
            caption=LINK,
            caption_entities=[{"type": "url", "offset": 0, "length": len(LINK)}],
            has_media_spoiler=True,
            paid_media={
                "star_count": 5,
                "paid_media": [{"type": "photo", "photo": PHOTO}],
            },
        )
    },
    "admin command": {"message": {**message(text="/admin"), "from": {**ADA, "id": 1}}},
    "ban": {"message": {**message(text="/ban 8888"), "from": {**ADA, "id": 1}}},
    "migration": {
        "message": message(
            {"id": -200, "type": "group", "title": "Friends"}, migrate_to_chat_id=-100200
        )
    },
    "channel as sender": {
        "message": message(
            GROUP, **_LINK_TEXT, sender_chat={"id": -100300, "type": "channel", "title": "News"}
        )
    },
    "business message": {
        "business_message": message(**_LINK_TEXT, business_connection_id="business-1")
    },
    "button": {
        "callback_query": {
            "id": "1",
            "from": ADA,
            "chat_instance": "1",
            "data": "lang:uk",
            "message": _POST,
        }
    },
    "button of an old message": {
        "callback_query": {
            "id": "2",
            "from": ADA,
            "chat_instance": "1",
            "data": "sound:tiktok:1",
            "message": {"chat": PRIVATE, "message_id": 70, "date": 0},
        }
    },
    "inline button": {
        "callback_query": {
            "id": "3",
            "from": ADA,
            "chat_instance": "1",
            "data": "x",
            "inline_message_id": "inline-1",
        }
    },
    "inline query": {
        "inline_query": {"id": "4", "from": ADA, "query": LINK, "offset": "", "chat_type": "sender"}
    },
    "chosen result": {
        "chosen_inline_result": {
            "result_id": "5",
            "from": ADA,
            "query": LINK,
            "inline_message_id": "inline-2",
        }
    },
    "blocked": {
        "my_chat_member": {
            "chat": PRIVATE,
            "from": ADA,
            "date": 1_790_000_000,
            "old_chat_member": {"status": "member", "user": BOT},
            "new_chat_member": {"status": "kicked", "user": BOT, "until_date": 0},
        }
    },
    "added": {
        "my_chat_member": {
            "chat": GROUP,
            "from": ADA,
            "date": 1_790_000_000,
            "old_chat_member": {"status": "left", "user": BOT},
            "new_chat_member": {"status": "member", "user": BOT},
        }
    },
    "guest message": {
        "guest_message": message(GROUP, text=f"@demo_bot {LINK}", guest_query_id="guest-1")
    },
    "a kind of tomorrow": {"brain_wave": {"from": ADA, "text": LINK}},
}

_VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a value."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths_in(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from paths_in(part, (*path, index))


@st.composite
def mutated_events(draw: st.DrawFn) -> Json:
    """Draw a sample in which parts are missing, replaced or added. It has no update id."""
    sample = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]
    mutant: Json = draw(mutated(sample, _FIELDS))
    return mutant


@st.composite
def mutated(draw: st.DrawFn, document: Any, more_fields: tuple[str, ...] = ("new",)) -> Any:
    """Draw a copy of a JSON document in which parts are missing, replaced or added."""
    update = deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        paths = list(paths_in(update))
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        part: Any = update
        for step in above:
            part = part[step]
        match draw(st.sampled_from(["delete", "replace", "add"])):
            case "delete":
                del part[key]
            case "replace":
                part[key] = draw(_VALUES)
            case "add" if isinstance(part, dict):
                part[draw(st.sampled_from(more_fields))] = draw(_VALUES)
    return update


#: Names of fields that may be added anywhere.
_FIELDS: Final = (
    *("chat", "date", "entities", "forward_origin", "from", "gift", "message", "message_id"),
    *("paid_media", "photo", "poll", "quote", "reply_markup", "reply_to_message", "sender_chat"),
    *("story", "text", "type", "via_bot", "video", "tomorrow"),
)
