"""What is wrong with a value as it is written, whatever it means; and settings that contradict.

Without these rules, such a value would be taken as it is: a path with quotation marks, a number of
megabytes that is read as a decimal fraction, a host that is empty and stands for every address.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: A value in quotation marks of any language.
_QUOTED: Final = re.compile(r"(['\"]).*\1|“.*”|‘.*’|„.*[“”]|«.*»", re.DOTALL)
#: A comment behind a value, which only .env knows.
_COMMENT: Final = re.compile(r"\s+[#;](\s.*)?$", re.DOTALL)
#: Characters that nobody sees: soft hyphens, spaces of no width, marks of direction.
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
#: Default of [database] backup_hours.
_BACKUP_HOURS: Final = 24
_RELATIVE_FILE: Final = re.compile(r"sqlite(?:\+\w+)?:///([^/?:][^?]*).*")
_WITH_POINT: Final = re.compile(r"[+-]?\d*\.\d*")


@dataclass(frozen=True, slots=True)
class Writing:
    """How the value of a setting is written."""

    #: "text" may be anything that users read; "path", "int", or "" for any other.
    kind: str = ""
    may_be_empty: bool = True


def as_meant(value: str, writing: Writing) -> tuple[str | None, list[str]]:
    """Return a value as it was probably meant, to find its further mistakes, and what is wrong.

    None stands for the default.
    """
    wrong: list[str] = []
    if writing.kind != "path" and (text := _readable(value)) != value:
        wrong.append("is not UTF-8 text: write it in UTF-8")
        value = text
    if _QUOTED.fullmatch(value):
        wrong.append("the quotation marks are a part of the value here: leave them out")
        value = value[1:-1]
    if writing.kind != "text" and _INVISIBLE.search(value):
        wrong.append("has an invisible character: type the value instead of copying it")
        value = _INVISIBLE.sub("", value)
    if writing.kind == "path":
        value, more = _path(value)
        wrong += more
        if value.startswith("~"):
            return None, [*wrong, "~ is not replaced here: write the whole path"]
    if writing.kind == "int" and _WITH_POINT.fullmatch(value):
        wrong.append(f"must be a whole number without a point, not {value!r}")
        return None, wrong
    if not value and not writing.may_be_empty:
        wrong.append("is empty: leave it out, or give it a value")
        return None, wrong
    return value, wrong


def _readable(value: str) -> str:
    """Return a value without the bytes that are no text, which the environment may have."""
    return value.encode(errors="ignore").decode()


def _path(value: str) -> tuple[str, list[str]]:
    if not _COMMENT.search(value):
        return value, []
    wrong = "the comment is a part of the value here: write it into a line of its own"
    return _COMMENT.sub("", value), [wrong]


def overridden(
    names: Mapping[str, tuple[str, str]], sources: Sequence[tuple[str, Mapping[str, str]]]
) -> Iterator[str]:
    """Yield a sentence for each setting with several values; the last source counts."""
    for name, (section, key) in names.items():
        given = [(where, values[name].strip()) for where, values in sources if name in values]
        *others, (where, value) = given or [("", "")]
        differing = [other for other, old in others if old and old != value]
        if differing:
            empty = " an empty value" if not value else ""
            yield (
                f"[{section}] {key} ({name}) is set in {' and '.join(differing)}, but the value in "
                f"{where} counts{',' + empty if empty else ''}"
            )


def contradictions(get: Any) -> Iterator[str]:
    """Yield a sentence for each setting that has no effect because of another one.

    `get` are all settings, by section and key.
    """
    yield from _void_access(get["access"])
    ads, network, helpers = get["ads"], get["network"], get["helpers"]
    telegram, database = get["telegram"], get["database"]
    is_public, has_proxies = "api.telegram.org" in telegram["server"], network["proxy_file"]
    rules = (
        (
            telegram["local"] and is_public,
            "[telegram] local is true, but [telegram] server is Telegram's own, not yours",
        ),
        (
            get["webhook"]["url"] and telegram["updates"] == "poll",
            "[webhook] url is set, but [telegram] updates is poll: there is no webhook",
        ),
        (
            ads["min_interval_h"] > ads["max_interval_h"],
            "[ads] min_interval_h is above max_interval_h, which has no effect then",
        ),
        (
            network["proxy_include_direct"] and not has_proxies,
            "[network] proxy_include_direct is true, but proxy_file is empty: there is no proxy",
        ),
        (
            network["proxy_pages_only"] and not has_proxies,
            "[network] proxy_pages_only is true, but proxy_file is empty: there is no proxy",
        ),
        (
            helpers["cobalt_key"] and not helpers["cobalt_url"],
            "[helpers] cobalt_key is set, but cobalt_url is empty: it is not used",
        ),
        (
            helpers["pot_url"] and "youtube" not in get["sites"]["allowed"],
            "[helpers] pot_url is set, but youtube is not in [sites] allowed",
        ),
        (
            database["backup_hours"] != _BACKUP_HOURS and not database["backup_folder"],
            "[database] backup_hours is set, but backup_folder is empty: there are no backups",
        ),
    )
    yield from (sentence for holds, sentence in rules if holds)


def relative_database(url: str, home: Path) -> Iterator[str]:
    """Yield a sentence if another working directory than `home` decides which database is used."""
    found = _RELATIVE_FILE.fullmatch(url.strip())
    if found and Path.cwd() != home:
        yield (
            f"[database] url names {Path(found[1]).absolute()} here: its file begins in the "
            f"working directory, which is not {home}"
        )


def _void_access(access: Any) -> Iterator[str]:
    mode = access["mode"]
    everybody = ": everybody may use the bot" if mode == "everyone" else ""
    if access["listed"] and mode == "everyone":
        yield f"[access] listed is set, but [access] mode is {mode}{everybody}"
    if access["channels"] and mode != "members":
        yield f"[access] channels is set, but [access] mode is {mode}{everybody}"
