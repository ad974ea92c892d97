"""Localised texts, loaded from locale/."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from html import escape, unescape
from pathlib import Path
from types import MappingProxyType
from typing import Final, get_args

from core.choices import NO_CHOICE, Choice, WordKind, choice_in, spellings
from core.facts import Fact
from misc.ui.formats import format_fact

FALLBACK: Final = "en"
#: One sentence; or, where a number changes the words, one for each plural category of the language.
Text = str | Mapping[str, str]
#: The fact that decides which plural form of a text is used.
DECIDING: Final = "count"
#: Codes that ISO 639 has withdrawn and some devices still report.
#: Source: https://www.loc.gov/standards/iso639-2/php/code_changes.php
_FORMER_CODES: Final = {"in": "id"}
_TAG: Final = re.compile(r"<[^>]*>")
#: A command in a sentence, outside of tags, code and addresses.
_COMMAND: Final = re.compile(r"(?<![\w/<>:.])/(?=[a-z])")
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
#: Bidirectional classes of letters: left-to-right, right-to-left, and Arabic.
_STRONG: Final = {"L", "R", "AL"}
_RIGHT_TO_LEFT: Final = _STRONG - {"L"}
_FOLDER = Path(__file__).resolve().parents[2] / "locale"


class Texts:
    """The texts of all languages.

    `texts["ru"]["send_link"]` works like `locale["ru"]["send_link"]` on the seed page.
    """

    def __init__(self, by_language: Mapping[str, Mapping[str, Text]]) -> None:
        self._by_language = by_language
        self._sentences = {
            language: MappingProxyType({k: t for k, t in texts.items() if isinstance(t, str)})
            for language, texts in by_language.items()
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the codes of all languages, sorted by native name."""
        return tuple(sorted(self._by_language, key=lambda code: self[code]["language_name"]))

    def __contains__(self, language: object) -> bool:
        """Return True if there are texts in this language."""
        return language in self._by_language

    def __getitem__(self, language: str) -> Mapping[str, str]:
        """Return a language's texts that have one form, by key; English if it is unknown."""
        return self._sentences.get(language, self._sentences[FALLBACK])

    def __call__(self, language: str, key: str, /, **facts: Fact) -> str:
        """Return a text (Telegram HTML) with its placeholders replaced by the escaped `facts`.

        The fact `count`, an integer, chooses the form of a text that has several. Lists and sizes
        are written as the language does.

        Raises:
            KeyError: the text or one of its placeholders is missing.
        """
        language = language if language in self else FALLBACK
        text = self._by_language[language][key]
        if not isinstance(text, str):
            count = facts[DECIDING]
            assert isinstance(count, int)
            text = text[_plural_rule(language)(count)]
        words = {name: format_fact(fact, language) for name, fact in facts.items()}
        return text.format(**{name: escape(word) for name, word in words.items()})

    def plain(self, language: str, key: str, /, **facts: Fact) -> str:
        """Return a text without markup, for alerts and notices, which show tags as they are."""
        return unescape(_TAG.sub("", self(language, key, **facts)))

    def directed(self, language: str, label: str) -> str:
        """Return a button's label that runs in the direction of its language.

        Apps lay out a label by its first letter, and "☐ 720p" would have its box on the other side
        than the Arabic labels around it.
        """
        if _is_right_to_left(label) or not _is_right_to_left(self[language]["language_name"]):
            return label
        return f"\N{RIGHT-TO-LEFT MARK}{label}"

    @staticmethod
    def escaped(text: str) -> str:
        """Escape untrusted text for Telegram HTML."""
        return escape(text)

    def closest(self, language_code: str | None) -> str:
        """Return the code of the best language for an IETF tag from Telegram.

        Only the primary subtag counts: "pt-br" yields "pt". English is the fallback.
        """
        primary = (language_code or "").replace("_", "-").partition("-")[0].lower()
        primary = _FORMER_CODES.get(primary, primary)
        return primary if primary in self else FALLBACK


@cache
def choice_words() -> Mapping[WordKind, frozenset[str]]:
    """Return the words and phrases of all languages that name a version of a post.

    They are in the forms of `core.choices.spellings`. The files write a phrase with underscores.
    """
    texts = load_texts()
    kinds: tuple[WordKind, ...] = get_args(WordKind)
    return {
        kind: frozenset(
            form
            for language in texts.languages
            for word in texts[language][f"words_{kind}"].split()
            for form in spellings(word.replace("_", " "))
        )
        for kind in kinds
    }


def named_choice(text: str) -> Choice:
    """Return the version of a post that a text names, or `NO_CHOICE`."""
    return choice_in(text, choice_words()) or NO_CHOICE


@cache
def _plural_rule(language: str) -> Callable[[int], str]:
    """Return the function that assigns an integer to a plural category of a language.

    Source: https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
    """
    # Imported late: most answers have no number in them.
    from babel import Locale

    rule: Callable[[int], str] = Locale.parse(language).plural_form
    return rule


@cache
def load_texts() -> Texts:
    """Return the texts of locale/. The files are read once per process.

    Raises:
        OSError: a file could not be read.
        ValueError: a file is not valid JSON.
    """
    return Texts(
        {
            file.stem: _with_directions(json.loads(file.read_text(encoding="utf-8")))
            for file in sorted(_FOLDER.glob("*.json"))
        }
    )


def _with_directions(texts: dict[str, Text]) -> dict[str, Text]:
    """Add direction marks to texts that are written from right to left; return others unchanged."""
    if not _is_right_to_left(str(texts["language_name"])):
        return texts
    return {
        key: _marked(text)
        if isinstance(text, str)
        else {category: _marked(form) for category, form in text.items()}
        for key, text in texts.items()
    }


def _marked(text: str) -> str:
    """Add direction marks to a text.

    A left-to-right mark stands before each command, whose slash would be shown behind its name. A
    right-to-left mark begins each line that a name or a fact could otherwise turn around: apps lay
    out a line by its first letter (https://www.unicode.org/reports/tr9/, rules P2 and P3).
    """
    lines = _COMMAND.sub("\N{LEFT-TO-RIGHT MARK}/", text).split("\n")
    return "\n".join(
        f"\N{RIGHT-TO-LEFT MARK}{line}" if _is_turned_around(line) else line for line in lines
    )


def _is_turned_around(line: str) -> bool:
    """Return True if a line may begin with a left-to-right letter.

    A line of facts alone, such as the title of a list, keeps its own direction.
    """
    words = _TAG.sub("", line)
    if not any(map(str.isalpha, _PLACEHOLDER.sub("", words))):
        return False
    return _first_direction(words) == "L"


def _is_right_to_left(text: str) -> bool:
    return _first_direction(text) in _RIGHT_TO_LEFT


def _first_direction(text: str) -> str:
    """Return the bidirectional class of the first letter, or nothing if there is none."""
    classes = map(unicodedata.bidirectional, text)
    return next((one for one in classes if one in _STRONG), "")
