"""Small stand-ins for Telegram, the sites and the parts of a request, shared by unit tests."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.base import BaseSession
from aiogram.enums import ParseMode
from aiogram.methods import (
    AnswerCallbackQuery,
    AnswerGuestQuery,
    CopyMessages,
    GetChatMember,
    SendMediaGroup,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import (
    CallbackQuery,
    Chat,
    ChatMemberLeft,
    ChatMemberOwner,
    InaccessibleMessage,
    InlineKeyboardMarkup,
    InputFile,
    Message,
    MessageId,
    SentGuestMessage,
    User,
)

from core.access import Mode
from core.chat_queue import Lane
from core.choices import NO_CHOICE, Choice, Piece
from core.errors import ClipferryError
from core.lists import ListCard
from core.media import (
    Access,
    AudioFile,
    Clip,
    DocumentFile,
    File,
    Link,
    LivePhotoFile,
    LocalFile,
    PhotoFile,
    Post,
    Rendition,
    VideoFile,
)
from core.media import RemoteFile as Remote
from core.preferences import Preferences
from core.progress import DownloadProgress, WorkProgress
from core.request import (
    ChatSettings,
    Continuation,
    Kind,
    Progress,
    Request,
    Target,
    Ticket,
)
from data import database
from data.requests import Claim
from delivery.api_requests import MessageOptions
from delivery.membership import Membership
from delivery.refused_files import Recovery
from delivery.sender import Journal, Sender
from delivery.status_note import RecordNote
from delivery.targets import ChatTarget
from media.processor import MediaProcessor, Watch, ignore_progress
from misc.intake import RequestIntake
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from misc.ui.callback_data import RemainingLinks
from misc.ui.help import BotProfile
from platforms import Attempt, Fetcher, FileRequest, SavedFile, Spool, Workspace
from services.access import AccessPolicy
from services.metrics import Metrics
from services.requests.context import Delivered, Presenter, RequestContext, Toolkit
from services.requests.kept_answers import KeptAnswers
from services.requests.queue import RequestHandle
from services.requests.slots import Slots
from services.requests.store import StoredRequest
from tests.records import changed

TOKEN = "42:" + "a" * 35
BOT_ID = 42
PERSON = 7
LINK = Link(
    "tiktok", "https://www.tiktok.com/@demo/video/7301234567890123456", "7301234567890123456"
)
VIDEO = Remote("video", "video-1")
#: Long before every test, so that its age is seen to matter.
DATE = datetime(2026, 1, 1, tzinfo=UTC)
#: What Telegram sends of a message that is older than two days.
GONE = InaccessibleMessage(chat=Chat(id=PERSON, type="private"), message_id=70, date=0)
T = TypeVar("T")
MethodT = TypeVar("MethodT", bound=TelegramMethod[Any])


async def settle() -> None:
    """Let everything run that can run without waiting for anything outside."""
    for _ in range(20):
        await asyncio.sleep(0)


# --- the database ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty SQLite file with the newest schema, which tests copy."""
    path = tmp_path_factory.mktemp("schema") / "bot.db"

    async def migrate() -> None:
        database.initialize_database_components(f"sqlite:///{path}")
        await database.init_db()
        await database.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def sqlite_db(migrated_file: Path, tmp_path: Path) -> AsyncIterator[None]:
    """Use an empty SQLite database."""
    path = tmp_path / "bot.db"
    shutil.copy(migrated_file, path)
    database.initialize_database_components(f"sqlite:///{path}")
    yield
    await database.close()


# --- Telegram -------------------------------------------------------------------------------------


class RecordingSession(BaseSession):
    """Records the calls of Bot API methods, and answers as Telegram would."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []
        #: What calls of a method fail with, in order; afterwards they succeed.
        self.failures: defaultdict[type[Any], list[Exception]] = defaultdict(list)
        #: People who are administrators of every group.
        self.group_admins: set[int] = set()
        self.last_message_id = 1_000
        #: Contents of uploaded files by name.
        self.uploads: dict[str, bytes] = {}

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        self.calls.append(method)
        if failures := self.failures[type(method)]:
            raise failures.pop(0)
        for value in vars(method).values():
            if isinstance(value, InputFile):
                content = b"".join([chunk async for chunk in value.read(bot)])
                self.uploads[value.filename or ""] = content
        return cast("TelegramType", self.result_of(method))

    def result_of(self, method: TelegramMethod[Any]) -> object:
        if isinstance(method, AnswerGuestQuery):
            return SentGuestMessage(inline_message_id="guest-inline")
        if isinstance(method, GetChatMember):
            user = User(id=method.user_id, is_bot=False, first_name="Ann")
            is_admin = method.user_id in self.group_admins
            return ChatMemberOwner(user=user, is_anonymous=False) if is_admin else _left(user)
        if isinstance(method, SendMediaGroup):
            return [self.message_for(method) for _ in method.media]
        if isinstance(method, CopyMessages):
            return [MessageId(message_id=number) for number in method.message_ids]
        if method.__returning__ is Message:
            return self.message_for(method)
        if method.__returning__ is MessageId:
            self.last_message_id += 1
            return MessageId(message_id=self.last_message_id)
        return True

    def message_for(self, method: Any) -> Message:
        self.last_message_id += 1
        chat = Chat(id=method.chat_id, type="private" if method.chat_id > 0 else "supergroup")
        text = getattr(method, "text", None)
        return Message(message_id=self.last_message_id, date=DATE, chat=chat, text=text)

    def of(self, kind: type[MethodT]) -> list[MethodT]:
        """Return the calls of one method."""
        return [call for call in self.calls if isinstance(call, kind)]

    @property
    def texts(self) -> list[str]:
        """Return the texts of all new and edited messages."""
        return [
            call.text for call in self.calls if hasattr(call, "text") and hasattr(call, "chat_id")
        ]

    @property
    def alerts(self) -> list[tuple[str | None, bool]]:
        """Return how presses were answered: the text, and whether it is an alert."""
        return [(call.text, bool(call.show_alert)) for call in self.of(AnswerCallbackQuery)]

    async def close(self) -> None:
        """There is nothing to close."""

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109 - aiogram's signature
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        yield b""


def _left(user: User) -> ChatMemberLeft:
    return ChatMemberLeft(user=user)


class FakeTelegram:
    """A bot without a connection, and what it has called."""

    def __init__(self) -> None:
        self.session = RecordingSession()
        properties = DefaultBotProperties(parse_mode=ParseMode.HTML)
        self.bot = Bot(TOKEN, session=self.session, default=properties)
        self.sender = Sender(self.bot, ceiling_bytes=50_000_000, upload_timeout_s=60)

    def fail(self, method: type[Any], *errors: Exception) -> None:
        """Let the next calls of a method fail."""
        self.session.failures[method] += errors

    @property
    def texts(self) -> list[str]:
        return self.session.texts

    @property
    def alerts(self) -> list[tuple[str | None, bool]]:
        return self.session.alerts

    def of(self, kind: type[MethodT]) -> list[MethodT]:
        return self.session.of(kind)

    def message(self, text: str | None = None, **values: Any) -> Message:
        return make_message(self.bot, text, **values)

    def query(
        self, data: str, message: Message | InaccessibleMessage | None = None, **values: Any
    ) -> CallbackQuery:
        return make_query(self.bot, data, message, **values)


@pytest.fixture
def telegram() -> FakeTelegram:
    """Return a bot without a connection, which records what it calls."""
    return FakeTelegram()


def make_user(user_id: int = PERSON, **values: Any) -> User:
    values = {"is_bot": False, "first_name": "Ann", "language_code": "en", **values}
    return User(id=user_id, **values)


def make_message(
    bot: Bot,
    text: str | None = None,
    *,
    chat_id: int = PERSON,
    user_id: int = PERSON,
    **values: Any,
) -> Message:
    """Return a message; chats with negative ids are supergroups."""
    values = {"message_id": 70, "date": DATE, **values}
    values.setdefault("from_user", make_user(user_id))
    values.setdefault("chat", Chat(id=chat_id, type="private" if chat_id > 0 else "supergroup"))
    return Message(text=text, **values).as_(bot)


def make_query(
    bot: Bot,
    data: str,
    message: Message | InaccessibleMessage | None = None,
    *,
    user_id: int = PERSON,
    **values: Any,
) -> CallbackQuery:
    """Return a press of a button below a message."""
    user = values.pop("from_user", make_user(user_id))
    query = CallbackQuery(
        id="1", from_user=user, chat_instance="1", data=data, message=message, **values
    )
    return query.as_(bot)


def buttons_in(markup: object) -> list[str]:
    """Return the callback data of all buttons of a keyboard."""
    assert isinstance(markup, InlineKeyboardMarkup)
    return [b.callback_data or "" for row in markup.inline_keyboard for b in row]


def make_profile() -> BotProfile:
    """Return what a bot without a named operator says about itself."""
    return BotProfile("demo_bot", ("TikTok", "Instagram"), 50, 5, True, "", "")


def make_access(
    telegram: "FakeTelegram",
    mode: Mode = "everyone",
    *entries: str,
    channels: Sequence[str] = ("@news",),
) -> AccessPolicy:
    """Return who may use the bot: in other modes user 1, and what `entries` list."""
    membership = Membership(telegram.bot, channels)
    return AccessPolicy(
        mode, membership, exempt=frozenset({1}), fixed=entries, channels=channels, join_url=""
    )


class RecordingAcks(UpdateAcks):
    """Records the updates that are acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        #: Called before an update is acknowledged.
        self.before: Callable[[], object] = lambda: None

    def acknowledge(self, update_id: int) -> None:
        self.before()
        self.acknowledged.append(update_id)
        super().acknowledge(update_id)


def make_ack(update_id: int = 5) -> tuple[UpdateAck, RecordingAcks]:
    """Return the acknowledgement of an update, and where it is recorded."""
    acks = RecordingAcks()
    return UpdateAck(update_id, acks), acks


# --- requests -------------------------------------------------------------------------------------


def make_post(*items: Any, **values: Any) -> Post:
    """Return a post, with one clip unless it has other items."""
    clip = Clip((Rendition(("https://cdn.example/v.mp4",), "h264", 576, 1024, 1_000),), 10)
    values = {"platform": LINK.platform, "id": LINK.post_id, "url": LINK.url, **values}
    return Post(access=Access(proxy="direct"), items=items or (clip,), **values)


def make_request(kind: Kind = "post", link: Link = LINK, **values: Any) -> Request:
    """Return a request of a private chat; `values` as in `changed`."""
    target = Target(PERSON, 70, is_private=True)
    return changed(Request(kind, link, target, 1_000, ChatSettings("en")), **values)


class FakeStatus:
    """Records what is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        #: How many requests were left to other processes.
        self.left = 0
        #: What the status note has said; empty once it is deleted.
        self.notes: list[MessageOptions] = []

    async def accepted(self) -> None:
        self.shown.append("accepted")

    async def working(self) -> None:
        self.shown.append("working")

    async def retrying(self, attempt: int, attempts: int) -> None:
        self.shown.append(f"retrying {attempt}/{attempts}")

    async def sending(self) -> None:
        self.shown.append("sending")

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        self.notes.append(note)

    async def remove_note(self) -> None:
        self.notes.clear()

    async def cancelled(self) -> None:
        self.shown.append("cancelled")

    async def failed(self) -> None:
        self.shown.append("failed")

    def keep_message(self) -> None:
        self.shown.append("kept")

    async def done(self) -> None:
        self.shown.append("done")

    async def passed_on(self) -> None:
        self.left += 1


class FakePresenter:
    """Records what is said; fails with the errors it is given."""

    def __init__(self) -> None:
        self.explained: list[ClipferryError] = []
        self.tickets: list[Ticket | None] = []
        self.ads = 0
        self.has_ad = False
        self.refusal: ClipferryError | None = None
        self.ad_failure: ClipferryError | None = None

    def options(self, post: Post, *, shown: int, missing: int) -> MessageOptions:
        return MessageOptions(f"{post.id}: {shown} shown, {missing} missing")

    def audio_options(self, post: Post) -> MessageOptions:
        return MessageOptions("audio")

    def list_archive(self, places: tuple[int, int], total: int, missing: int) -> MessageOptions:
        return MessageOptions(f"{places[0]}-{places[1]} of {total}, {missing} missing")

    def list_card(self, card: ListCard) -> MessageOptions:
        return MessageOptions(f"card {card.id}: {len(card.listing.entries)} posts")

    def missing_posts(self, missing: Mapping[str, ClipferryError]) -> str:
        return " ".join(f"{url}: {error.code}" for url, error in missing.items())

    def status_note(self, work: WorkProgress, number: int, place: int | None) -> MessageOptions:
        return MessageOptions(f"request {number}, place {place}, {work.stage.name.lower()}")

    async def explain(self, error: ClipferryError, ticket: Ticket | None) -> None:
        if self.refusal:
            raise self.refusal
        self.explained.append(error)
        self.tickets.append(ticket)

    async def show_ad(self) -> None:
        if self.ad_failure:
            raise self.ad_failure
        self.ads += 1


@dataclass
class FakeRequest:
    """A request context, and the fakes in it."""

    context: RequestContext
    status: FakeStatus
    presenter: FakePresenter

    @property
    def stored(self) -> StoredRequest:
        return self.context.stored


def fake_request(
    request: Request | None = None,
    *,
    row: int | None = None,
    progress: Progress | None = None,
    attempts: int = 0,
) -> FakeRequest:
    """Return a request that is ready to be served."""
    request = request or make_request()
    status, presenter = FakeStatus(), FakePresenter()
    claim = None if row is None else Claim(row, "worker")
    stored = StoredRequest(request, claim, progress or Progress(), attempts)
    context = RequestContext(
        link=request.link,
        target=ChatTarget.of_request(request),
        file_mode=request.chat.file_mode,
        preferences=request.chat.preferences,
        status=status,
        presenter=cast("Presenter", presenter),
        stored=stored,
    )
    return FakeRequest(context, status, presenter)


class FakeSender:
    """Records what is sent; fails with the errors it is given, in order."""

    ceiling_bytes = 50_000_000

    def __init__(self) -> None:
        self.sent: list[tuple[Sequence[File], MessageOptions]] = []
        self.failures: list[ClipferryError] = []
        self.result: tuple[Remote, ...] = (VIDEO,)

    async def send(
        self,
        target: ChatTarget,
        files: Sequence[File],
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None = None,
    ) -> tuple[Remote, ...]:
        return self._sent(files, options)

    def _sent(self, files: Sequence[File], options: MessageOptions) -> tuple[Remote, ...]:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((files, options))
        return self.result


class FakeMedia:
    """Converts nothing; files whose names are in `damaged` fail."""

    def __init__(self) -> None:
        self.damaged: dict[str, ClipferryError] = {}
        self.steps: list[tuple[str, str]] = []
        #: What a video becomes instead of itself.
        self.encoded: Path | None = None
        self.duration_s = 10

    async def joined(self, path: Path, audio_path: Path) -> Path:
        self._step("joined", path)
        return path.with_suffix(".joined.mp4")

    async def untouched(self, path: Path) -> LocalFile:
        self._step("untouched", path)
        return DocumentFile(path)

    async def archive(self, target: Path, files: Sequence[tuple[Path, str]]) -> DocumentFile:
        self.steps.append(("archive", " ".join(name for _, name in files)))
        return DocumentFile(target)

    async def picture(self, path: Path) -> LocalFile:
        self._step("picture", path)
        return PhotoFile(path)

    async def video(
        self, path: Path, still: Path | None, watch: Watch = ignore_progress
    ) -> list[LocalFile]:
        self._step("video", path)
        return [VideoFile(self.encoded or path, 1_000, 576, 1024, self.duration_s, still)]

    async def audio(
        self, path: Path, *, as_mp3: bool = False, piece: Piece | None = None
    ) -> tuple[Path, int]:
        self._step("audio", path)
        return path.with_suffix(".mp3"), self.duration_s

    async def thumbnail(self, still: Path | None) -> Path | None:
        return still

    async def remade(self, file: LocalFile, watch: Watch = ignore_progress) -> LocalFile:
        assert not isinstance(file, LivePhotoFile)
        self._step("remade", file.path)
        return replace(file, path=file.path.with_suffix(".remade"))

    async def subtitles(self, path: Path, piece: Piece | None = None) -> Path:
        self._step("subtitles", path)
        return path.with_suffix(f".{piece}.srt" if piece else ".srt")

    async def slides(
        self, pictures: Sequence[Path], track: AudioFile, watch: Watch = ignore_progress
    ) -> VideoFile:
        self.steps.append(("slides", " ".join(path.name for path in pictures)))
        return VideoFile(pictures[0].with_suffix(".mp4"), 1_000, 576, 1024, track.duration_s)

    def _step(self, name: str, path: Path) -> None:
        self.steps.append((name, path.name))
        if error := self.damaged.get(path.name):
            raise error


@dataclass
class FakeAttempt:
    """An attempt that reads one post; files whose names are in `missing` are not there."""

    post: Post
    number: int = 1
    most: int = 3
    missing: frozenset[str] = frozenset()
    #: Why no file can be saved.
    failure: ClipferryError | None = None
    wanted: list[FileRequest] = field(default_factory=list)

    @property
    def is_last(self) -> bool:
        return self.number == self.most

    async def read(self) -> Post:
        return self.post

    async def save(
        self,
        post: Post,
        wanted: Sequence[FileRequest],
        space: Workspace,
        progress: DownloadProgress | None = None,
    ) -> list[SavedFile | None]:
        self.wanted = list(wanted)
        if self.failure:
            raise self.failure
        return [self._saved(one, space.folder / one.name) for one in wanted]

    def _saved(self, one: FileRequest, path: Path) -> SavedFile | None:
        if one.name in self.missing:
            return None
        return SavedFile(path, path.with_suffix(".audio") if one.versions[0].audio_urls else None)

    @property
    def names(self) -> list[str]:
        return [file.name for file in self.wanted]


class FakeFetcher:
    """Reads one post by whatever link; fails with the errors it is given, in order."""

    def __init__(self, post: Post | None = None) -> None:
        self.post = post or make_post()
        self.failures: list[ClipferryError] = []
        self.reads = 0
        #: Whether the last read might use an account.
        self.signed_in = False
        self.resolved: dict[str, str] = {}
        self.short_links: dict[str, str | ClipferryError] = {}
        self.resolutions = 0
        self.last_attempt: FakeAttempt | None = None
        self.number = 1

    def known(self, link: Link) -> Link:
        return replace(link, post_id=link.post_id or self.resolved.get(link.url))

    async def resolve(self, link: Link) -> Link:
        self.resolutions += 1
        await asyncio.sleep(0)
        target = self.short_links[link.url]
        if isinstance(target, ClipferryError):
            raise target
        self.resolved[link.url] = target
        return self.known(link)

    async def attempt(
        self, link: Link, work: Callable[[Attempt], Awaitable[T]], *, may_sign_in: bool = True
    ) -> T:
        self.reads += 1
        self.signed_in = may_sign_in
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.last_attempt = FakeAttempt(self.post, self.number)
        return await work(cast("Attempt", self.last_attempt))

    async def read(self, link: Link, *, may_sign_in: bool = True) -> Post:
        return await self.attempt(link, lambda attempt: attempt.read(), may_sign_in=may_sign_in)


@dataclass
class FakeTools:
    """What services work with, and the fakes in it."""

    fetcher: FakeFetcher
    sender: FakeSender
    media: FakeMedia
    toolkit: Toolkit

    @property
    def metrics(self) -> Metrics:
        return self.toolkit.metrics


def fake_tools(folder: Path, *, post: Post | None = None, slots: int = 2) -> FakeTools:
    fetcher, sender, media = FakeFetcher(post), FakeSender(), FakeMedia()
    spool = Spool(folder, 1_000_000_000)
    toolkit = Toolkit(
        fetcher=cast("Fetcher", fetcher),
        sender=cast("Sender", sender),
        spool=spool,
        media=cast("MediaProcessor", media),
        slots=Slots(slots),
        metrics=Metrics(),
        kept_answers=KeptAnswers(spool),
    )
    return FakeTools(fetcher, sender, media, toolkit)


def counted(metrics: Metrics, outcome: str, platform: str = LINK.platform) -> float:
    """Return how often requests have ended in an outcome."""
    labels = {"platform": platform, "outcome": outcome}
    return metrics.registry.get_sample_value("clipferry_requests_total", labels) or 0


def dropped(metrics: Metrics, reason: str) -> float:
    """Return how many updates were not answered for a reason."""
    return metrics.registry.get_sample_value("clipferry_dropped_total", {"reason": reason}) or 0


@dataclass
class Submission:
    """Requests that were handed in."""

    #: A message, or the request of an inline message.
    origin: Message | Request
    links: Sequence[Link] = ()
    lang: str = ""
    data: str = ""


class FakeIntake:
    """Records what is handed in; requests end when `end` is called."""

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        #: What presses of the button for more links are answered with.
        self.is_new = True
        self.has_room = True
        self._handles: list[RequestHandle] = []

    async def submit_links(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice = NO_CHOICE,
    ) -> RequestHandle:
        return self._submit(Submission(message, links, chat.lang, str(choice)))

    submit_again = submit_links

    async def wanted_links(
        self, message: Message, links: Sequence[Link], preferences: Preferences
    ) -> Sequence[Link]:
        return [link for link in links if link.platform not in preferences.muted]

    async def submit_link(
        self, message: Message, links: Sequence[Link], index: int, chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        return self._submit(Submission(message, [links[index]], chat.lang))

    async def submit_remaining_links(
        self,
        note: Message,
        links: Sequence[Link],
        button: RemainingLinks,
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice = NO_CHOICE,
    ) -> bool:
        self._submit(Submission(note, links, chat.lang, str(button.start)))
        return self.is_new

    async def submit_remaining_items(
        self,
        query: CallbackQuery,
        message: Message,
        link: Link,
        chat: ChatView,
        continuation: Continuation,
        ack: UpdateAck,
    ) -> RequestHandle:
        return self._submit(Submission(message, [link], chat.lang, str(continuation)))

    async def submit_version(
        self,
        query: CallbackQuery,
        message: Message,
        link: Link,
        chat: ChatView,
        choice: Choice,
        ack: UpdateAck,
    ) -> RequestHandle:
        return self._submit(Submission(message, [link], chat.lang, str(choice)))

    def has_room_for(self, _person_id: int) -> bool:
        return self.has_room

    async def submit_press(
        self, query: CallbackQuery, message: Message, link: Link, chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        return self._submit(Submission(message, [link], chat.lang, query.data or ""))

    async def submit_inline(self, request: Request, ack: UpdateAck) -> RequestHandle:
        return self._submit(Submission(request, [request.link], request.chat.lang))

    async def end(self) -> None:
        """Let all requests end."""
        for handle in self._handles:
            handle.one_ended()
        self._handles.clear()
        await settle()

    def _submit(self, submission: Submission) -> RequestHandle:
        self.submissions.append(submission)
        handle = RequestHandle(1)
        self._handles.append(handle)
        return handle

    @property
    def as_intake(self) -> RequestIntake:
        return cast("RequestIntake", self)


@dataclass(frozen=True)
class Item:
    """A request as the queue sees it."""

    chat_id: int
    position: int
    has_note: bool = True
    #: None: the chat itself, as in private chats.
    person_id: int | None = None
    row: int | None = None

    @property
    def lane(self) -> Lane:
        return Lane(self.chat_id, self.chat_id if self.person_id is None else self.person_id)


@dataclass(frozen=True)
class Refusal:
    item: Item
    error: ClipferryError
    aloud: bool


class FakeRunner:
    """Runs a request until it is let go, and records what happens."""

    def __init__(self, slots: Slots | None = None) -> None:
        self.began: list[Item] = []
        self.ended: list[Item] = []
        self.left: list[Item] = []
        self.accepted: list[Item] = []
        self.refusals: list[Refusal] = []
        #: Requests whose status note was due, with their numbers and places.
        self.reports: list[tuple[Item, int, int | None]] = []
        #: Requests that crash.
        self.crashing: set[Item] = set()
        #: Called at the last step of a request.
        self.at_end: dict[Item, Callable[[], object]] = {}
        self.may_end: defaultdict[Item, asyncio.Event] = defaultdict(asyncio.Event)
        self.may_refuse = asyncio.Event()
        self.may_refuse.set()
        self.may_report = asyncio.Event()
        self.may_report.set()
        self._slots = slots

    def let_go(self, *items: Item) -> None:
        for item in items:
            self.may_end[item].set()

    async def run(self, item: Item) -> None:
        self.began.append(item)
        if self._slots:
            async with self._slots.one(item.lane):
                await self.may_end[item].wait()
        else:
            await self.may_end[item].wait()
        if item in self.crashing:
            raise RuntimeError("a planted crash")
        if at_end := self.at_end.get(item):
            at_end()
        self.ended.append(item)

    async def refuse(self, item: Item, error: ClipferryError, *, aloud: bool = True) -> None:
        await self.may_refuse.wait()
        self.refusals.append(Refusal(item, error, aloud))

    async def leave(self, item: Item) -> None:
        self.left.append(item)

    async def accept(self, item: Item) -> None:
        self.accepted.append(item)

    async def report(self, item: Item, number: int, place: int | None) -> None:
        self.reports.append((item, number, place))
        await self.may_report.wait()


@dataclass
class FakeService:
    """Answers with what it is given."""

    outcome: Delivered | BaseException | None = None
    is_ad_due: bool | Exception = False
    deliveries: int = 0
    records: int = 0

    async def deliver(self, context: RequestContext) -> Delivered:
        self.deliveries += 1
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome or Delivered(
            make_post(), is_processed=False, is_known=False, chat_id=PERSON
        )

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        self.records += 1
        if isinstance(self.is_ad_due, Exception):
            raise self.is_ad_due
        return self.is_ad_due
