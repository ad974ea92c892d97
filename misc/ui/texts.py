"""The texts of locale/, in every language."""

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

FALLBACK: Final = "en"
_FOLDER = Path(__file__).resolve().parents[2] / "locale"


class Texts:
    """All languages. `texts["ru"]["send_link"]` works as `locale` does on the seed page."""

    def __init__(self, by_language: Mapping[str, Mapping[str, str]]) -> None:
        self._by_language = by_language

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the codes of all languages, in the order of their own names."""
        return tuple(sorted(self._by_language, key=lambda code: self[code]["language_name"]))

    def __contains__(self, language: object) -> bool:
        """Return True if there is such a language."""
        return language in self._by_language

    def __getitem__(self, language: str) -> Mapping[str, str]:
        """Return a language's texts; English if there is no such language."""
        return self._by_language.get(language, self._by_language[FALLBACK])

    def __call__(self, language: str, key: str, /, **facts: str | int) -> str:
        """Return a text (Telegram HTML) with its placeholders filled; values are escaped here."""
        return self[language][key].format(
            **{name: escape(str(value)) for name, value in facts.items()}
        )

    @staticmethod
    def escaped(text: str) -> str:
        """Escape foreign text for Telegram HTML."""
        return escape(text)

    def closest(self, language_code: str | None) -> str:
        """Return the closest language to an IETF tag from Telegram: pt-br → pt → English."""
        primary = (language_code or "").replace("_", "-").partition("-")[0].lower()
        return primary if primary in self else FALLBACK


@cache
def load_texts() -> Texts:
    """Return the texts of locale/; the files are read once."""
    return Texts(
        {
            file.stem: MappingProxyType(json.loads(file.read_text(encoding="utf-8")))
            for file in sorted(_FOLDER.glob("*.json"))
        }
    )
