"""How the bot speaks about a download in one chat."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from aiogram.types import InlineKeyboardMarkup

from core.ads import Ad, ads_for, choose_ad
from core.captions import Source, caption, cut, signature
from core.errors import ClipferryError, LimitError, ShuttingDownError, TooOldError
from core.media import Link, Post
from core.preferences import Preferences
from data.ads import count_ad_show
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui import keyboards
from misc.ui.callback_data import AGAIN
from misc.ui.texts import Texts

#: Telegram takes 4 096 units; this leaves room for the sentence above.
_MAX_DIAGNOSTIC: Final = 3_000


@dataclass(frozen=True, slots=True)
class ChatPresenter:
    """The words for one request; groups are spared all but the most important."""

    texts: Texts
    sender: Sender
    target: ChatTarget
    link: Link
    lang: str
    preferences: Preferences
    #: Name of who has sent the request.
    asker: str
    #: Without the @.
    bot_username: str
    ads: Sequence[Ad]
    #: The request is a message with links, so that it can be tried again as it is.
    can_retry: bool
    #: The chat is an administrator's, who is told what went wrong inside.
    is_admin: bool
    #: What stands below a post in a private chat.
    extras: keyboards.Extras

    def options(self, post: Post, *, shown: int, missing: int, page: int = 0) -> MessageOptions:
        """Give the caption with source and signature, and the row of likes and views.

        Where items were left out on purpose, or could not be had, the caption says how many. An
        inline message shows one `page` of those that are shown.
        """
        notes = []
        if shown + missing < len(post.items):
            total = len(post.items)
            notes.append(self.texts(self.lang, "album_cut", shown=shown + missing, total=total))
        if missing:
            notes.append(self.texts(self.lang, "album_missing", missing=missing))
        if self._is_group and self.preferences.delete_request and self.asker:
            notes.append(self.texts(self.lang, "sent_by", name=self.asker))
        text = caption(
            Source(self.texts[self.lang]["source"], self.link.url),
            bot_name=f"@{self.bot_username}",
            bot_url=self._bot_url,
            notes=tuple(notes),
            author=post.author if self.preferences.describe else "",
            text=post.text if self.preferences.describe else "",
        )
        return MessageOptions(
            caption=text,
            buttons=keyboards.under_inline(post, page, shown)
            if self.target.inline_id
            else keyboards.under_post(post, self.texts[self.lang], self.link.url, self._extras),
            is_silent=self._is_group and self.preferences.silent,
            is_spoiler=self._is_group and self.preferences.spoiler and post.is_sensitive,
        )

    def audio_options(self) -> MessageOptions:
        """Give the signature."""
        text = signature(f"@{self.bot_username}", self._bot_url)
        return MessageOptions(caption=text, is_silent=self._is_group)

    def patience(self, number: int, ahead: int) -> MessageOptions:
        """Say that a request takes long, with a button to call it off."""
        key = "waiting" if ahead else "working"
        label = self.texts[self.lang]["cancel_button"]
        return MessageOptions(
            caption=self.texts(self.lang, key, ahead=ahead),
            buttons=keyboards.call_off(label, number),
        )

    async def explain(self, error: ClipferryError) -> None:
        """Say what went wrong: to a person always, to a group only what is about the bot itself."""
        if self._is_group and not isinstance(error, ShuttingDownError | TooOldError):
            return
        text = self.texts(self.lang, error.text_key, **error.facts)
        if self.is_admin:
            text += f"\n\n<blockquote expandable>{escape(_diagnostic(error))}</blockquote>"
        if self.target.inline_id:
            again = keyboards.try_again(self.texts[self.lang]["retry_button"], AGAIN)
            await self.sender.edit_inline(self.target, text, again if error.retryable else None)
        else:
            await self.sender.send_text(self.target, text, self._way_out(error))

    async def invite(self) -> None:
        """Ask who has sent an inline message to press /start first."""
        label = self.texts[self.lang]["inline_enable"]
        button = keyboards.link_button(label, f"{self._bot_url}?start=inline")
        await self.sender.edit_inline(self.target, self.texts[self.lang]["inline_usage"], button)

    @property
    def has_ad(self) -> bool:
        """Tell whether there is an ad in the chat's language."""
        return bool(ads_for(self.ads, self.lang))

    async def show_ad(self) -> None:
        """Send one of the ads, and count it when it has arrived."""
        ad = choose_ad(ads_for(self.ads, self.lang), random.random())  # noqa: S311 - no secret
        words = self.texts[self.lang]
        button = keyboards.link_button(ad.button or words["ad_button"], ad.link)
        await self.sender.send_text(self.target, ad.text or words["ad_support"], button)
        await count_ad_show(ad.name)

    @property
    def _is_group(self) -> bool:
        return not self.target.is_private

    @property
    def _extras(self) -> keyboards.Extras:
        return keyboards.Extras() if self._is_group else self.extras

    @property
    def _bot_url(self) -> str:
        return f"https://t.me/{self.bot_username}"

    def _way_out(self, error: ClipferryError) -> InlineKeyboardMarkup | None:
        """Offer another try where one can help, and the post itself where we only have refused it."""
        if error.retryable:
            label = self.texts[self.lang]["retry_button"]
            return keyboards.try_again(label) if self.can_retry and not self._is_group else None
        if isinstance(error, LimitError):
            return keyboards.link_button(self.texts[self.lang]["source"], self.link.url)
        return None


def _diagnostic(error: BaseException) -> str:
    """Tell an administrator what happened: each error with what caused it, and where a bug is.

    Only our own errors are quoted: what others say may hold an address with a key.
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
    """Give the last places of a traceback, the innermost last."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-6:]
