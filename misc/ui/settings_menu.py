"""The pages of /settings: texts, and keyboards that show and change a chat's settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.captions import CaptionPart
from core.formats import Quality
from core.preferences import ALBUM_CAPS, Preferences
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import SETTING
from misc.ui.keyboards import quality_label
from misc.ui.texts import Texts
from platforms import Registry

#: Settings of groups that are on or off, in the order of their buttons.
GROUP_SWITCHES: Final = ("silent", "spoiler", "delete_request", "only_mentioned")

Row = list[InlineKeyboardButton]


class Page(StrEnum):
    """A page of the settings, by its name in callback data."""

    MAIN = "main"
    QUALITY = "quality"
    CAPTION = "caption"
    ITEMS = "items"
    SITES = "sites"
    LANGUAGE = "language"


#: The page on which a setting is changed; the other settings are on the main page.
PAGE_OF: Final = {
    "quality": Page.QUALITY,
    "caption": Page.CAPTION,
    "describe": Page.CAPTION,
    "album_cap": Page.ITEMS,
    "muted": Page.SITES,
    "lang": Page.LANGUAGE,
}


@dataclass(frozen=True, slots=True)
class SettingsMenu:
    """Builds the pages. Whatever is set is shown on the main page or one tap behind it."""

    texts: Texts
    registry: Registry
    #: The operator's limit of items per post in groups.
    group_items: int

    def show(self, page: Page, chat: ChatView, *, is_group: bool) -> "ShownPage":
        """Return a page of a chat's settings; some settings exist only in groups."""
        words = _Words(self.texts, chat.lang)
        if page is not Page.MAIN:
            rows = [*self._rows(page, words, chat), [_page(words("settings_back"), Page.MAIN)]]
            return ShownPage(
                words(f"settings_about_{page}"), InlineKeyboardMarkup(inline_keyboard=rows)
            )
        about = ["settings_title", *(["settings_group"] if is_group else [])]
        rows = self._main(words, chat, is_group=is_group)
        return ShownPage("\n\n".join(map(words, about)), InlineKeyboardMarkup(inline_keyboard=rows))

    def _rows(self, page: Page, words: "_Words", chat: ChatView) -> list[Row]:
        match page:
            case Page.QUALITY:
                return _qualities(words, chat)
            case Page.CAPTION:
                return _caption_parts(words, chat)
            case Page.ITEMS:
                return self._items(words, chat)
            case Page.SITES:
                return self._sites(words, chat)
            case _:
                return self._languages(words, chat)

    def _main(self, words: "_Words", chat: ChatView, *, is_group: bool) -> list[Row]:
        preferences = chat.preferences
        quality = words("settings_quality", value=words.quality(preferences.quality))
        rows = [
            [_page(quality, Page.QUALITY)],
            [words.choice(words("set_file_mode"), "file_mode", is_on=chat.file_mode)],
            [_page(words("settings_caption", value=words.caption(preferences)), Page.CAPTION)],
            *(
                [words.choice(words(f"set_{name}"), name, is_on=getattr(preferences, name))]
                for name in (GROUP_SWITCHES if is_group else ())
            ),
        ]
        if is_group:
            items = preferences.album_cap or self.group_items
            shown = len(set(self.registry.by_name) - set(preferences.muted))
            total = len(self.registry.by_name)
            sites = words("settings_sites", shown=shown, total=total)
            rows.append([_page(words("settings_items", value=items), Page.ITEMS)])
            rows.append([_page(sites, Page.SITES)])
        language = words("settings_language", value=words("language_name"))
        return [*rows, [_page(language, Page.LANGUAGE)]]

    def _items(self, words: "_Words", chat: ChatView) -> list[Row]:
        chosen = chat.preferences.album_cap
        caps = [words.choice(str(n), f"album_cap/{n}", is_on=n == chosen) for n in ALBUM_CAPS]
        default = words("settings_items_default", value=self.group_items)
        return [caps, [words.choice(default, "album_cap/default", is_on=chosen is None)]]

    def _sites(self, words: "_Words", chat: ChatView) -> list[Row]:
        muted = chat.preferences.muted
        buttons = [
            words.choice(platform.title, f"muted/{name}", is_on=name not in muted)
            for name, platform in self.registry.by_name.items()
        ]
        return _in_rows(buttons, 2)

    def _languages(self, words: "_Words", chat: ChatView) -> list[Row]:
        buttons = [
            words.choice(self.texts[code]["language_name"], f"lang/{code}", is_on=code == chat.lang)
            for code in self.texts.languages
        ]
        return _in_rows(buttons, 2)


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page as it is sent."""

    #: Telegram HTML.
    text: str
    keyboard: InlineKeyboardMarkup


@dataclass(frozen=True, slots=True)
class _Words:
    """The texts of one language; labels of buttons are plain text, so facts are not escaped."""

    texts: Texts
    lang: str

    def __call__(self, key: str, **facts: str | int) -> str:
        return self.texts[self.lang][key].format(**facts)

    def quality(self, quality: Quality) -> str:
        """Return the name of a quality."""
        return quality_label(quality, self.texts[self.lang])

    def choice(self, label: str, setting: str, *, is_on: bool) -> InlineKeyboardButton:
        """Return the button of a setting, or of one of its values, with a mark if that is on."""
        label = f"{'✅' if is_on else '☐'} {label}"
        return InlineKeyboardButton(
            text=self.texts.directed(self.lang, label), callback_data=SETTING + setting
        )

    def caption(self, preferences: Preferences) -> str:
        """Return the parts of a caption in order, or a dash for none."""
        return " · ".join(self(f"caption_{part}") for part in preferences.caption) or "–"


def _qualities(words: _Words, chat: ChatView) -> list[Row]:
    chosen = chat.preferences.quality
    return [
        [words.choice(words.quality(each), f"quality/{each}", is_on=each is chosen)]
        for each in Quality
    ]


def _caption_parts(words: _Words, chat: ChatView) -> list[Row]:
    """Return a button for each part; one that is on shows its place."""
    caption, buttons = chat.preferences.caption, []
    for part in CaptionPart:
        place = f"{caption.index(part) + 1}\ufe0f\u20e3" if part in caption else "☐"
        text = f"{place} {words(f'caption_{part}')}"
        data = f"{SETTING}caption/{part}"
        buttons.append(InlineKeyboardButton(text=text, callback_data=data))
    describe = words.choice(words("set_describe"), "describe", is_on=chat.preferences.describes)
    return [*_in_rows(buttons, 2), [describe]]


def _page(text: str, page: Page) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=f"{SETTING}page/{page}")


def _in_rows(buttons: Sequence[InlineKeyboardButton], length: int) -> list[Row]:
    return [list(buttons[start : start + length]) for start in range(0, len(buttons), length)]
