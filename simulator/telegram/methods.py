"""Implement the Bot API methods, with the error texts of the real server.

Each method takes the request's typed parameters and the uploaded files by field name. Source of
limits and error texts: telegram-facts.md and https://core.telegram.org/bots/api.
"""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.telegram.errors import ApiError, bad_request
from simulator.telegram.files import FileStore, StoredFile, Upload
from simulator.telegram.inline import Inline
from simulator.telegram.markup import as_key, checked_keyboard, formatted
from simulator.telegram.webhook import Webhook
from simulator.telegram.world import Chat, Json, World, membership

Params = dict[str, Any]
Uploads = dict[str, Upload]

_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
#: Message fields that copyMessage copies.
_CONTENT = {
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "video",
    "animation",
    "live_photo",
    "audio",
    "document",
}
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_THUMBNAIL_BYTES = 200_000
MAX_THUMBNAIL_SIDE = 320
#: Source: https://core.telegram.org/bots/api#copymessages
MAX_COPIES = 100

#: Reactions that the simulator accepts: a part of Telegram's standard set.
REACTIONS = {"👍", "👎", "❤", "🔥", "🎉", "😁", "😢", "👀", "👨‍💻", "⚡", "🤔", "💔", "🏆", "✍"}
CHAT_ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """Files that the server accepts but cannot process."""

    #: The kind of file: "photo", "video", "animation", "audio" or "document".
    kind: str
    #: Pattern that is found in the name of the file.
    name: str
    #: Reason as Telegram words it, such as "PHOTO_INVALID_DIMENSIONS".
    reason: str
    #: An error about an album says which of its messages is refused.
    says_position: bool = True


@dataclass(slots=True)
class Methods:
    """The methods of one bot, over one world and one file store."""

    world: World
    files: FileStore
    #: Calls that the real server accepts but that are mistakes.
    violations: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    #: False for a server older than Bot API 10.0.
    takes_live_photos: bool = True
    #: Silent videos in albums become animations, which albums do not take back.
    makes_animations: bool = False
    #: Commands by scope and language code.
    commands: dict[str, list[Json]] = field(default_factory=dict)
    inline: Inline = field(init=False)
    webhook: Webhook = field(init=False)
    _group_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Create inline mode and the webhook."""
        self.inline = Inline(self.world, self.files, self.violations)
        self.webhook = Webhook(self.world, self.violations)

    def find(self, name: str) -> Callable[[Params, Uploads], Awaitable[Any]] | None:
        """Return the method with this Bot API name, or None if it is not simulated."""
        method: Callable[[Params, Uploads], Awaitable[Any]] | None = getattr(
            self, f"do_{name}", None
        )
        return method

    # --- the bot itself ---------------------------------------------------------------------------

    async def do_getMe(self, _params: Params, _uploads: Uploads) -> Json:
        return self.world.bot_user

    async def do_setWebhook(self, params: Params, uploads: Uploads) -> bool:
        name = params.get("certificate") or ""
        return self.webhook.set(params, uploads.get(name.removeprefix("attach://")))

    async def do_deleteWebhook(self, params: Params, _uploads: Uploads) -> bool:
        return self.webhook.delete(params)

    async def do_getWebhookInfo(self, _params: Params, _uploads: Uploads) -> Json:
        return self.webhook.info()

    async def do_setMyCommands(self, params: Params, _uploads: Uploads) -> bool:
        commands = params["commands"]
        for command in commands:
            if not command["command"].islower() or len(command["command"]) > 32:
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[self._command_list(params)] = commands
        return True

    async def do_deleteMyCommands(self, params: Params, _uploads: Uploads) -> bool:
        self.commands.pop(self._command_list(params), None)
        return True

    def _command_list(self, params: Params) -> str:
        """Return the key of a command list: scope, chat if the scope is one, and language.

        Raises:
            ApiError: the bot has no chat with this person.
        """
        scope = params.get("scope") or {"type": "default"}
        chat = f"/{self.world.chat(scope['chat_id']).id}" if scope["type"] == "chat" else ""
        return f"{scope['type']}{chat}/{params.get('language_code') or ''}"

    # --- sending ----------------------------------------------------------------------------------

    async def do_sendMessage(self, params: Params, _uploads: Uploads) -> Json:
        text, entities = formatted(params, "text")
        return self._send(params, {"text": text}, entities, "entities")

    async def do_sendVideo(self, params: Params, uploads: Uploads) -> Json:
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        content = {"video": self._video("video", params["video"], params, uploads)}
        return self._send(params, {**content, **_cover(params), "caption": caption}, entities)

    async def do_sendAnimation(self, params: Params, uploads: Uploads) -> Json:
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        animation = self._video("animation", params["animation"], params, uploads)
        content = _animation(animation)
        return self._send(params, {**content, **_cover(params), "caption": caption}, entities)

    async def do_sendPhoto(self, params: Params, uploads: Uploads) -> Json:
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        file = self._photo(params["photo"], uploads)
        content = {"photo": [_photo_size(file)], "caption": caption}
        return self._send(params, {**content, **_cover(params)}, entities)

    async def do_sendLivePhoto(self, params: Params, uploads: Uploads) -> Json:
        if not self.takes_live_photos:
            raise ApiError(404, "Not Found: method not found")
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        content = {"live_photo": self._live_photo(params["live_photo"], params["photo"], uploads)}
        return self._send(params, {**content, **_cover(params), "caption": caption}, entities)

    def _live_photo(self, video: str, photo: str, uploads: Uploads) -> Json:
        """Return the LivePhoto object.

        Raises:
            ApiError: 400, when a file has the wrong kind, or the video is too large or too long.
        """
        still = self._photo(photo, uploads)
        file = self._file(video, uploads, "live_photo")
        if not file.width or file.duration > 10 or file.size > MAX_PHOTO_BYTES:
            raise bad_request("MEDIA_INVALID")
        return {
            **file.as_json(),
            "width": file.width,
            "height": file.height,
            "duration": file.duration,
            "photo": [_photo_size(still)],
        }

    async def do_sendAudio(self, params: Params, uploads: Uploads) -> Json:
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        file = self._file(params["audio"], uploads, "audio")
        if file.shown:
            content = {"audio": dict(file.shown), "caption": caption}
            return self._send(params, content, entities)
        if not file.codec:
            self.violations.append(f"{file.name} is no sound")
        audio: Json = {
            **file.as_json(),
            "duration": params.get("duration") or 0,
            "title": params.get("title") or "",
            "performer": params.get("performer") or "",
            "file_name": file.name,
        }
        self._add_stills(audio, params, uploads)
        file.shown = audio
        return self._send(params, {"audio": audio, "caption": caption}, entities)

    async def do_sendMediaGroup(self, params: Params, uploads: Uploads) -> list[Json]:
        media = params["media"]
        kinds = {item["type"] for item in media}
        if not media or len(media) > 10:
            raise bad_request("wrong number of messages")
        if len(media) == 1:
            self.violations.append("an album of one item")
        if kinds & {"document", "audio"} and len(kinds) > 1:
            raise bad_request("MEDIA_GROUPED_INVALID")
        self.world.chat(params["chat_id"])
        contents = self._album(media, uploads)
        group = {"media_group_id": str(next(self._group_ids))}
        return [
            self._send(params, {**content, **group}, entities) for content, entities in contents
        ]

    def _album(self, media: list[Json], uploads: Uploads) -> list[tuple[Json, list[Json]]]:
        """Return the content of each message.

        Raises:
            ApiError: 400, which says which message is refused.
        """
        contents = []
        for number, item in enumerate(media, start=1):
            try:
                contents.append(self._album_item(item, uploads))
            except ApiError as error:
                reason = error.description.removeprefix("Bad Request: ")
                rejection = next((r for r in self.rejections if r.reason == reason), None)
                if rejection is None:
                    raise
                if not rejection.says_position:
                    raise bad_request("group send failed") from error
                raise bad_request(
                    f'failed to send message #{number} with the error message "{reason}"'
                ) from error
        return contents

    async def do_sendDocument(self, params: Params, uploads: Uploads) -> Json:
        caption, entities = formatted(params, "caption")
        self.world.chat(params["chat_id"])
        file = self._file(params["document"], uploads, "document")
        if file.name.endswith(".mp4") and not params.get("disable_content_type_detection"):
            self.violations.append(
                f"{file.name}: a video sent as document turns into a video again"
            )
        document: Json = {**file.as_json(), "file_name": file.name}
        self._add_stills(document, params, uploads)
        return self._send(params, {"document": document, "caption": caption}, entities)

    async def do_copyMessage(self, params: Params, _uploads: Uploads) -> Json:
        source = self.world.chats.get(params["from_chat_id"])
        original = source.messages.get(params["message_id"]) if source else None
        self.world.chat(params["chat_id"])
        if original is None:
            raise bad_request("message to copy not found")
        content = {key: value for key, value in original.items() if key in _CONTENT}
        return {"message_id": self._send(params, content, [])["message_id"]}

    async def do_copyMessages(self, params: Params, _uploads: Uploads) -> list[Json]:
        ids = params["message_ids"]
        if not 0 < len(ids) <= MAX_COPIES or ids != sorted(set(ids)):
            raise bad_request("message identifiers must be in a strictly increasing order")
        source = self.world.chats.get(params["from_chat_id"])
        self.world.chat(params["chat_id"])
        found = [source.messages[number] for number in ids if source and number in source.messages]
        if not found:
            raise bad_request("there are no messages to copy")
        groups: dict[str, str] = {}
        copies = []
        for original in found:
            content = {key: value for key, value in original.items() if key in _CONTENT}
            if group := original.get("media_group_id"):
                new_group = groups.get(group) or str(next(self._group_ids))
                content["media_group_id"] = groups[group] = new_group
            copies.append({"message_id": self._send(params, content, [])["message_id"]})
        return copies

    async def do_sendChatAction(self, params: Params, _uploads: Uploads) -> bool:
        chat = self.world.chat(params["chat_id"])
        if params["action"] not in CHAT_ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.world.act(chat, params["action"])
        return True

    # --- editing, deleting and reacting -----------------------------------------------------------

    async def do_answerInlineQuery(self, params: Params, _uploads: Uploads) -> bool:
        return self.inline.answer(params)

    async def do_answerGuestQuery(self, params: Params, _uploads: Uploads) -> Json:
        return self.inline.answer_call(params)

    async def do_editMessageMedia(self, params: Params, _uploads: Uploads) -> bool:
        if not params.get("inline_message_id"):
            raise bad_request("only inline messages are simulated here")
        return self.inline.edit(params, self.inline.media(params))

    async def do_editMessageText(self, params: Params, _uploads: Uploads) -> Json | bool:
        if params.get("inline_message_id"):
            text, entities = formatted(params, "text")
            return self.inline.edit(params, {"text": text, "entities": entities})
        message = self._own_message(params, "message to edit not found")
        text, entities = formatted(params, "text")
        markup = checked_keyboard(params.get("reply_markup"))
        old = (message.get("text"), message.get("entities", []), message.get("reply_markup"))
        if as_key(old) == as_key((text, entities, markup)):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        for key in ("entities", "reply_markup"):
            message.pop(key, None)
        message.update({"text": text, "edit_date": message["date"]})
        if entities:
            message["entities"] = entities
        if markup:
            message["reply_markup"] = markup
        self.world.edited(message)
        return message

    async def do_editMessageReplyMarkup(self, params: Params, _uploads: Uploads) -> Json | bool:
        if params.get("inline_message_id"):
            return self.inline.edit(params, {}, keeps_content=True)
        message = self._own_message(params, "message to edit not found")
        markup = checked_keyboard(params.get("reply_markup"))
        if markup and not markup["inline_keyboard"]:
            markup = None
        if as_key(message.get("reply_markup")) == as_key(markup):
            raise bad_request("message is not modified")
        message.pop("reply_markup", None)
        if markup:
            message["reply_markup"] = markup
        self.world.edited(message)
        # Apps do not call such a message edited, although its answer has the time.
        return {**message, "edit_date": message["date"]}

    async def do_deleteMessage(self, params: Params, _uploads: Uploads) -> bool:
        chat = self.world.chat(params["chat_id"])
        self.world.find_message(chat, params["message_id"], "message to delete not found")
        self.world.delete(chat, params["message_id"])
        return True

    async def do_deleteBusinessMessages(self, params: Params, _uploads: Uploads) -> bool:
        """Delete messages of the chat with the business connection, of which there is one."""
        for chat in self.world.chats.values():
            for message_id in params["message_ids"]:
                message = chat.messages.get(message_id, {})
                if message.get("business_connection_id") == params["business_connection_id"]:
                    self.world.delete(chat, message_id)
        return True

    async def do_setMessageReaction(self, params: Params, _uploads: Uploads) -> bool:
        chat = self.world.chat(params["chat_id"])
        self.world.find_message(chat, params["message_id"], "message to react not found")
        wanted = params.get("reaction") or []
        if len(wanted) > 1:
            raise bad_request("REACTIONS_TOO_MANY")
        emoji = wanted[0].get("emoji") if wanted else None
        if emoji and (emoji not in REACTIONS or not chat.reactions_allowed):
            raise bad_request("REACTION_INVALID")
        self.world.react(chat, params["message_id"], emoji)
        return True

    async def do_answerCallbackQuery(self, params: Params, _uploads: Uploads) -> bool:
        if len(params.get("text") or "") > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        self.world.answer_query(params["callback_query_id"], params)
        return True

    # --- queries ----------------------------------------------------------------------------------

    async def do_getChatMember(self, params: Params, _uploads: Uploads) -> Json:
        chat = self.world.chat(params["chat_id"])
        if params["user_id"] == self.world.bot_user["id"]:
            return self._own_membership(chat)
        person = self.world.people.get(params["user_id"])
        if person is None:
            raise bad_request("PARTICIPANT_ID_INVALID")
        status = chat.members.get(person.id, "left" if chat.type == "channel" else "member")
        return membership(person.as_json(), status)

    def _own_membership(self, chat: Chat) -> Json:
        """Return the bot's ChatMember; by default it is an administrator who can post."""
        status = chat.members.get(self.world.bot_user["id"], "administrator")
        member = membership(self.world.bot, status)
        if status == "administrator":
            member["can_post_messages"] = True
        return member

    async def do_getChat(self, params: Params, _uploads: Uploads) -> Json:
        chat = self.world.chat(params["chat_id"])
        # Required fields of ChatFullInfo.
        return {
            **chat.as_json(),
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(_GIFTS, False),
            **({"linked_chat_id": chat.linked_to} if chat.linked_to else {}),
        }

    async def do_getFile(self, params: Params, _uploads: Uploads) -> Json:
        file = self.files.by_id.get(params["file_id"])
        if file is None:
            raise bad_request("invalid file_id")
        return {**file.as_json(), "file_path": file.path.name}

    # --- helpers ----------------------------------------------------------------------------------

    def _send(
        self,
        params: Params,
        content: Json,
        entities: list[Json],
        entities_field: str = "caption_entities",
    ) -> Json:
        chat = self.world.chat(params["chat_id"])
        _check_rights(chat, content)
        extra: Json = {}
        if connection := params.get("business_connection_id"):
            extra["business_connection_id"] = connection
        if chat.is_direct and params.get("direct_messages_topic_id") is None:
            raise bad_request("Channel direct messages topic must be specified")
        thread_id = params.get("message_thread_id")
        if thread_id is not None:
            if thread_id not in chat.topics:
                raise bad_request("message thread not found")
            extra.update({"message_thread_id": thread_id, "is_topic_message": True})
        if reply := self._reply(chat, params.get("reply_parameters")):
            extra["reply_to_message"] = reply
        if markup := checked_keyboard(params.get("reply_markup")):
            extra["reply_markup"] = markup
        if entities:
            extra[entities_field] = entities
        if not content.get("caption", "x"):
            content.pop("caption")
        return self.world.add_message(chat, {**content, **extra})

    def _reply(self, chat: Chat, reply: Json | None) -> Json | None:
        if not reply:
            return None
        target = chat.messages.get(reply["message_id"])
        if target is None:
            if not reply.get("allow_sending_without_reply"):
                raise bad_request("message to be replied not found")
            return None
        return {key: value for key, value in target.items() if key != "reply_to_message"}

    def _own_message(self, params: Params, missing: str) -> Json:
        chat = self.world.chat(params["chat_id"])
        message = self.world.find_message(chat, params["message_id"], missing)
        if message.get("from", {}).get("id") != self.world.bot_user["id"]:
            raise bad_request("message can't be edited")
        return message

    def _file(self, value: str, uploads: Uploads, kind: str) -> StoredFile:
        """Store an upload, or return the file with this file id.

        Raises:
            ApiError: 400, when the file is empty, unknown or of another kind.
        """
        if upload := uploads.get(value.removeprefix("attach://")):
            if upload.size == 0:
                raise bad_request("file must be non-empty")
            for rejection in self.rejections:
                if rejection.kind == kind and re.search(rejection.name, upload.name):
                    raise bad_request(rejection.reason)
            return self.files.keep(upload, kind)
        if value.startswith(("http://", "https://")):
            raise ApiError(400, "Bad Request: wrong type of the web page content")
        file = self.files.by_id.get(value)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        # Telegram stores an animation as a looping video and accepts it as one.
        if file.kind != kind and {file.kind, kind} != {"animation", "video"}:
            raise bad_request(f"can't use file of type {file.kind} as {kind}")
        return file

    def _photo(self, value: str, uploads: Uploads) -> StoredFile:
        file = self._file(value, uploads, "photo")
        if file.size > MAX_PHOTO_BYTES:
            raise bad_request(
                f"file of size {file.size} bytes is too big for a photo; "
                f"the maximum size is {MAX_PHOTO_BYTES} bytes"
            )
        if not file.width:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if file.width + file.height > 10_000 or max(file.width, file.height) > 20 * min(
            file.width, file.height
        ):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        return file

    def _album_item(self, item: Json, uploads: Uploads) -> tuple[Json, list[Json]]:
        caption, entities = formatted(item, "caption")
        match item["type"]:
            case "photo":
                content: Json = {"photo": [_photo_size(self._photo(item["media"], uploads))]}
            case "video":
                content = self._album_video(item, uploads)
            case "live_photo" if self.takes_live_photos:
                live = self._live_photo(item["media"], item["photo"], uploads)
                content = {"live_photo": live}
            case "live_photo":
                raise bad_request("can't parse InputMedia: type must be non-empty")
            case "document":
                file = self._file(item["media"], uploads, "document")
                content = {"document": {**file.as_json(), "file_name": file.name}}
            case kind:
                raise bad_request(f"type {kind} is not simulated in albums")
        content |= _cover(item)
        return ({**content, "caption": caption} if caption else content), entities

    def _album_video(self, item: Json, uploads: Uploads) -> Json:
        file = self.files.by_id.get(item["media"])
        if file and file.kind == "animation" and self.makes_animations:
            raise bad_request("can't use file of type Animation as Video")
        video = self._video("video", item["media"], item, uploads)
        stored = self.files.by_id[video["file_id"]]
        if not self.makes_animations or stored.has_sound:
            return {"video": video}
        stored.kind = "animation"
        return _animation(video)

    def _video(self, kind: str, value: str, params: Params, uploads: Uploads) -> Json:
        """Return the Video or Animation object; record wrong sizes and unplayable files."""
        file = self._file(value, uploads, kind)
        if file.shown:
            return dict(file.shown)
        declared = [params.get(key) or 0 for key in ("width", "height", "duration")]
        self._check_declared(file, declared)
        if file.trouble:
            self.violations.append(f"{file.name}: {file.trouble}")
        if kind == "animation" and file.has_sound:
            self.violations.append(f"{file.name}: an animation loses its sound")
        video: Json = {
            **file.as_json(),
            "width": declared[0] or 320,
            "height": declared[1] or 320,
            "duration": declared[2],
            "mime_type": "video/mp4",
            "file_name": file.name,
        }
        self._add_stills(video, params, uploads)
        file.shown = video
        return video

    def _add_stills(self, target: Json, params: Params, uploads: Uploads) -> None:
        if thumbnail := params.get("thumbnail"):
            if not (upload := uploads.get(thumbnail.removeprefix("attach://"))):
                self.violations.append("a thumbnail must be a fresh upload")
                return
            file = self.files.keep(upload, "thumbnail")
            if (
                file.codec != "jpeg"
                or file.size > MAX_THUMBNAIL_BYTES
                or max(file.width, file.height) > MAX_THUMBNAIL_SIDE
            ):
                shape = f"{file.codec} {file.width}x{file.height}"
                self.violations.append(f"thumbnail {shape} of {file.size} bytes is ignored")
                return
            target["thumbnail"] = {**file.as_json(), "width": file.width, "height": file.height}
        if cover := params.get("cover"):
            file = self._file(cover, uploads, "photo")
            target["cover"] = [{**file.as_json(), "width": file.width, "height": file.height}]

    def _check_declared(self, file: StoredFile, declared: list[int]) -> None:
        actual = [file.width, file.height, file.duration]
        if file.width == 0:
            self.violations.append(f"{file.name} is no video")
        elif declared != actual:
            self.violations.append(f"{file.name} is declared {declared} but really {actual}")


#: Fields of a Document object.
_DOCUMENT = {"file_id", "file_unique_id", "file_name", "file_size", "mime_type", "thumbnail"}
#: Name of the right that each content of a message needs; the first match counts.
_RIGHTS = {
    "live_photo": "photos",
    "animation": "animations",
    "photo": "photos",
    "video": "videos",
    "audio": "music",
    "document": "documents",
    "text": "text messages",
}


def _check_rights(chat: Chat, content: Json) -> None:
    right = next((right for key, right in _RIGHTS.items() if key in content), "")
    if right in chat.forbidden:
        raise bad_request(f"not enough rights to send {right} to the chat")


def _animation(shown: Json) -> Json:
    """Return the content of a message with an animation, which for old bots is a document, too."""
    document = {key: value for key, value in shown.items() if key in _DOCUMENT}
    animation = {key: value for key, value in shown.items() if key != "cover"}
    return {"animation": animation, "document": document}


def _cover(params: Params) -> Json:
    return {"has_media_spoiler": True} if params.get("has_spoiler") else {}


def _photo_size(file: StoredFile) -> Json:
    return {**file.as_json(), "width": file.width, "height": file.height}
