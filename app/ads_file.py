"""The operator's ads, read from a file."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError

from core.ads import Ad
from core.errors import SettingsError
from misc.ui.texts import Texts

_Word = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    """An ad as it stands in the file."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=40)]
    link: HttpUrl
    text: Annotated[_Word, Field(max_length=4_000)]
    button: Annotated[_Word, Field(max_length=60)]
    languages: frozenset[str] = frozenset()
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1


def load_ads(link: str, file: Path | None, texts: Texts) -> tuple[Ad, ...]:
    """Give the bot's own ad, if there is a link for it, and those of a file.

    Raises:
        SettingsError: with every mistake in the file.
    """
    own = (Ad("own", link),) if link else ()
    if file is None:
        return own
    try:
        entries = TypeAdapter(list[_Entry]).validate_json(file.read_bytes())
    except ValidationError as error:
        found = error.errors()
        mistakes = [f"{'/'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found]
        raise _wrong(mistakes) from None
    unknown = {code for entry in entries for code in entry.languages if code not in texts}
    names = [entry.name for entry in entries]
    twice = {name for name in names if names.count(name) > 1}
    mistakes = [f"there is no language {code}" for code in sorted(unknown)]
    mistakes += [f"two ads are called {name}" for name in sorted(twice)]
    if mistakes:
        raise _wrong(mistakes)
    return own + tuple(
        Ad(entry.name, str(entry.link), entry.text, entry.button, entry.languages, entry.weight)
        for entry in entries
    )


def _wrong(mistakes: list[str]) -> SettingsError:
    return SettingsError([f"[ads] file (ADS_FILE): {mistake}" for mistake in mistakes])
