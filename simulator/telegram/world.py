"""Hold users, chats and messages, and the actions of users and of the bot."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.telegram.errors import bad_request, forbidden, migrated
from simulator.telegram.markup import entities_of_plain_text

Json = dict[str, Any]


@dataclass(slots=True)
class Person:
    """A Telegram user."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "en"

    def as_json(self) -> Json:
        """Return the User object."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for key in ("last_name", "username", "language_code"):
            if value := getattr(self, key):
                user[key] = value
        return user


@dataclass(slots=True)
class Chat:
    """A private chat, a group or a channel."""

    id: int
    #: "private", "group", "supergroup" or "channel".
    type: str
    title: str = ""
    #: Without the @.
    username: str = ""
    #: Status by user id: "creator", "administrator", "member", "restricted" (and still a member),
    #: "left" or "kicked". Of unlisted people: "member", in channels "left".
    members: dict[int, str] = field(default_factory=dict)
    #: Telegram's reason why the bot may not write here; empty if it may.
    closed: str = ""
    reactions_allowed: bool = True
    #: In a private chat: the person has started the bot, or written to it.
    has_begun: bool = False
    #: Id of the supergroup that the group became; 0 if it did not.
    moved_to: int = 0
    #: Id of the channel whose posts are copied into this group; 0 if there is none.
    linked_to: int = 0
    #: Ids of the topics; empty for a group without topics.
    topics: set[int] = field(default_factory=set)
    #: The direct messages of a channel; each person who writes there has a topic.
    is_direct: bool = False
    #: What the bot may not send here: "text messages", "photos", "videos", "documents" and so on.
    forbidden: set[str] = field(default_factory=set)
    #: Message objects by message id, as the bot receives them.
    messages: dict[int, Json] = field(default_factory=dict)
    #: The bot's reactions by message id.
    reactions: dict[int, str] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def as_json(self) -> Json:
        """Return the Chat object."""
        chat: Json = {"id": self.id, "type": self.type}
        if self.title:
            chat["first_name" if self.type == "private" else "title"] = self.title
        if self.username:
            chat["username"] = self.username
        if self.topics:
            chat["is_forum"] = True
        if self.is_direct:
            chat["is_direct_messages"] = True
        return chat


#: Rights of an administrator in a ChatMember object.
_ADMIN_RIGHTS = [
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
]
#: Rights of a restricted member in a ChatMember object.
_RESTRICTED_RIGHTS = [
    *(f"can_send_{kind}" for kind in ("messages", "audios", "documents", "photos", "videos")),
    *("can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages"),
    *("can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info"),
    *("can_invite_users", "can_pin_messages", "can_manage_topics"),
]
#: Fields of a User object; getMe returns more.
_USER_FIELDS = ("id", "is_bot", "first_name", "username")
#: Message fields that a forward repeats.
_FORWARDED = {
    *("text", "entities", "caption", "caption_entities"),
    *("photo", "video", "animation", "live_photo", "audio", "document"),
}
#: Telegram's sender for messages of anonymous administrators.
ANONYMOUS_ADMIN = Person(1087968824, "Group", username="GroupAnonymousBot")
#: Its senders for messages that people send as a channel, and for copies of a linked channel's
#: posts. Source: https://core.telegram.org/bots/api#message (`sender_chat`).
CHANNEL_SENDER = Person(136817688, "Channel", username="Channel_Bot")
TELEGRAM = Person(777000, "Telegram")


def membership(user: Json, status: str) -> Json:
    """Return the ChatMember object of a user without any right that the status does not imply."""
    member: Json = {"user": user, "status": status}
    match status:
        case "creator":
            member["is_anonymous"] = False
        case "administrator":
            member.update(dict.fromkeys(_ADMIN_RIGHTS, False))
        case "restricted":
            member.update(dict.fromkeys(_RESTRICTED_RIGHTS, False))
            member.update({"is_member": True, "until_date": 0})
        case "kicked":
            member["until_date"] = 0
    return member


class World:
    """All users and chats, and the queue of updates for the bot."""

    def __init__(self, bot_user: Json) -> None:
        self.bot_user = bot_user
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.updates: list[Json] = []
        #: Monotonic time of each user message, by chat id and message id.
        self.said_at: dict[tuple[int, int], float] = {}
        #: User id behind each open callback query, by query id.
        self.queries: dict[str, int] = {}
        #: Answers to callback queries by query id.
        self.query_answers: dict[str, Json] = {}
        #: Id of the newest message that a person has read, by person's id and chat's id.
        self.seen: dict[tuple[int, int], int] = {}
        self._update_ids = itertools.count(1000)
        self._query_ids = itertools.count(1)
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[Json], None]] = []

    # --- users and chats --------------------------------------------------------------------------

    @property
    def bot(self) -> Json:
        """Return the bot's User object; `bot_user` has what only the bot itself is told."""
        return {name: self.bot_user[name] for name in _USER_FIELDS}

    def person(self, person_id: int, first_name: str = "Ada", **details: str) -> Person:
        """Return the user with this id; create the user and a private chat if necessary."""
        person = self.people.setdefault(person_id, Person(person_id, first_name, **details))
        own = Chat(person_id, "private", title=first_name, username=person.username)
        self.chats.setdefault(person_id, own)
        return person

    def group(self, chat_id: int, title: str = "Crew", *, topics: set[int] | None = None) -> Chat:
        """Return the group with this id; create it if necessary."""
        chat = Chat(chat_id, "supergroup", title=title, topics=topics or set())
        return self.chats.setdefault(chat_id, chat)

    def chat(self, chat_id: Any) -> Chat:
        """Return a chat that the bot wants to write to.

        Raises:
            ApiError: the chat is unknown, has migrated, or is closed to the bot.
        """
        chat = self._find_chat(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if chat.moved_to:
            raise migrated(chat.moved_to)
        if chat.closed:
            raise forbidden(chat.closed)
        return chat

    def _find_chat(self, chat_id: Any) -> Chat | None:
        """Return a chat by its id, or a public one that is no private chat by its @username."""
        if not isinstance(chat_id, str):
            return self.chats.get(chat_id) if isinstance(chat_id, int) else None
        named = (c for c in self.chats.values() if c.username and c.type != "private")
        return next((c for c in named if f"@{c.username}".lower() == chat_id.lower()), None)

    # --- user actions -----------------------------------------------------------------------------

    def say(
        self,
        person: Person,
        text: str,
        chat: Chat | None = None,
        *,
        entities: list[Json] | None = None,
        anonymous: bool = False,
        **extra: Any,
    ) -> Json:
        """Send a text as a user, to the private chat by default, and return the message."""
        chat = chat or self.chats[person.id]
        found = entities_of_plain_text(text) if entities is None else entities
        content: Json = {"text": text}
        if found:
            content["entities"] = found
        return self.post(person, chat, {**content, **extra}, anonymous=anonymous)

    def post(self, person: Person, chat: Chat, content: Json, *, anonymous: bool = False) -> Json:
        """Send a message as a user; `content` holds the fields of the Message object."""
        message = self._message(chat, content)
        chat.has_begun = True
        self.said_at[chat.id, message["message_id"]] = time.monotonic()
        message["from"] = (ANONYMOUS_ADMIN if anonymous else person).as_json()
        if anonymous:
            message["sender_chat"] = chat.as_json()
        self.push("message", message)
        return message

    def say_as(self, sender: Chat, text: str, chat: Chat, **extra: Any) -> Json:
        """Send a text to a group as a channel."""
        content = {"text": text, "entities": entities_of_plain_text(text), **extra}
        message = self._message(chat, {**content, "sender_chat": sender.as_json()})
        message["from"] = CHANNEL_SENDER.as_json()
        self.push("message", message)
        return message

    def publish(self, channel: Chat, text: str, **extra: Any) -> Json:
        """Post a text in a channel; copy it into the groups that are linked to the channel."""
        content = {"text": text, "entities": entities_of_plain_text(text), **extra}
        post = self._message(channel, {**content, "sender_chat": channel.as_json()})
        self.push("channel_post", post)
        self.copy_to_groups(channel, post)
        return post

    def copy_to_groups(self, channel: Chat, post: Json) -> None:
        """Copy a channel's post into the groups that are linked to it, as Telegram does."""
        for group in [chat for chat in self.chats.values() if chat.linked_to == channel.id]:
            origin = {
                "type": "channel",
                "date": post["date"],
                "chat": channel.as_json(),
                "message_id": post["message_id"],
            }
            content = {
                **{key: value for key, value in post.items() if key in _FORWARDED},
                "forward_origin": origin,
                "sender_chat": channel.as_json(),
                "is_automatic_forward": True,
            }
            copy = self._message(group, content)
            copy["from"] = TELEGRAM.as_json()
            self.push("message", copy)

    def forward(self, person: Person, message: Json, chat: Chat) -> Json:
        """Forward a message to a chat as a user."""
        if message["chat"]["type"] == "channel":
            origin: Json = {
                "type": "channel",
                "chat": message["chat"],
                "message_id": message["message_id"],
            }
        else:
            origin = {"type": "user", "sender_user": message["from"]}
        content = {key: value for key, value in message.items() if key in _FORWARDED}
        return self.post(
            person, chat, {**content, "forward_origin": {**origin, "date": message["date"]}}
        )

    def edit(self, message: Json, text: str, *, after_s: int = 1) -> None:
        """Edit a user's message or a channel's post; the edit comes `after_s` seconds later."""
        message.update(
            {
                "text": text,
                "entities": entities_of_plain_text(text),
                "edit_date": message["date"] + after_s,
            }
        )
        is_post = message["chat"]["type"] == "channel"
        self.push("edited_channel_post" if is_post else "edited_message", dict(message))

    def say_to_business(self, person: Person, text: str, connection: str = "business-1") -> Json:
        """Send a text as a user to a business account that the bot is connected to."""
        chat = self.chats[person.id]
        content = {"text": text, "entities": entities_of_plain_text(text)}
        message = self._message(chat, {**content, "business_connection_id": connection})
        message["from"] = person.as_json()
        self.push("business_message", message)
        return message

    def press(self, person: Person, message: Json, data: str) -> str:
        """Press an inline button as a user; return the callback query's id."""
        return self._press(person, data, {"message": message})

    def press_inline(self, person: Person, inline_id: str, data: str) -> str:
        """Press a button of an inline message as a user; return the query's id."""
        return self._press(person, data, {"inline_message_id": inline_id})

    def _press(self, person: Person, data: str, where: Json) -> str:
        query_id = str(next(self._query_ids))
        self.queries[query_id] = person.id
        query = {"id": query_id, "from": person.as_json(), "chat_instance": "1", "data": data}
        self.push("callback_query", {**query, **where})
        return query_id

    def post_unseen(self, sender: Json, chat: Chat, content: Json) -> Json:
        """Post a message that the bot gets no update for, and return it."""
        message = self._message(chat, content)
        message["from"] = sender
        self._emit({"event": "message", "message": message})
        return message

    def block(self, person: Person) -> None:
        """Block the bot as a user."""
        self.chats[person.id].closed = "bot was blocked by the user"
        self._membership(person, "member", "kicked")

    def unblock(self, person: Person) -> None:
        """Unblock the bot as a user."""
        self.chats[person.id].closed = ""
        self._membership(person, "kicked", "member")

    def invite(
        self, person: Person, chat: Chat, status: str = "member", *, at: int | None = None
    ) -> None:
        """Add the bot to a group or channel as a user; `at` is a Unix time, by default now."""
        chat.closed = ""
        self._membership(person, "left", status, chat, at)

    def remove(self, person: Person, chat: Chat) -> None:
        """Remove the bot from a group as a user."""
        chat.closed = "bot was kicked from the supergroup chat"
        self._membership(person, "member", "kicked", chat)

    def migrate(self, person: Person, chat: Chat, new_id: int) -> Chat:
        """Turn a group into a supergroup with a new id, and return the new chat."""
        new = self.group(new_id, chat.title)
        new.members = dict(chat.members)
        self.post(person, chat, {"migrate_to_chat_id": new_id})
        self.post(person, new, {"migrate_from_chat_id": chat.id})
        chat.moved_to = new_id
        return new

    def see(self, person: Person, chat: Chat, message_id: int) -> None:
        """Mark the messages of a chat as read by a person, up to this one. Bots are not told."""
        newest = max(message_id, self.seen.get((person.id, chat.id), 0))
        self.seen[person.id, chat.id] = newest
        self._emit({"event": "seen", "person": person.id, "chat_id": chat.id, "id": newest})

    def delete(self, chat: Chat, message_id: int) -> None:
        """Delete a message."""
        chat.messages.pop(message_id, None)
        self._emit({"event": "deleted", "chat_id": chat.id, "message_id": message_id})

    def _membership(
        self,
        person: Person,
        old: str,
        new: str,
        chat: Chat | None = None,
        at: int | None = None,
    ) -> None:
        self.push(
            "my_chat_member",
            {
                "chat": (chat or self.chats[person.id]).as_json(),
                "from": person.as_json(),
                "date": int(time.time()) if at is None else at,
                "old_chat_member": membership(self.bot, old),
                "new_chat_member": membership(self.bot, new),
            },
        )

    # --- bot calls --------------------------------------------------------------------------------

    def add_message(self, chat: Chat, content: Json) -> Json:
        """Post a message of the bot and return it."""
        message = self._message(chat, content)
        message["from"] = self.bot
        self._emit({"event": "message", "message": message})
        return message

    def find_message(self, chat: Chat, message_id: Any, missing: str) -> Json:
        """Return a message of a chat.

        Raises:
            ApiError: 400 with the text `missing`, when there is no such message.
        """
        message = chat.messages.get(message_id) if isinstance(message_id, int) else None
        if message is None:
            raise bad_request(missing)
        return message

    def edited(self, message: Json) -> None:
        """Notify the listeners that a message was edited."""
        self._emit({"event": "edited", "message": message})

    def answer_query(self, query_id: str, answer: Json) -> None:
        """Accept the answer to a callback query; each query takes one answer.

        Raises:
            ApiError: the query is unknown or already answered.
        """
        if self.queries.pop(query_id, None) is None:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        self.query_answers[query_id] = answer
        self._emit({"event": "query_answered", "id": query_id, **answer})

    def inline_answered(self, query_id: str, results: list[Json]) -> None:
        """Notify the listeners that an inline query was answered."""
        self._emit({"event": "inline_answered", "id": query_id, "results": results})

    def react(self, chat: Chat, message_id: int, emoji: str | None) -> None:
        """Set the bot's reaction, or remove it with None."""
        if emoji:
            chat.reactions[message_id] = emoji
        else:
            chat.reactions.pop(message_id, None)
        self._emit({"event": "reaction", "chat_id": chat.id, "id": message_id, "emoji": emoji})

    def act(self, chat: Chat, action: str) -> None:
        """Show the bot's chat action."""
        self._emit({"event": "action", "chat_id": chat.id, "action": action})

    # --- updates and events -----------------------------------------------------------------------

    def push(self, kind: str, content: Json) -> None:
        """Queue an update for the bot."""
        self.updates.append({"update_id": next(self._update_ids), kind: content})
        self._emit({"event": kind, **content})

    def watch(self, listener: Callable[[Json], None]) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)

    async def changed(self, timeout_s: float) -> bool:
        """Wait for the next event; return False if there is none within `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _message(self, chat: Chat, content: Json) -> Json:
        number = next(chat.numbers)
        message: Json = {
            "message_id": number,
            "date": int(time.time()),
            "chat": chat.as_json(),
            **content,
        }
        if above := message.get("reply_to_message"):
            # It is shown without the message that it answers itself.
            message["reply_to_message"] = {
                key: value for key, value in above.items() if key != "reply_to_message"
            }
        chat.messages[number] = message
        return message

    def _emit(self, event: Json) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener(event)
