"""Simulate inline and guest mode: queries, calls, and messages with an inline message id only."""

import itertools
import math
import re
import time
from dataclasses import dataclass, field
from typing import Any

from simulator.telegram.errors import bad_request
from simulator.telegram.files import FileStore
from simulator.telegram.markup import as_key, checked_keyboard, entities_of_plain_text, formatted
from simulator.telegram.world import Chat, Json, Person, World

#: Seconds after which Telegram discards an inline query, approximately.
ANSWER_WITHIN_S = 10
MAX_RESULTS, MAX_RESULT_ID = 50, 64
#: Name of the file-id field and the accepted file kinds, by result type.
_CACHED = {
    "video": ("video_file_id", {"video", "animation"}),
    "mpeg4_gif": ("mpeg4_file_id", {"animation"}),
    "photo": ("photo_file_id", {"photo"}),
    "audio": ("audio_file_id", {"audio"}),
    "document": ("document_file_id", {"document"}),
}
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class Inline:
    """State of inline and guest mode."""

    world: World
    files: FileStore
    violations: list[str]
    #: Answers by query id; the answer to a guest call is a message.
    answers: dict[str, Json] = field(default_factory=dict)
    #: Seconds that each query waited for its answer.
    waits: list[float] = field(default_factory=list)
    #: Messages by inline message id.
    messages: dict[str, Json] = field(default_factory=dict)
    #: Unanswered guest calls by id.
    _calls: dict[str, Json] = field(default_factory=dict)
    #: Arrival time of each unanswered query and call, by id.
    _open: dict[str, float] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # --- user actions -----------------------------------------------------------------------------

    def ask(self, person: Person, text: str) -> str:
        """Send an inline query as a user who types `@bot text`; return the query's id."""
        query_id = f"inline-{next(self._numbers)}"
        self._open[query_id] = time.monotonic()
        query = {"id": query_id, "from": person.as_json(), "query": text, "offset": ""}
        self.world.push("inline_query", query)
        return query_id

    def choose(self, person: Person, query_id: str, result_id: str, text: str, chat: Chat) -> Json:
        """Send an inline result to a chat as a user; return the message."""
        results = self.answers[query_id]["results"]
        result = next(result for result in results if result["id"] == result_id)
        content = {**self._content(result), "via_bot": self.world.bot}
        message = self.world.post_unseen(person.as_json(), chat, content)
        chosen: Json = {"result_id": result_id, "from": person.as_json(), "query": text}
        # Without a keyboard Telegram gives no inline message id, so the bot cannot edit the
        # message.
        if result.get("reply_markup"):
            inline_id = chosen["inline_message_id"] = f"im-{next(self._numbers)}"
            self.messages[inline_id] = message
        self.world.push("chosen_inline_result", chosen)
        return message

    def call(self, person: Person, chat: Chat, text: str, above: Json | None = None) -> str:
        """Call the bot as a user in a chat it is not a member of; return the call's id."""
        content: Json = {"text": text, "entities": entities_of_plain_text(text)}
        if above:
            content["reply_to_message"] = above
        message = self.world.post_unseen(person.as_json(), chat, content)
        call_id = f"guest-{next(self._numbers)}"
        self._calls[call_id] = message
        self._open[call_id] = time.monotonic()
        self.world.push("guest_message", {**message, "guest_query_id": call_id})
        return call_id

    def press(self, person: Person, inline_id: str, data: str) -> str:
        """Press a button of an inline message as a user; return the callback query's id."""
        return self.world.press_inline(person, inline_id, data)

    def id_of(self, message: Json) -> str:
        """Return a message's inline message id."""
        return next(key for key, value in self.messages.items() if value is message)

    # --- bot calls --------------------------------------------------------------------------------

    def answer(self, params: Json) -> bool:
        """Accept the answer to an inline query.

        Raises:
            ApiError: the answer is late or invalid.
        """
        seconds = self._close(params["inline_query_id"])
        results = params["results"]
        ids = [result.get("id", "") for result in results]
        if len(results) > MAX_RESULTS:
            raise bad_request("RESULTS_TOO_MUCH")
        if len(set(ids)) < len(ids):
            raise bad_request("RESULT_ID_DUPLICATE")
        for result in results:
            self._check(result)
        if button := params.get("button"):
            parameter = button.get("start_parameter", "")
            if not button.get("text") or not _START_PARAMETER.fullmatch(parameter):
                raise bad_request("BUTTON_INVALID")
        self.answers[params["inline_query_id"]] = params
        self.waits.append(seconds)
        self.world.inline_answered(params["inline_query_id"], results)
        return True

    def answer_call(self, params: Json) -> Json:
        """Accept the answer to a guest call and post it as a message.

        Raises:
            ApiError: the answer is late or invalid.
        """
        self._close(params["guest_query_id"])
        self._check(params["result"])
        call = self._calls.pop(params["guest_query_id"])
        chat = self.world.chats[call["chat"]["id"]]
        content = {**self._content(params["result"]), "guest_bot_caller_user": call["from"]}
        message = self.world.post_unseen(self.world.bot, chat, content)
        inline_id = f"im-{next(self._numbers)}"
        self.messages[inline_id] = message
        self.answers[params["guest_query_id"]] = message
        return {"inline_message_id": inline_id}

    def edit(self, params: Json, content: Json, *, keeps_content: bool = False) -> bool:
        """Edit an inline message.

        Raises:
            ApiError: the message does not exist, or nothing would change.
        """
        message = self.messages.get(params["inline_message_id"])
        if message is None:
            raise bad_request("MESSAGE_ID_INVALID")
        markup = checked_keyboard(params.get("reply_markup"))
        new = {k: v for k, v in message.items() if k not in {*_VARIABLE, "reply_markup"}}
        if keeps_content:
            new |= {k: v for k, v in message.items() if k in _VARIABLE}
        new |= {key: value for key, value in content.items() if value}
        if markup and markup["inline_keyboard"]:
            new["reply_markup"] = markup
        if as_key(new) == as_key(message):
            raise bad_request("message is not modified")
        message.clear()
        message.update(new)
        self.world.edited(message)
        return True

    def media(self, params: Json) -> Json:
        """Return the new media of an edit; inline edits accept file ids only.

        Raises:
            ApiError: the media is an upload or an unknown file id.
        """
        item = params["media"]
        if item["media"].startswith("attach://"):
            self.violations.append("an upload in an inline edit")
            raise bad_request("wrong file identifier/HTTP URL specified")
        caption, entities = formatted(item, "caption")
        content = self._file(item["type"], item["media"], {item["type"]})
        return {**content, "caption": caption, "caption_entities": entities}

    # --- helpers ----------------------------------------------------------------------------------

    def _close(self, query_id: str) -> float:
        """Remove an open query and return its age in seconds.

        Raises:
            ApiError: the query is unknown or too old.
        """
        seconds = time.monotonic() - self._open.pop(query_id, -math.inf)
        if seconds > ANSWER_WITHIN_S:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        return seconds

    def _check(self, result: Json) -> None:
        if not 1 <= len(result.get("id", "").encode()) <= MAX_RESULT_ID:
            raise bad_request("RESULT_ID_INVALID")
        checked_keyboard(result.get("reply_markup"))
        if result["type"] == "article":
            if not result.get("title"):
                raise bad_request("RESULT_TITLE_EMPTY")
        elif result["type"] in {"video", "document"} and not result.get("title"):
            raise bad_request("RESULT_TITLE_EMPTY")
        self._content(result)

    def _content(self, result: Json) -> Json:
        extra = {"reply_markup": result["reply_markup"]} if result.get("reply_markup") else {}
        if result["type"] == "article":
            sent = result["input_message_content"]
            text, entities = formatted({**sent, "text": sent["message_text"]}, "text")
            return {"text": text, **({"entities": entities} if entities else {}), **extra}
        name, kinds = _CACHED[result["type"]]
        caption, entities = formatted(result, "caption")
        content = self._file(result["type"], result[name], kinds)
        if caption:
            content["caption"] = caption
        if entities:
            content["caption_entities"] = entities
        return {**content, **extra}

    def _file(self, kind: str, file_id: str, kinds: set[str]) -> Json:
        file = self.files.by_id.get(file_id)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if file.kind not in kinds and {file.kind, *kinds} != {"animation", "video"}:
            raise bad_request(f"can't use file of type {file.kind} as {kind}")
        if file.kind == "photo":
            size: Any = {**file.as_json(), "width": file.width, "height": file.height}
            return {"photo": [size]}
        return {file.kind: dict(file.shown) or file.as_json()}


_VARIABLE = {
    "text",
    "entities",
    "photo",
    "video",
    "animation",
    "audio",
    "document",
    "caption",
    "caption_entities",
}
