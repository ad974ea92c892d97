"""Captions of a request's answer, by the settings of its chat and the operator's template."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.caption_template import Template
from core.captions import CaptionContent, CaptionPart, caption, layout_of
from core.media import Post
from core.request import Request


@dataclass(frozen=True, slots=True)
class CaptionWriter:
    """Writes captions. With a template, a chat's parts only decide what the template shows."""

    #: Without the @.
    bot_username: str
    #: Titles of the sites by the names of their platforms.
    sites: Mapping[str, str]
    #: The operator's, or None for the chat's own order.
    template: Template | None

    def of_post(self, request: Request, post: Post, notes: tuple[str, ...]) -> str:
        """Return the caption of a post's videos and pictures; the notes are Telegram HTML."""
        return caption(self._layout(request), self._content(request, post, notes))

    def of_audio(self, request: Request, post: Post) -> str:
        """Return the caption of a post's audio, without the post's text."""
        content = replace(self._content(request, post), text="")
        return caption(self._layout(request), content)

    def source(self, request: Request) -> str:
        """Return only a link to the post, for a message that cannot be empty."""
        content = CaptionContent(request.link.url, site=self._site(request))
        return caption(layout_of((CaptionPart.SOURCE,)), content)

    def _layout(self, request: Request) -> Template:
        return self.template or layout_of(request.chat.preferences.caption)

    def _content(self, request: Request, post: Post, notes: tuple[str, ...] = ()) -> CaptionContent:
        parts = request.chat.preferences.caption
        return CaptionContent(
            url=request.link.url,
            site=self._site(request) if CaptionPart.SOURCE in parts else "",
            author=post.details.author if CaptionPart.AUTHOR in parts else "",
            text=post.details.text if CaptionPart.TEXT in parts else "",
            # A template decides about the bot itself; a chat's layout has it only if it is a part.
            bot=self.bot_username,
            notes=notes,
        )

    def _site(self, request: Request) -> str:
        return self.sites.get(request.link.platform, request.link.platform)
