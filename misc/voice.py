"""How the bot speaks about a download in one chat."""

from dataclasses import dataclass

from core.captions import caption, signature
from core.errors import ClipferryError, ShuttingDownError
from core.media import Link, Post
from delivery.sender import Look, Sender
from delivery.targets import ChatTarget
from misc import keyboards
from misc.texts import Texts


@dataclass(frozen=True, slots=True)
class ChatVoice:
    """The words for one request; groups are spared all but the most important."""

    texts: Texts
    sender: Sender
    target: ChatTarget
    link: Link
    lang: str
    #: Without the @.
    bot_username: str
    #: Empty when there are no ads.
    ad_link: str

    def look(self, post: Post, shown: int | None = None) -> Look:
        """Give the caption with source and signature, and the row of likes and views.

        Where pictures were left out, the caption says how many.
        """
        note = ""
        if shown is not None and shown < len(post.pictures):
            note = self.texts(self.lang, "album_cut", shown=shown, total=len(post.pictures))
        text = caption(
            source_label=self.texts[self.lang]["source"],
            source_url=self.link.url,
            bot_name=f"@{self.bot_username}",
            bot_url=self._bot_url,
            note=note,
        )
        buttons = keyboards.under_post(post, self.texts[self.lang]["sound_button"])
        return Look(caption=text, buttons=buttons)

    def sound_look(self) -> Look:
        """Give the signature."""
        return Look(caption=signature(f"@{self.bot_username}", self._bot_url))

    async def explain(self, error: ClipferryError) -> None:
        """Say what went wrong: to a person always, to a group only that the bot is restarting."""
        if self.target.is_private or isinstance(error, ShuttingDownError):
            await self.sender.send_text(
                self.target, self.texts(self.lang, error.text_key, **error.facts)
            )

    @property
    def _bot_url(self) -> str:
        return f"https://t.me/{self.bot_username}"

    async def show_ad(self) -> None:
        """Ask for support, with one button."""
        button = keyboards.link_button(self.texts[self.lang]["ad_button"], self.ad_link)
        await self.sender.send_text(self.target, self.texts[self.lang]["ad_support"], button)
