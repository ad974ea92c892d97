"""Texts and buttons of a request's answer, in the language and by the settings of its chat."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from aiogram.types import InlineKeyboardMarkup

from core.ads import Ad, ads_for, choose_ad
from core.archives import MISSING
from core.captions import cut
from core.errors import (
    ClipferryError,
    LimitError,
    RequestCancelledError,
    SendingForbiddenError,
    ShuttingDownError,
    TooOldError,
)
from core.lists import ListCard
from core.media import Post
from core.progress import WorkProgress, note_lines
from core.request import Continuation, Request, Ticket
from data.ads import count_ad_show
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui import keyboards, lists
from misc.ui.callback_data import AGAIN, remaining_items_of, resend_of, retry_of
from misc.ui.caption_writer import CaptionWriter
from misc.ui.texts import Texts

#: Failures that are explained in groups, too, because they are about the bot and not the post.
_ABOUT_THE_BOT: Final = (ShuttingDownError, TooOldError, SendingForbiddenError)
#: A message has up to 4 096 UTF-16 units; this leaves room for the explanation above.
_MAX_DIAGNOSTIC: Final = 3_000


@dataclass(frozen=True, slots=True)
class PresenterFactory:
    """Builds the presenters of all requests."""

    texts: Texts
    sender: Sender
    #: Without the @.
    bot_username: str
    ads: Sequence[Ad]
    #: Chats that get the details of a failure.
    admins: frozenset[int]
    #: The optional buttons below a post in a private chat.
    extras: keyboards.Extras
    captions: CaptionWriter

    def presenter_of(self, request: Request) -> "ChatPresenter":
        """Return the presenter of a request."""
        return ChatPresenter(self, request)


class ChatPresenter:
    """Texts and buttons for one request; groups get only what matters to all members."""

    def __init__(self, factory: PresenterFactory, request: Request) -> None:
        self._factory = factory
        self._request = request
        self._sender = factory.sender
        self._lang = request.chat.lang
        self._preferences = request.chat.preferences
        self._words = factory.texts[request.chat.lang]
        #: Where the answer goes.
        self.target = ChatTarget.of_request(request)

    def options(self, post: Post, *, shown: int, missing: int, page: int = 0) -> MessageOptions:
        """Return caption and buttons of a post.

        `shown` and `missing` count its items; the caption says how many were left out or failed. An
        inline message shows the item with the index `page`.
        """
        if self.target.inline_id and post.edition:
            shown = 1  # what changes every day is not stored, and has no pages
        end = self._start + shown + missing
        notes = self._notes(end, len(post.items), missing)
        captions = self._factory.captions
        caption = captions.of_post(self._request, post, notes)
        return MessageOptions(
            caption=caption,
            text_below="" if caption else captions.source(self._request),
            buttons=keyboards.under_inline(post, page, shown)
            if self.target.inline_id
            else self._below(post, end),
            is_silent=self._is_group and self._preferences.silent,
            is_spoiler=self._is_group and self._preferences.spoiler and post.is_sensitive,
        )

    def _notes(self, end: int, total: int, missing: int) -> tuple[str, ...]:
        """Return the lines of a caption about items: which of them it is about, and what failed."""
        texts, lang, start = self._factory.texts, self._lang, self._start
        notes = []
        if start:
            span = f"{start + 1}–{end}" if end > start + 1 else str(end)
            notes.append(texts(lang, "album_part", range=span, total=total))
        elif end < total:
            notes.append(texts(lang, "album_cut", count=end, total=total))
        if missing:
            notes.append(texts(lang, "album_missing", count=missing))
        name = self._request.asker.name
        if self._is_group and self._preferences.delete_request and name:
            notes.append(texts(lang, "sent_by", name=name))
        return tuple(notes)

    @property
    def _start(self) -> int:
        """Return the index of the answer's first item."""
        continuation = self._request.selection.continuation
        return continuation.start if continuation else 0

    def _below(self, post: Post, end: int) -> InlineKeyboardMarkup | None:
        """Return the buttons of a post, with one for the items from the index `end` on."""
        link = self._request.link.url
        below = keyboards.under_post(post, self._words, link, self._extras)
        left = len(post.items) - end
        if left <= 0:
            return below
        data = remaining_items_of(Continuation(end, post.edition), post.platform, post.id)
        if data is None:
            return below
        label = self._factory.texts(self._lang, "remaining_button", count=left)
        return keyboards.with_row(below, label, data)

    def audio_options(self, post: Post) -> MessageOptions:
        """Return the caption of a file made from a post: its audio, its subtitles, an archive."""
        text = self._factory.captions.of_audio(self._request, post)
        return MessageOptions(caption=text, is_silent=self._is_group)

    def list_card(self, card: ListCard) -> MessageOptions:
        """Return the card of a list, without a sound in groups."""
        view = lists.front(card, self._factory.texts, self._lang)
        return replace(view, is_silent=self._is_group)

    def list_archive(self, places: tuple[int, int], total: int, missing: int) -> MessageOptions:
        """Return the caption of a part of a list's archive, see `Presenter`."""
        texts, lang, notes = self._factory.texts, self._lang, []
        first, last = places
        if (first, last) != (1, total):
            span = f"{first}–{last}" if last > first else str(first)
            notes.append(texts(lang, "album_part", range=span, total=total))
        if missing:
            notes.append(texts(lang, "list_zip_missing", count=missing, file=MISSING))
        return MessageOptions(caption="\n".join(notes), is_silent=self._is_group)

    def missing_posts(self, missing: Mapping[str, ClipferryError]) -> str:
        """Return a plain text that names posts and why each could not be fetched."""
        texts = self._factory.texts
        return "".join(
            f"{url}\n{texts.plain(self._lang, error.text_key, **error.facts)}\n\n"
            for url, error in missing.items()
        )

    def status_note(self, work: WorkProgress, number: int, place: int | None) -> MessageOptions:
        """Return the status note, with a button that cancels request `number`."""
        texts = self._factory.texts
        lines = [texts(self._lang, line.key, **line.facts) for line in note_lines(work, place)]
        return MessageOptions(
            caption="\n".join(lines),
            buttons=keyboards.cancel_button(self._words["cancel_button"], number),
        )

    async def explain(self, error: ClipferryError, ticket: Ticket | None = None) -> None:
        """Explain a failure: in private always, in groups only what is about the bot itself.

        An answer that may be sent again has a button for that, in every chat, and in private chats
        a request that may succeed later. The button uses `ticket`, because the message that is
        answered need not say which version was asked for, nor have the link.

        Raises:
            DeliveryError: Telegram did not take it.
        """
        if self._is_group and not (isinstance(error, _ABOUT_THE_BOT) or error.resendable):
            return
        text = self._factory.texts(self._lang, error.text_key, **error.facts)
        if self._is_admin:
            text += f"\n\n<blockquote expandable>{escape(_diagnostic(error))}</blockquote>"
        if self.target.inline_id:
            again = keyboards.one_button(self._words["retry_button"], AGAIN)
            button = self._resend(error, ticket) or (again if error.retryable else None)
            await self._sender.edit_inline(self.target, text, button)
        else:
            button = self._resend(error, ticket) or self._way_out(error, ticket)
            await self._sender.send_text(self.target, text, button)

    async def invite(self) -> None:
        """Ask who has sent an inline message to press /start first."""
        label = self._words["inline_enable"]
        button = keyboards.link_button(label, f"{self._bot_url}?start=inline")
        await self._sender.edit_inline(self.target, self._words["inline_usage"], button)

    @property
    def has_ad(self) -> bool:
        """Whether there is an ad in the chat's language."""
        return bool(ads_for(self._factory.ads, self._lang))

    async def show_ad(self) -> None:
        """Send a random ad by weight, and count it once it has arrived.

        Raises:
            DeliveryError: Telegram did not take it.
            StorageError: it was sent, but not counted.
        """
        ad = choose_ad(ads_for(self._factory.ads, self._lang), random.random())  # noqa: S311 - no secret
        button = keyboards.link_button(ad.button or self._words["ad_button"], ad.link)
        await self._sender.send_text(self.target, ad.text or self._words["ad_support"], button)
        await count_ad_show(ad.name)

    @property
    def _is_admin(self) -> bool:
        """Whether details are shown; not in inline messages, which are in other chats."""
        return self.target.chat_id in self._factory.admins and not self.target.inline_id

    @property
    def _is_group(self) -> bool:
        return not self.target.is_private

    @property
    def _extras(self) -> keyboards.Extras:
        if self._is_group:
            return keyboards.Extras()
        # An archive begins with the first item, so it does not belong below the later ones.
        return replace(self._factory.extras, versions=True, archive=not self._start)

    @property
    def _bot_url(self) -> str:
        return f"https://t.me/{self._factory.bot_username}"

    def _resend(self, error: ClipferryError, ticket: Ticket | None) -> InlineKeyboardMarkup | None:
        """Return the button that sends an answer again that Telegram did not confirm."""
        data = self._data_of_retry(ticket) if error.resendable else None
        return keyboards.one_button(self._words["resend_button"], data) if data else None

    def _way_out(self, error: ClipferryError, ticket: Ticket | None) -> InlineKeyboardMarkup | None:
        """Return a retry button if a retry can help, or a link to a post that cannot be sent."""
        if error.retryable:
            data = None if self._is_group else self._data_of_retry(ticket)
            return keyboards.one_button(self._words["retry_button"], data) if data else None
        if isinstance(error, RequestCancelledError):
            return None  # The post is no longer wanted.
        if isinstance(error, LimitError | SendingForbiddenError):
            return keyboards.link_button(self._words["source"], self._request.link.url)
        return None

    def _data_of_retry(self, ticket: Ticket | None) -> str | None:
        """Return the callback data of a button that makes the request again.

        A request that is not stored has no ticket, only its message to read the link from.
        """
        if ticket:
            return resend_of(ticket)
        if self.target.inline_id:
            return AGAIN
        origin = self._request.origin
        return retry_of(origin.index) if origin.press is None else None


def _diagnostic(error: BaseException) -> str:
    """Describe an error and its causes for an administrator, with the frames of a bug.

    Only our own errors are quoted: the texts of other exceptions may contain URLs with keys.
    """
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        is_ours = isinstance(cause, ClipferryError)
        lines.append(f"{type(cause).__name__}: {cause}" if is_ours else type(cause).__name__)
        frames = [] if is_ours else _frames(cause)
        lines += [f"  {frame}" for frame in frames]
        cause = cause.__cause__
    return cut("\n".join(lines), _MAX_DIAGNOSTIC)


def _frames(error: BaseException) -> list[str]:
    """Return the last six frames of a traceback, the innermost last."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-6:]
