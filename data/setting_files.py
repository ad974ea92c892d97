"""The files with settings: what they say, and every mistake in how they are written.

No message repeats a line: it may contain a secret.
"""

import io
import logging
import re
from collections.abc import Iterator, Mapping, Set
from configparser import ConfigParser, MissingSectionHeaderError, ParsingError
from configparser import Error as IniError
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

#: A line of config.ini that begins a section or a setting. Others go on with a value, or are none.
_HEADER: Final = re.compile(r"\[([^\]]+)\]")
_SETTING: Final = re.compile(r"([^\s#;=:\[][^=:]*?)\s*[=:]")
#: ${NAME} in .env, whose value is put in its place.
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")

# It logs lines that it cannot read, before there is a log; `_mistakes_in_env` names them.
logging.getLogger("dotenv.main").disabled = True


def read_ini(ini: Path, mistakes: list[str]) -> dict[str, dict[str, str]]:
    """Return the values of a file in the form of config.ini, by section and key."""
    text = _read_text(ini, mistakes)
    # Another name for the section whose values all sections would have.
    parser = ConfigParser(interpolation=None, strict=False, default_section="\0")
    try:
        parser.read_string(text)
    except MissingSectionHeaderError as error:
        mistakes.append(f"{ini.name}: line {error.lineno} stands before the first [section]")
    except ParsingError as error:
        mistakes += [
            f"{ini.name}: line {number} cannot be read: write key = value"
            for number, _ in error.errors
        ]
    except IniError as error:
        mistakes.append(f"{ini.name}: cannot be read ({type(error).__name__})")
    mistakes += [f"{ini.name}: {sentence}" for sentence in _repeated_in_ini(text)]
    return {section: dict(parser[section]) for section in parser.sections()}


def read_env(
    env_file: Path, known: Set[str], environ: Mapping[str, str], mistakes: list[str]
) -> dict[str, str]:
    """Return the values of a file in the form of .env, by name.

    `known` are the names of settings; what others look like is no mistake of ours. `environ` are
    the variables whose values may be used with `${NAME}`, besides those of the file.
    """
    text = _read_text(env_file, mistakes)
    found = [*_mistakes_in_env(text, known), *_unset_in_env(text, known, environ)]
    mistakes += [f"{env_file.name}: {sentence}" for sentence in found]
    values = dotenv_values(stream=io.StringIO(text))
    return {name: value for name, value in values.items() if value is not None}


def _read_text(path: Path, mistakes: list[str]) -> str:
    """Return the text of a file; an empty one if there is no such file or it is not text."""
    try:
        if path.is_dir():  # Docker makes one if a file that is to be mounted does not exist
            mistakes.append(f"{path.name}: is a folder, not a file")
        elif path.is_file():
            text = path.read_text(encoding="utf-8-sig")
            if "\0" not in text:
                return text
            mistakes.append(f"{path.name}: is not UTF-8 text: save it as UTF-8")
    except UnicodeDecodeError:
        mistakes.append(f"{path.name}: is not UTF-8 text: save it as UTF-8")
    except OSError as error:
        mistakes.append(f"{path.name}: cannot be read: {error.strerror}")
    return ""


def _repeated_in_ini(text: str) -> Iterator[str]:
    section, seen = "", set[tuple[str, str]]()
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HEADER.match(line):
            section, key = found[1], ""
        elif found := _SETTING.match(line):
            key = found[1].lower()
        else:
            continue
        if (section, key) in seen:
            what = f"[{section}] {key}".rstrip()
            yield f"{what} is there twice, see line {number}: leave one of them"
        seen.add((section, key))


def _mistakes_in_env(text: str, known: Set[str]) -> Iterator[str]:
    lines: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(text)):
        content = binding.original.string
        blank = content[: len(content) - len(content.lstrip())]
        line = binding.original.line + len(re.findall(r"\r\n|\r|\n", blank))
        name = binding.key
        if name and _HEADER.fullmatch(name):
            yield f"line {line}: sections are for config.ini: here, [bot] admins is BOT_ADMINS"
        elif binding.error:
            yield f"line {line} cannot be read: write NAME=value, with both quotation marks or none"
        elif name in known and binding.value is None:
            yield f"line {line}: {name} has no value: write {name}=value"
        elif name in known and name in lines:
            yield f"{name} is there twice, in lines {lines[name]} and {line}: leave one of them"
        if name is not None:
            lines.setdefault(name, line)


def _unset_in_env(text: str, known: Set[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable whose value is used, but which is not set."""
    bindings = list(parse_stream(io.StringIO(text)))
    names = environ.keys() | {binding.key for binding in bindings}
    for binding in bindings:
        if binding.key in known:
            for name in _VARIABLE.findall(binding.value or ""):
                if name not in names:
                    yield f"{binding.key} uses ${{{name}}}, which is not set"
