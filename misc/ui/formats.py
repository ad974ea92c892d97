"""Facts in the words of a language: lists and file sizes, by the rules of CLDR.

Babel is imported late: most answers have neither.
"""

from typing import Final

from core.facts import Fact, FileSize

_UNITS: Final = {"KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte"}


def format_fact(fact: Fact, language: str) -> str:
    """Return a fact as plain text in a language."""
    match fact:
        case FileSize():
            return format_size(fact, language)
        case tuple():
            return format_list(fact, language)
    return str(fact)


def format_list(names: tuple[str, ...], language: str) -> str:
    """Return alternatives as a list with the language's "or": "TikTok, Instagram, or YouTube"."""
    from babel.lists import format_list

    return format_list(names, style="or", locale=language)


def format_language(code: str, language: str) -> str:
    """Return the name of a language in another one, such as "English"; the code if it is unknown.

    `code` is what a site says, such as "en", "pt-BR" or anything else.
    """
    from babel import Locale

    names = Locale.parse(language).languages
    base, _, _ = code.partition("-")
    name = names.get(code.replace("-", "_")) or names.get(base.lower())
    return str(name) if name else code


def format_size(size: FileSize, language: str) -> str:
    """Return a size with the language's unit and decimal sign, such as "84 MB" or "1,2 ГБ".

    A no-break space keeps the number and the unit on one line.
    """
    from babel.units import format_unit

    number, unit = size.in_unit()
    text = format_unit(number, f"digital-{_UNITS[unit]}", length="short", locale=language)
    # CLDR writes "kB", unlike every client of Telegram.
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("kB", "KB")
