"""The timeline of a request, from what happens at Telegram and at the sites."""

import itertools
import time
from typing import Any

import pytest

from simulator.page.timelines import STEPS, Timelines
from simulator.sites.web import SiteCall
from simulator.telegram.api import Call
from simulator.telegram.world import Json

LINK = "https://www.tiktok.com/@a/video/73"


class Stage:
    """Plays events to the timelines; the clock is the real one, only the order matters."""

    def __init__(self) -> None:
        self.told: list[Json] = []
        self.lines = Timelines(self.told.append)

    def say(self, link: str = LINK, message: int = 1) -> None:
        entities = [{"type": "url", "offset": 0, "length": len(link)}]
        self.lines.on_event(
            {"event": "message", **self.message(message), "text": link, "entities": entities}
        )

    def message(self, message: int) -> Json:
        return {"message_id": message, "chat": {"id": 5}}

    def react(self, emoji: str | None, message: int = 1) -> None:
        self.lines.on_event({"event": "reaction", "chat_id": 5, "id": message, "emoji": emoji})

    def press(self, quoted: int = 1, answer: int = 2) -> None:
        """Press a button below the bot's answer to a message."""
        key = {"text": "🎵 Audio", "callback_data": "sound/1"}
        message = {
            **self.message(answer),
            "reply_to_message": self.message(quoted),
            "reply_markup": {"inline_keyboard": [[key]]},
        }
        self.lines.on_event({"event": "callback_query", "message": message, "data": "sound/1"})
        self.lines.on_updates([{"callback_query": {"message": message}}])

    def fetch(self, path: str = "/video/73") -> None:
        now = time.monotonic()
        self.lines.on_site_call(SiteCall("TikTok", "www.tiktok.com", path, 200, now, now))

    def send(
        self, method: str = "sendVideo", status: int = 200, message: int = 1, **more: Any
    ) -> None:
        params = {"chat_id": 5, "reply_parameters": {"message_id": message}, **more}
        call = Call(method, params, {"video": 2_000_000}, status, "", time.monotonic(), 0.5)
        self.lines.on_call(call)

    @property
    def last(self) -> Json:
        return self.lines.as_json()[-1]

    @property
    def ended(self) -> list[str]:
        """Return the steps that have ended."""
        return [step["name"] for step in self.last["steps"] if step["ended"] is not None]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_request_goes_through_all_steps(stage: Stage):
    stage.say()
    assert not stage.ended
    stage.lines.on_updates([{"message": stage.message(1)}])
    assert stage.ended == ["found"]
    stage.react("👀")
    assert stage.ended == ["found", "stored"]
    stage.fetch()
    stage.fetch()
    stage.send(video="attach://video")
    assert stage.ended == list(STEPS)
    assert stage.last["outcome"] == ""
    stage.react(None)
    assert stage.last["outcome"] == "sent"
    assert stage.last["ended"] >= 0
    notes = {step["name"]: step["note"] for step in stage.last["steps"]}
    assert notes["fetched"] == "2 requests to TikTok"
    assert notes["sent"] == "2.0 MB"
    assert stage.told[-1] == stage.last


def test_steps_never_overlap(stage: Stage):
    stage.say()
    stage.fetch()
    stage.send(video="attach://video")
    steps = stage.last["steps"]
    assert [step["name"] for step in steps] == list(STEPS)
    for before, after in itertools.pairwise(steps):
        assert before["ended"] <= after["began"] <= after["ended"]


def test_what_is_known_is_not_fetched(stage: Stage):
    stage.say()
    stage.send(video="file-id")
    assert stage.last["outcome"] == "sent"
    assert {s["name"]: s["note"] for s in stage.last["steps"]}["fetched"] == "from the cache"


def test_an_upload_is_followed_while_it_runs(stage: Stage):
    stage.say()
    stage.fetch()
    form = {"chat_id": "5", "reply_parameters": '{"message_id":1}'}
    stage.lines.on_upload("sendVideo", form, 420_000)
    assert stage.last["steps"][-1] == {**stage.last["steps"][-1], "name": "sent", "ended": None}
    assert stage.last["steps"][-1]["note"] == "420 KB"


def test_a_refusal_ends_it(stage: Stage):
    stage.say()
    stage.react("👀")
    stage.send("sendMessage", text="deleted")
    stage.fetch()
    stage.react("😢")
    assert stage.last["outcome"] == "refused"
    assert stage.ended == ["found", "stored", "fetched"]


def test_the_card_of_a_list_is_an_answer_and_a_status_note_is_none(stage: Stage):
    stage.say("https://www.tiktok.com/@a")
    stage.react("👀")
    stage.send("sendMessage", text="a", reply_markup=keyboard("list/1/latest"))
    stage.react(None)
    assert stage.last["outcome"] == "sent"
    stage.say(message=2)
    stage.react("👀", 2)
    stage.send("sendMessage", message=2, text="Waiting", reply_markup=keyboard("cancel/1"))
    stage.react(None, 2)
    assert stage.last["outcome"] == "refused"


def keyboard(data: str) -> Json:
    return {"inline_keyboard": [[{"text": "x", "callback_data": data}]]}


def test_a_failed_call_is_no_answer(stage: Stage):
    stage.say()
    stage.send(status=429, video="attach://video")
    assert "sent" not in stage.ended


def test_a_chat_that_takes_nothing_ends_it(stage: Stage):
    stage.say()
    stage.react("👀")
    stage.fetch()
    stage.send(status=403, video="attach://video")
    assert stage.last["outcome"] == "refused"
    assert stage.told[-1] == stage.last
    stage.say(message=2)
    stage.react("👀", 2)
    stage.send("sendMessage", status=403, message=2, text="deleted")
    assert stage.last["outcome"] == "refused"


def test_a_press_whose_upload_is_forbidden_has_ended(stage: Stage):
    stage.say()
    stage.send(video="attach://video")
    stage.press()
    stage.react("👨‍💻", 2)
    stage.fetch()
    stage.lines.on_upload("sendAudio", {"chat_id": "5", "reply_parameters": '{"message_id":2}'}, 9)
    assert (stage.last["button"], stage.last["outcome"]) == ("🎵 Audio", "")
    stage.send("sendAudio", status=403, audio="attach://audio", message=2)
    assert stage.last["outcome"] == "refused"
    assert "sent" not in stage.ended


def test_requests_are_told_apart_by_post_and_message(stage: Stage):
    stage.say()
    stage.say("https://www.tiktok.com/@a/video/99", 2)
    stage.fetch("/video/99")
    stage.fetch("/something/else")
    stage.send(message=2, video="attach://video")
    first, second = stage.lines.as_json()
    assert first["steps"][-1]["name"] == "found"
    assert second["steps"][2]["note"] == "1 request to TikTok"


def test_a_press_is_a_request_once_media_answer_it(stage: Stage):
    stage.say()
    stage.send(video="attach://video")
    stage.press()
    stage.send("sendMessage", text="settings", message=2)
    assert len(stage.lines.as_json()) == 1
    stage.fetch()
    stage.send("sendAudio", audio="attach://audio", message=2)
    video, sound = stage.lines.as_json()
    assert (video["button"], video["message"]) == ("", 1)
    assert (sound["button"], sound["message"], sound["link"]) == ("🎵 Audio", 2, LINK)
    assert stage.ended == list(STEPS)
    assert sound["steps"][2]["note"] == "1 request to TikTok"
    assert sound["number"] > video["number"]
    assert stage.told[-1] == sound


def test_a_press_below_something_else_is_no_request(stage: Stage):
    stage.say()
    stage.send(video="attach://video")
    stage.press(quoted=9)
    stage.send("sendAudio", audio="attach://audio", message=2)
    assert len(stage.lines.as_json()) == 1


def test_talk_and_other_chats_are_no_requests(stage: Stage):
    stage.lines.on_event({"event": "message", **stage.message(1), "text": "hello"})
    stage.lines.on_event({"event": "message", "message": {**stage.message(2), "text": LINK}})
    stage.react("👀")
    stage.send(video="x")
    assert stage.lines.as_json() == []


def test_links_after_characters_outside_the_basic_plane_are_read(stage: Stage):
    entities = [{"type": "url", "offset": 3, "length": len(LINK)}]
    stage.lines.on_event(
        {"event": "message", **stage.message(1), "text": f"🎬 {LINK}", "entities": entities}
    )
    assert stage.last["link"] == LINK
