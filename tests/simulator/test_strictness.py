"""The simulator refuses wrong requests with Telegram's errors and records careless ones."""

import json
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.api import FaultRule
from simulator.telegram.files import FileStore, Upload
from simulator.telegram.markup import parse_html
from tests.media.corpus import FAST, FRAGMENTS, PQ, Video, replaced
from tests.simulator import schema_source

LONG = "x" * 65


class Client:
    """A minimal Bot API client."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    async def __call__(
        self, method: str, *, token: str | None = None, **params: Any
    ) -> tuple[int, Any]:
        """Call a method; return the HTTP status and the result, or the error text."""
        url = f"{self.simulator.address}/bot{token or self.simulator.token}/{method}"
        form = aiohttp.FormData()
        for key, value in params.items():
            if isinstance(value, Path):
                form.add_field(key, value.open("rb"), filename=value.name)
            elif isinstance(value, str):
                form.add_field(key, value)
            else:
                form.add_field(key, json.dumps(value))
        async with self._session.post(url, data=form) as response:
            body = await response.json()
            return response.status, body["result"] if body["ok"] else body["description"]


@pytest.fixture
async def call(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Client]:
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    simulator.world.person(1, "Ada")
    async with aiohttp.ClientSession() as session:
        yield Client(simulator, session)
    await simulator.stop()


def test_the_schema_matches_the_installed_aiogram():
    assert schema_source.TARGET.read_text() == schema_source.render()


@pytest.mark.parametrize(
    ("method", "params", "refusal"),
    [
        ("sendMessage", {"chat_id": 2, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": 1}, "message text is empty"),
        ("sendMessage", {"chat_id": 1, "text": " \n"}, "message text is empty"),
        ("sendMessage", {"chat_id": 1, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": 1, "text": "😀" * 2049}, "message is too long"),
        ("sendMessage", {"chat_id": 1, "text": "x" * 40_000}, "text is too long"),
        ("sendMessage", {"chat_id": 1, "text": "x", "message_thread_id": 5}, "thread not found"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "message_thread_id": "y"},
            "must be an integer",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": "{"},
            "can't parse reply_markup",
        ),
        ("sendVideo", {"chat_id": 1}, '"video" is required'),
        ("sendVideo", {"chat_id": 1, "video": "nonsense"}, "wrong file identifier"),
        ("sendVideo", {"chat_id": 1, "video": "video-43-000001"}, "wrong file identifier"),
        ("sendVideo", {"chat_id": 1, "video": "https://x.example/a.mp4"}, "web page content"),
        ("sendChatAction", {"chat_id": 1, "action": "dancing"}, "wrong parameter action"),
        ("setMessageReaction", {"chat_id": 1, "message_id": 9}, "message to react not found"),
        ("deleteMessage", {"chat_id": 1, "message_id": 9}, "message to delete not found"),
        ("editMessageText", {"chat_id": 1, "message_id": 9, "text": "x"}, "edit not found"),
        ("answerCallbackQuery", {"callback_query_id": "9"}, "query ID is invalid"),
        ("getChatMember", {"chat_id": 1, "user_id": 9}, "PARTICIPANT_ID_INVALID"),
        ("getFile", {"file_id": "x"}, "invalid file_id"),
        ("setMyCommands", {"commands": [{"command": "Up", "description": "x"}]}, "COMMAND_INVALID"),
        (
            "setMyCommands",
            {"commands": [{"command": "up", "description": ""}]},
            "DESCRIPTION_INVALID",
        ),
    ],
)
async def test_a_wrong_request_gets_telegrams_error_text(
    call: Client, method: str, params: dict[str, Any], refusal: str
):
    status, description = await call(method, **params)
    assert status == 400
    assert refusal in description


@pytest.mark.parametrize(
    ("button", "refusal"),
    [
        ({"text": "x", "callback_data": LONG}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "", "callback_data": "x"}, "unallowed"),
        ({"text": "x"}, "unallowed"),
        ({"text": "x", "callback_data": "x", "url": "https://x.example"}, "unallowed"),
        ({"text": "x", "url": "not an address"}, "Wrong HTTP URL"),
    ],
)
async def test_a_wrong_button_is_refused(call: Client, button: dict[str, str], refusal: str):
    markup = {"inline_keyboard": [[button]]}
    status, description = await call("sendMessage", chat_id=1, text="x", reply_markup=markup)
    assert (status, refusal in description) == (400, True)


@pytest.mark.parametrize(
    ("html", "refusal"),
    [
        ("<x>", 'Unsupported start tag "x" at byte offset 0'),
        ("я <", "Unsupported start tag"),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<span>x</span>", 'must have class "tg-spoiler"'),
    ],
)
async def test_broken_html_is_refused_with_telegrams_error_text(
    call: Client, html: str, refusal: str
):
    status, description = await call("sendMessage", chat_id=1, text=html, parse_mode="HTML")
    assert status == 400
    assert refusal in description
    assert "can't parse entities" in description


def test_valid_html_becomes_text_and_entities():
    text, entities = parse_html(
        "😀 <b>a <i>&lt;&#39;</i></b> <a href='https://x.example?a=1&amp;b'>l</a>"
    )
    assert text == "😀 a <' l"
    assert [(e["type"], e["offset"], e["length"]) for e in entities] == [
        ("bold", 3, 4),
        ("italic", 5, 2),
        ("text_link", 8, 1),
    ]
    assert entities[2]["url"] == "https://x.example?a=1&b"


async def test_length_limits_apply_after_parsing_in_utf16_units(call: Client):
    text = "<b>" + "😀" * 2048 + "</b>"
    status, _ = await call("sendMessage", chat_id=1, text=text, parse_mode="HTML")
    assert status == 200


async def test_wrong_tokens_methods_and_parameters_are_rejected_or_recorded(call: Client):
    assert (await call("getMe", token="43:x"))[0] == 401
    assert (await call("noSuchMethod"))[0] == 404
    status, description = await call("sendDice", chat_id=1)
    assert (status, "not simulated" in description) == (404, True)
    await call("sendMessage", chat_id=1, text="x", reply_to_message_id=1)
    assert call.simulator.api.methods.violations == [
        "sendDice is not simulated",
        "sendMessage has no parameter reply_to_message_id",
    ]


async def test_wrongly_declared_or_broken_videos_are_recorded_as_violations(
    call: Client, samples: SampleStore, tmp_path: Path
):
    video = samples.video(VideoSpec())
    right: dict[str, Any] = {"width": 576, "height": 1024, "duration": 3}
    status, message = await call("sendVideo", chat_id=1, video=video, **right)
    assert status == 200
    again, _ = await call("sendVideo", chat_id=1, video=message["video"]["file_id"], **right)
    assert again == 200
    assert call.simulator.api.methods.violations == []

    await call("sendVideo", chat_id=1, video=video)
    text = tmp_path / "text.mp4"
    text.write_text("x")
    await call("sendVideo", chat_id=1, video=text, **right)
    await call("sendDocument", chat_id=1, document=video)
    big = samples.picture(576, 1024, "big")
    await call("sendVideo", chat_id=1, video=video, thumbnail=big, **right)
    await call("sendVideo", chat_id=1, video=video, thumbnail="photo-1", **right)
    violations = call.simulator.api.methods.violations
    for part in (
        "declared [0, 0, 0]",
        "no video",
        "turns into a video",
        "is ignored",
        "fresh upload",
    ):
        assert any(part in violation for violation in violations), part

    status, description = await call(
        "sendDocument", chat_id=1, document=message["video"]["file_id"]
    )
    assert (status, "can't use file of type video" in description) == (400, True)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "non-empty" in (await call("sendVideo", chat_id=1, video=empty))[1]


@pytest.mark.simulator
@pytest.mark.parametrize(
    ("video", "trouble"),
    [
        (Video("", muxing=FAST), ""),
        (Video("", encoder="libx265", muxing=FAST, edit=replaced(b"hev1", b"hvc1")), ""),
        (Video("", encoder="libx265", muxing=FAST), "the tag hev1"),
        (Video("", muxing=FRAGMENTS), "fragments"),
        (Video("", muxing=FAST, container="mov"), "QuickTime"),
        (Video("", muxing=FAST, sound="ac3"), "audio in ['ac3']"),
        (Video("", muxing=FAST, pixel_format="yuv422p"), "H.264 in yuv422p"),
        (Video("", muxing=FAST, tags=PQ), "HDR in H.264"),
        (Video("", encoder="libvpx-vp9"), "vp9 in mov,mp4,m4a,3gp,3g2,mj2"),
        (Video(""), "no fast start"),
    ],
)
def test_a_video_that_some_apps_do_not_play_is_noticed(video: Video, trouble: str, tmp_path: Path):
    path = tmp_path / "upload"
    video.make(path)
    upload = Upload(path, "video.mp4", "video/mp4", path.stat().st_size)
    assert FileStore(tmp_path / "files", 1).keep(upload, "video").trouble == trouble


@pytest.mark.simulator
def test_a_video_is_measured_as_it_is_displayed(tmp_path: Path):
    path = tmp_path / "upload"
    Video("", muxing=FAST, pixel_aspect=Fraction(4, 3), rotation=90).make(path)
    upload = Upload(path, "video.mp4", "video/mp4", path.stat().st_size)
    file = FileStore(tmp_path / "files", 1).keep(upload, "video")
    assert (file.width, file.height, file.duration) == (120, 213, 2)


async def test_photos_over_telegrams_limits_are_refused(
    call: Client, samples: SampleStore, tmp_path: Path
):
    assert (await call("sendPhoto", chat_id=1, photo=samples.picture(300, 300, "p")))[0] == 200
    wide = samples.picture(2_100, 100, "wide")
    assert "PHOTO_INVALID_DIMENSIONS" in (await call("sendPhoto", chat_id=1, photo=wide))[1]
    text = tmp_path / "x.jpg"
    text.write_text("x")
    assert "IMAGE_PROCESS_FAILED" in (await call("sendPhoto", chat_id=1, photo=text))[1]
    half = tmp_path / "half.jpg"
    half.write_bytes(samples.picture(300, 300, "p").read_bytes()[:-2000])
    assert "IMAGE_PROCESS_FAILED" in (await call("sendPhoto", chat_id=1, photo=half))[1]
    print_colours = tmp_path / "cmyk.jpg"
    Image.new("CMYK", (300, 300)).save(print_colours)
    assert "IMAGE_PROCESS_FAILED" in (await call("sendPhoto", chat_id=1, photo=print_colours))[1]
    large = tmp_path / "large.jpg"
    large.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    assert "too big for a photo" in (await call("sendPhoto", chat_id=1, photo=large))[1]


async def test_albums_must_obey_telegrams_rules(call: Client, samples: SampleStore):
    photos: dict[str, Any] = {f"p{n}": samples.picture(200, 300, str(n)) for n in range(11)}

    def media(number: int, kind: str = "photo") -> list[dict[str, str]]:
        return [{"type": kind, "media": f"attach://p{n}"} for n in range(number)]

    status, messages = await call("sendMediaGroup", chat_id=1, media=media(3), **photos)
    assert status == 200
    assert len({m["media_group_id"] for m in messages}) == 1
    too_many = await call("sendMediaGroup", chat_id=1, media=media(11), **photos)
    assert too_many[0] == 400
    mixed = media(1) + media(1, "document")
    assert "GROUPED" in (await call("sendMediaGroup", chat_id=1, media=mixed, **photos))[1]
    missing = [{"type": "photo", "media": "attach://q"}] * 2
    assert (await call("sendMediaGroup", chat_id=1, media=missing))[0] == 400
    assert call.simulator.api.methods.violations == []
    await call("sendMediaGroup", chat_id=1, media=media(1), **photos)
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}
    await call("sendMediaGroup", chat_id=1, media=media(2), reply_markup=markup, **photos)
    assert call.simulator.api.methods.violations == [
        "an album of one item",
        "sendMediaGroup has no parameter reply_markup",
    ]


async def test_an_upload_over_the_server_limit_gets_413(call: Client, tmp_path: Path):
    call.simulator.api.upload_limit = 1000
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * 1001)
    status, description = await call("sendDocument", chat_id=1, document=large)
    assert (status, description) == (413, "Request Entity Too Large")


async def test_sending_to_a_user_who_blocked_the_bot_gets_403(call: Client):
    world = call.simulator.world
    world.block(world.people[1])
    status, description = await call("sendMessage", chat_id=1, text="x")
    assert (status, description) == (403, "Forbidden: bot was blocked by the user")


async def test_invalid_reactions_edits_and_callback_answers_are_refused(call: Client):
    world = call.simulator.world
    mine = world.say(world.people[1], "hi")["message_id"]
    for reaction in ([{"type": "emoji", "emoji": "⏳"}], [{"type": "emoji", "emoji": "🔥"}] * 2):
        status, _ = await call("setMessageReaction", chat_id=1, message_id=mine, reaction=reaction)
        assert status == 400
    assert (
        "can't be edited"
        in (await call("editMessageText", chat_id=1, message_id=mine, text="x"))[1]
    )
    _, sent = await call("sendMessage", chat_id=1, text="x")
    same: dict[str, Any] = {"chat_id": 1, "message_id": sent["message_id"]}
    assert "not modified" in (await call("editMessageText", text="x", **same))[1]
    assert (await call("editMessageText", text="y", **same))[0] == 200
    query = world.press(world.people[1], sent, "d")
    assert (await call("answerCallbackQuery", callback_query_id=query))[0] == 200
    assert (await call("answerCallbackQuery", callback_query_id=query))[0] == 400


async def test_get_updates_confirms_updates_by_offset(call: Client):
    world = call.simulator.world
    first = world.say(world.people[1], "one")
    world.say(world.people[1], "two")
    _, updates = await call("getUpdates")
    assert [u["message"]["text"] for u in updates] == ["one", "two"]
    assert updates[0]["message"]["message_id"] == first["message_id"]
    _, rest = await call("getUpdates", offset=updates[0]["update_id"] + 1)
    assert [u["message"]["text"] for u in rest] == ["two"]
    _, none = await call("getUpdates", allowed_updates=["callback_query"])
    assert none == []


async def test_a_fault_applies_once_by_default(call: Client):
    faults = call.simulator.api.faults
    faults.append(FaultRule("sendMessage", "429", seconds=3, chat_id=1))
    url = f"{call.simulator.address}/bot{call.simulator.token}/sendMessage"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data={"chat_id": "1", "text": "x"}) as response,
    ):
        body = await response.json()
    assert (response.status, body["parameters"]) == (429, {"retry_after": 3})
    assert (await call("sendMessage", chat_id=1, text="x"))[0] == 200
    for kind, new_messages in (("cut", 0), ("lost", 1)):
        before = len(call.simulator.world.chats[1].messages)
        faults.append(FaultRule("*", kind))
        with pytest.raises(aiohttp.ClientError):
            await call("sendMessage", chat_id=1, text=kind)
        assert len(call.simulator.world.chats[1].messages) - before == new_messages


async def test_the_control_api_matches_the_python_objects(call: Client):
    base = f"{call.simulator.address}/control"
    async with aiohttp.ClientSession() as session:
        said = [{"person": 5, "text": "hi", "name": "Bo"}]
        async with session.post(f"{base}/say", json=said) as response:
            assert await response.json() == [1]
        async with session.post(
            f"{base}/fault", json={"method": "getMe", "kind": "500"}
        ) as response:
            assert await response.json() is True
        assert (await call("getMe"))[0] == 500
        async with session.get(f"{base}/chats/5") as response:
            assert (await response.json())[0]["text"] == "hi"
        async with session.get(f"{base}/counts") as response:
            counts = await response.json()
            assert counts == {"calls": {"getMe 500": 1}, "polls": 0, "violations": []}
        async with session.get(f"{base}/calls?since=0") as response:
            assert (await response.json())[0]["method"] == "getMe"
