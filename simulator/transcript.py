"""Print the events in the chats as readable lines."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.telegram.world import Json, World


class Transcript:
    """Prints every event of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: Time of the last user action, by chat id.
        self._asked_at: dict[int, float] = {}
        self._typed_at = 0.0
        self._is_muted = False
        world.watch(self._on_event)

    def heading(self, text: str) -> None:
        """Print the title of a scene."""
        print(f"\n── {text} " + "─" * max(4, 70 - len(text)))

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Print nothing inside the block; a hundred groups would fill the screen."""
        self._is_muted = True
        try:
            yield
        finally:
            self._is_muted = False

    def note(self, text: str) -> None:
        """Print a remark."""
        print(f"  {text}")

    def summary(self, title: str, messages: Iterable[Json]) -> None:
        """Print what a link was answered with in one line."""
        texts = (_text(message).replace("\n", " · ") for message in messages)
        print(f"  {title:36}  {'  '.join(texts)}")

    def _on_event(self, event: Json) -> None:
        if self._is_muted:
            return
        match event["event"]:
            case "message":
                self._on_message(event)
            case "edited":
                self._line(
                    event["message"]["chat"]["id"], "bot", f"(edits) {_text(event['message'])}"
                )
            case "deleted":
                self._line(event["chat_id"], "bot", "(deletes a message)")
            case "reaction":
                self._line(
                    event["chat_id"],
                    "bot",
                    f"(reacts with {event['emoji']})"
                    if event["emoji"]
                    else "(removes the reaction)",
                )
            case "inline_query" | "inline_answered":
                self._on_inline(event)
            case "callback_query" if "message" in event:
                chat_id = event["message"]["chat"]["id"]
                self._asked_at[chat_id] = time.monotonic()
                self._line(chat_id, event["from"]["first_name"], f"(presses {event['data']})")
            case "query_answered" if event.get("text"):
                print(f"  {'':18}   bot (notice): {event['text']}")

    def _on_message(self, event: Json) -> None:
        if "message" in event:
            self._answer(event["message"])
        else:  # an update: a message of a user
            chat_id = event["chat"]["id"]
            self._asked_at[chat_id] = time.monotonic()
            self._line(chat_id, event["from"]["first_name"], event.get("text", "…"))

    def _on_inline(self, event: Json) -> None:
        if event["event"] == "inline_query":
            self._typed_at = time.monotonic()
            print(f"  {'inline':18}  {event['from']['first_name']:>5}: @bot {event['query']}")
            return
        took = (time.monotonic() - self._typed_at) * 1000
        cards = "  ".join(f"⟦ {_title(card)} ⟧" for card in event["results"])
        print(f"  {'':18}    bot: {cards or '(no cards)'}   [{took:.0f} ms]")

    def _answer(self, message: Json) -> None:
        chat_id, sender = message["chat"]["id"], message["from"]
        if not sender["is_bot"] and "via_bot" not in message:
            self._line(chat_id, sender["first_name"], _text(message))
            return
        asked_at = self._asked_at.get(chat_id)
        took = f"   [{(time.monotonic() - asked_at) * 1000:.0f} ms]" if asked_at else ""
        self._line(chat_id, "bot", f"{_text(message)}{took}")
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            print(f"  {'':18}        " + "  ".join(f"[ {b['text']} ]" for b in row))

    def _line(self, chat_id: int, who: str, text: str) -> None:
        chat = self._world.chats[chat_id]
        place = "private" if chat.type == "private" else chat.title
        indented = text.replace("\n", "\n" + " " * 28)
        print(f"  {place[:18]:18}  {who:>5}: {indented}")


def _title(card: Json) -> str:
    return str(card.get("title") or card["type"])


def _text(message: Json) -> str:
    caption = message.get("caption", "").replace("\n", " · ")
    if video := message.get("video"):
        shape = f"{video['width']}x{video['height']}, {video['duration']} s"
        return f"🎬 {_size(video)}, {shape} — {caption}"
    if loop := message.get("animation"):
        return (
            f"🔁 {_size(loop)}, {loop['width']}x{loop['height']}, {loop['duration']} s — {caption}"
        )
    if live := message.get("live_photo"):
        return f"📸 {_size(live)}, {live['width']}x{live['height']} {caption}".rstrip()
    if audio := message.get("audio"):
        about = f"{audio['performer']} – {audio['title']}, {audio['duration']} s, {_size(audio)}"
        return f"🎵 {audio['file_name']}, {about} — {caption}"
    if photo := message.get("photo"):
        return f"🖼 {_size(photo[0])}, {photo[0]['width']}x{photo[0]['height']} {caption}".rstrip()
    if document := message.get("document"):
        return f"📄 {document['file_name']}, {_size(document)} — {caption}"
    return str(message.get("text", ""))


def _size(file: dict[str, Any]) -> str:
    return f"{file['file_size'] / 1_000_000:.2f} MB"
