"""Reads the operator's ads from a JSON file."""

import codecs
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError

from core.ads import Ad
from core.errors import SettingsError
from misc.ui.texts import Texts

_NonEmpty = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    """One ad in the file."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=40)]
    link: HttpUrl
    text: Annotated[_NonEmpty, Field(max_length=4_000)]
    button: Annotated[_NonEmpty, Field(max_length=60)]
    languages: frozenset[str] = frozenset()
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1


def load_ads(link: str, file: Path | None, texts: Texts) -> tuple[Ad, ...]:
    """Return the built-in ad, if `link` is not empty, followed by the ads in the file.

    Raises:
        SettingsError: the file is invalid; lists every mistake.
    """
    own = (Ad("own", link),) if link else ()
    if file is None:
        return own
    try:
        content = file.read_bytes().removeprefix(codecs.BOM_UTF8)
        entries = TypeAdapter(list[_Entry]).validate_json(content)
    except OSError as error:
        raise _invalid([f"cannot be read: {error.strerror}"]) from None
    except ValidationError as error:
        found = error.errors()
        mistakes = [f"{'/'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found]
        raise _invalid(mistakes) from None
    unknown = {code for entry in entries for code in entry.languages if code not in texts}
    names = [entry.name for entry in entries]
    duplicates = {name for name in names if names.count(name) > 1}
    mistakes = [f"unknown language {code}" for code in sorted(unknown)]
    mistakes += [f"duplicate name {name}" for name in sorted(duplicates)]
    if mistakes:
        raise _invalid(mistakes)
    return own + tuple(
        Ad(entry.name, str(entry.link), entry.text, entry.button, entry.languages, entry.weight)
        for entry in entries
    )


def _invalid(mistakes: list[str]) -> SettingsError:
    return SettingsError([f"[ads] file (ADS_FILE): {mistake}" for mistake in mistakes])
