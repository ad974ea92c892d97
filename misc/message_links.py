"""The links of a message: those that everybody sees in it, and those that only its sender means."""

from collections.abc import Iterator

from aiogram.types import InlineKeyboardButton, Message, MessageEntity

from core.media import Link
from core.text import marked_part, without_part
from misc.addressing import GROUPS, BotAccount
from misc.ui.callback_data import post_of
from platforms import PageKind, Registry


def asked_links(message: Message, registry: Registry, account: BotAccount) -> list[Link]:
    """Return the links that a message asks for.

    Everywhere they are those in its text or caption. A message without them asks for other links
    only if it is certainly meant for the bot: in a private chat for those in its other parts and in
    what it quotes; in a group, if it names the bot, for what it quotes, or else for those of the
    message that it replies to, unless the bot has made that one.
    """
    if links := visible_links(message, registry):
        return _without_answered(message, links, registry)
    if message.chat.type in GROUPS and account.is_named_in(message):
        above = message.reply_to_message
        is_answer = above is not None and account.has_made(above)
        return [] if is_answer else replied_links(message, registry)
    if message.chat.type == "private" and not message.business_connection_id:
        return carried_links(message, registry)
    return []


def _without_answered(message: Message, links: list[Link], registry: Registry) -> list[Link]:
    """Leave out the links of an answer, by this bot or by one that would answer ours in turn.

    That is a post in a channel, or a message of another bot in a group, that replies to a message
    with the same links. Telegram names no author of a post, and shows bots each other's posts, and
    where their owners allow it, each other's messages.
    """
    above, author = message.reply_to_message, message.from_user
    is_of_bot = author is not None and author.is_bot and message.sender_chat is None
    if above is None or not (is_of_bot or message.chat.type == "channel"):
        return links
    answered = links_of(above, registry)
    return [link for link in links if link not in answered]


def asked_messages(message: Message) -> list[Message]:
    """Return a message and the one that it replies to, if any."""
    return [message, *([message.reply_to_message] if message.reply_to_message else [])]


def carried_links(message: Message, registry: Registry) -> list[Link]:
    """Return the links in all parts of a message, or else those in what it quotes.

    The buttons below the bot's notes read them again; what a message replies to, Telegram does not
    repeat there (https://core.telegram.org/bots/api#message, `reply_to_message`).
    """
    return links_of(message, registry) or quoted_links(message, registry)


def replied_links(message: Message, registry: Registry) -> list[Link]:
    """Return the links of what a message replies to: of the quoted part, or else of all of it."""
    above = message.reply_to_message
    quoted = quoted_links(message, registry)
    return quoted or (links_of(above, registry) if above else [])


def quoted_links(message: Message, registry: Registry) -> list[Link]:
    """Return the links in what a message quotes, which may be from another chat.

    Of a message from another chat Telegram gives the bot only the quote, and the address of its
    preview. Source: https://core.telegram.org/bots/api#externalreplyinfo
    """
    external = message.external_reply
    preview = external.link_preview_options if external else None
    text = message.quote.text if message.quote else ""
    return registry.find_all(text, [preview.url] if preview and preview.url else [])


def links_of(message: Message, registry: Registry) -> list[Link]:
    """Return the links in a message's text or caption; if there are none, those in other parts.

    These are polls, checklists and buttons. The forward of a post keeps the buttons that open a
    URL; the bot's own messages have buttons that name a post.
    """
    if links := visible_links(message, registry):
        return links
    buttons = list(_buttons(message))
    links = registry.find_all("\n".join(_other_texts(message)), _urls_of(buttons))
    if links:
        return links
    posts = (post_of(button.callback_data or "") for button in buttons)
    found = (registry.link_to(*post) for post in posts if post)
    return list(dict.fromkeys(filter(None, found)))


def visible_links(message: Message, registry: Registry) -> list[Link]:
    """Return the links to supported platforms in a message's text, caption and entities."""
    text = text_of(message)
    for entity in message.entities or message.caption_entities or []:
        if entity.type == "text_link" and _leads_elsewhere(text, entity, registry):
            text = without_part(text, entity.offset, entity.length)
    return registry.find_all(text, marked_urls(message))


def _leads_elsewhere(text: str, entity: MessageEntity, registry: Registry) -> bool:
    """Return True if the text of a link is one URL, which names another post than the link.

    Pages cut the text of their links off, as in "site.com/p/12…", and copying them keeps that.
    Longer texts may have links of their own.
    """
    shown = marked_part(text, entity.offset, entity.length)
    words = [word for word in shown.split() if any(map(str.isalnum, word))]
    posts, named = registry.find_all("", [entity.url or ""]), registry.find_all(shown)
    return bool(posts) and named != posts and len(words) == 1 and len(named) <= 1


def page_of(message: Message, registry: Registry) -> PageKind | None:
    """Return what a page of a supported platform is that a message without posts links to."""
    return registry.find_page(text_of(message), marked_urls(message))


def text_of(message: Message) -> str:
    """Return the text or the caption of a message; empty if it has neither."""
    return message.text or message.caption or ""


def marked_urls(message: Message) -> Iterator[str]:
    """Yield the URLs in a message's entities: first those behind link texts, then visible ones."""
    entities = message.entities or message.caption_entities or []
    for entity in entities:
        if entity.type == "text_link" and entity.url:
            yield entity.url
    for entity in entities:
        if entity.type == "url":
            yield marked_part(text_of(message), entity.offset, entity.length)


def _other_texts(message: Message) -> Iterator[str]:
    if poll := message.poll:
        yield poll.question
        yield poll.explanation or ""
        for option in poll.options:
            yield option.text
    if checklist := message.checklist:
        yield checklist.title
        for task in checklist.tasks:
            yield task.text


def _buttons(message: Message) -> Iterator[InlineKeyboardButton]:
    for row in message.reply_markup.inline_keyboard if message.reply_markup else ():
        yield from row


def _urls_of(buttons: list[InlineKeyboardButton]) -> Iterator[str]:
    for button in buttons:
        if button.url:
            yield button.url
