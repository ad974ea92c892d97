"""Settings: declared once here, read from config.ini, .env and the environment, in rising priority.

`[bot] token` in config.ini is `BOT_TOKEN` in .env and in the environment. `load_settings()` is pure apart
from reading the two files; `config` (as the seed page imports it) is the program's own settings,
read on first use.
"""

import os
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from core.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent


class Section(BaseModel):
    """A section of config.ini. `section["key"]` works as on the seed page; secrets come unwrapped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __getitem__(self, key: str) -> Any:
        """Give one value by its name in config.ini."""
        if key not in type(self).model_fields:
            raise KeyError(key)
        value = getattr(self, key)
        return value.get_secret_value() if isinstance(value, SecretStr) else value


class BotSection(Section):
    """Who the bot is, and who looks after it."""

    token: SecretStr = Field(
        SecretStr(""), description="The token that BotFather gave you. Keep it in .env, never here."
    )
    admins: tuple[int, ...] = Field(
        (), description="Ids of the bot's administrators, separated by commas."
    )
    join_log_chat: int = Field(
        0, description="Chat that is told about every new chat; 0 tells nobody."
    )
    business: bool = Field(
        False,
        description="Answer links in the chats of business accounts that have connected the bot.",
    )
    lean_start: bool = Field(
        True,
        description="Build aiogram's models only when they are needed: half the memory and a third "
        "of the time at start. Set to false if a new aiogram release ever misbehaves.",
    )

    @field_validator("admins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)


class TelegramSection(Section):
    """The Bot API server that the bot talks to."""

    server: str = Field(
        "https://api.telegram.org",
        description="Address of the Bot API server, yours or the public one.",
    )
    local: bool = Field(
        False,
        description="The server is your own and runs with --local: files up to 2 000 MB instead of 50 MB.",
    )
    pacing: bool = Field(
        True,
        description="Create messages no faster than Telegram allows: 30 a second overall, about one "
        "a second and chat, 20 a minute and group. False only obeys refusals.",
    )
    upload_timeout_s: int = Field(
        600, ge=10, le=7200, description="Longest time for one upload, in seconds."
    )

    @field_validator("server")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return _http_address(value)


class DatabaseSection(Section):
    """Where the bot remembers."""

    url: SecretStr = Field(
        SecretStr(""),
        description="postgresql://user:password@host/name or sqlite:///file. Empty: the SQLite "
        "file var/clipferry.db, which needs nothing else. Holds a password: keep it in .env.",
    )


class FilesSection(Section):
    """Folders and files."""

    spool_dir: Path = Field(
        Path("var/spool"),
        description="Folder for files on their way; each process has its own part of it.",
    )
    heartbeat: Path = Field(
        Path("var/heartbeat"),
        description="File that is touched as long as Telegram answers; a health check looks at its age.",
    )
    cache_days: int = Field(
        90,
        ge=1,
        description="Posts that nobody has asked for in so many days are fetched anew the next time.",
    )
    spool_mb: int = Field(
        2_000,
        ge=1,
        description="Room for files on their way, in MB (10^6 bytes). New downloads wait for room.",
    )


class InlineSection(Section):
    """`@bot link` in any chat. Switch it on at BotFather: /setinline, and /setinlinefeedback to 100 %."""

    storage_chat: int = Field(
        0,
        description="Id of a channel in which the bot may post: files are uploaded there first, because "
        "inline messages take no uploads. 0: no inline mode.",
    )
    everybody: bool = Field(
        True,
        description="Serve people who have never pressed /start; false asks them to do so first.",
    )


class ButtonsSection(Section):
    """What stands below a post in a private chat, beside its sound."""

    share: bool = Field(
        True,
        description="A button that sends the post to another chat; it needs inline mode.",
    )
    copy_link: bool = Field(False, description="A button that copies the link.")


class BroadcastsSection(Section):
    """Messages of administrators to everybody, with /admin."""

    may_pay: bool = Field(
        False,
        description="Offer administrators to pay Telegram for a faster pace than 30 messages a second: "
        "0.1 Stars a message, from the bot's own balance.",
    )


class LimitsSection(Section):
    """How much work is accepted."""

    active_requests: int = Field(
        16, ge=1, le=500, description="Requests served at the same time, over all chats."
    )
    waiting_requests: int = Field(
        5_000, ge=0, description="Requests that may wait for their turn, over all chats."
    )
    private_queue: int = Field(
        3, ge=1, description="Messages with links that a person may have in the queue at once."
    )
    group_queue: int = Field(
        10, ge=1, description="Messages with links that a group may have in the queue at once."
    )
    spam_guard: bool = Field(
        True,
        description="Who sends more than 5 messages in 5 seconds, and a group that asks more than 20 "
        "times a minute, is not answered for one minute, and for five the next time.",
    )
    patience_s: float = Field(
        10,
        gt=0,
        description="A person who has waited for so many seconds is told how many are ahead, and can "
        "call the request off.",
    )
    max_duration_s: int = Field(
        0, ge=0, description="Longest video that is fetched, in seconds; 0 allows every length."
    )
    max_age_s: int = Field(
        3_600,
        ge=1,
        description="Who asked longer ago than this, in seconds, while the bot was away, is told so "
        "instead of getting the answer.",
    )
    links_per_message: int = Field(
        5, ge=1, description="Of one message, no more links than these are answered."
    )
    group_items: int = Field(
        10,
        ge=1,
        description="A group gets no more pictures and videos of one post than these, unless its "
        "administrators choose another number.",
    )
    shrink_mb: int = Field(
        400,
        ge=0,
        description="A video that is too large for Telegram is fetched and made smaller if it has no "
        "more than so many MB; 0 switches that off.",
    )
    split: bool = Field(
        False,
        description="Send a video that cannot be made small enough in parts, instead of refusing it.",
    )
    encode_s: int = Field(
        120,
        ge=1,
        description="Longest time for encoding one video anew, in seconds. One is encoded at a time.",
    )
    request_budget_s: int = Field(
        300,
        ge=5,
        description="Time for finding and fetching one post, all attempts together, in seconds.",
    )
    attempts: int = Field(3, ge=1, le=10, description="Attempts for one post, all causes together.")
    stall_s: int = Field(
        20, ge=1, description="A download that brings nothing for this many seconds is given up."
    )


class NetworkSection(Section):
    """The way to the sites."""

    proxy_file: Path | None = Field(
        None,
        description="File with one proxy address per line (http, https, socks4, socks5, socks5h). "
        "Empty: the direct way.",
    )
    proxy_include_direct: bool = Field(
        False, description="Use the direct way as well as the proxies of the file."
    )
    proxy_pages_only: bool = Field(
        False, description="Fetch pages through the proxies, but the media files directly."
    )
    cookies_file: Path | None = Field(
        None, description="Netscape cookie file of a throw-away account. Empty: signed out."
    )
    ca_file: Path | None = Field(
        None,
        description="Certificate authority to trust instead of the system's, for a proxy that inspects TLS.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        description="A way to a site (one of its layers by one exit) that has failed at so many "
        "different posts in a row rests for a while.",
    )
    breaker_pause_s: int = Field(
        60, ge=1, description="How long such a way rests before it is tried again, in seconds."
    )
    impersonate: str = Field(
        "chrome",
        description="Browser whose TLS fingerprint is worn, such as chrome, safari or chrome-146.",
    )

    @field_validator("proxy_file", "cookies_file", "ca_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("proxy_file", "cookies_file", "ca_file")
    @classmethod
    def _must_exist(cls, value: Path | None) -> Path | None:
        return _existing(value)


class SitesSection(Section):
    """Whose links are served."""

    allowed: tuple[str, ...] = Field(
        (
            "tiktok",
            "instagram",
            "x",
            "facebook",
            "pinterest",
            "reddit",
            "snapchat",
            "bluesky",
            "streamable",
            "twitch",
        ),
        description="Names of the sites, separated by commas, in the order in which users read them. "
        "youtube is possible too, where yt-dlp finds a JavaScript runtime (docs/operating.md).",
    )

    @field_validator("allowed", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)


class HelpersSection(Section):
    """Other services that are asked when a site refuses the bot itself."""

    cobalt_url: str = Field(
        "",
        description="Address of a cobalt API of your own (github.com/imputnet/cobalt). Empty: none.",
    )
    cobalt_key: SecretStr = Field(
        SecretStr(""), description="Its API key, if it wants one. Keep it in .env."
    )
    rapidapi_url: str = Field(
        "https://instagram-downloader-download-instagram-stories-videos4.p.rapidapi.com/convert",
        description="Method of a provider on RapidAPI that gives the files of an Instagram post.",
    )
    rapidapi_key: SecretStr = Field(
        SecretStr(""),
        description="Your key there. Empty: it is never asked. Keep it in .env.",
    )

    @field_validator("cobalt_url", "rapidapi_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return _http_address(value) if value else ""


class AdsSection(Section):
    """One text with a button now and then, in private chats, to pay for the server."""

    link: str = Field(
        "", description="Where the button of the bot's own ad leads. Empty: there is none."
    )
    file: Path | None = Field(
        None,
        description="JSON file with further ads: their texts, buttons, languages and weights "
        "(docs/operating.md).",
    )
    every: int = Field(3, ge=1, description="An ad is due after so many downloads,")
    max_interval_h: int = Field(
        24, ge=1, description="or when so many hours have passed since the last one,"
    )
    min_interval_h: int = Field(
        0, ge=0, description="but never within so many hours of the last one,"
    )
    grace_h: int = Field(
        0, ge=0, description="nor within so many hours of a person's first contact."
    )

    @field_validator("link")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return _http_address(value) if value else ""

    @field_validator("file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("file")
    @classmethod
    def _must_exist(cls, value: Path | None) -> Path | None:
        return _existing(value)


class StatisticsSection(Section):
    """What has happened, with /stats."""

    readers: tuple[int, ...] = Field(
        (), description="Ids of people who may look at statistics, besides the administrators."
    )
    board_chat: int = Field(
        0,
        description="Chat with two messages that always show the newest numbers; the bot writes them "
        "itself. 0: none.",
    )
    botstat_key: SecretStr = Field(
        SecretStr(""),
        description="Your access key at BotStat, to which the ids of all chats can be uploaded. "
        "Empty: that is not offered. Keep it in .env.",
    )
    botstat_url: str = Field("https://api.botstat.io", description="Where BotStat is.")

    @field_validator("readers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)

    @field_validator("botstat_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return _http_address(value)


class WatchSection(Section):
    """Whether all is well: for machines by HTTP, for administrators in their chats."""

    port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port of /healthz, /readyz and /metrics (Prometheus). 0: none.",
    )
    host: str = Field(
        "127.0.0.1", description="Address at which they are served. Nothing there asks who one is."
    )
    failing_percent: int = Field(
        50,
        ge=0,
        le=100,
        description="Administrators are told when so many of a site's last 20 downloads have failed "
        "through the site's fault, and when it is better again. 0: never.",
    )
    quiet_minutes: int = Field(
        0,
        ge=0,
        description="They are told when nobody has downloaded anything for so many minutes, again "
        "after twice as long, and when it goes on. 0: never.",
    )
    canaries: tuple[str, ...] = Field(
        (),
        description="Links of posts that are fetched now and then, one for each site, separated by "
        "commas; administrators are told when one fails, and when it works again.",
    )
    canary_minutes: int = Field(60, ge=1, description="How often that is done, in minutes.")

    @field_validator("canaries", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)


class RunSection(Section):
    """Starting, stopping and telling."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people (text), or for programs (json)."
    )
    log_chat_ids: bool = Field(
        False,
        description="Write the ids of chats into the log. False writes pseudonyms, which /user tells.",
    )
    lease_s: int = Field(
        15,
        ge=2,
        le=300,
        description="Requests of a process that has not been heard of for so many seconds are taken "
        "over by another one, or by the next start.",
    )
    drain_s: int = Field(
        60, ge=0, description="At shutdown, running requests get this many seconds to finish."
    )


class Settings(BaseModel):
    """All settings. `settings["database"]["url"]` works as on the seed page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot: BotSection = BotSection()
    telegram: TelegramSection = TelegramSection()
    database: DatabaseSection = DatabaseSection()
    files: FilesSection = FilesSection()
    limits: LimitsSection = LimitsSection()
    inline: InlineSection = InlineSection()
    buttons: ButtonsSection = ButtonsSection()
    broadcasts: BroadcastsSection = BroadcastsSection()
    network: NetworkSection = NetworkSection()
    sites: SitesSection = SitesSection()
    helpers: HelpersSection = HelpersSection()
    ads: AdsSection = AdsSection()
    statistics: StatisticsSection = StatisticsSection()
    watch: WatchSection = WatchSection()
    run: RunSection = RunSection()

    def __getitem__(self, section: str) -> Section:
        """Give one section by its name in config.ini."""
        if section not in type(self).model_fields:
            raise KeyError(section)
        value: Section = getattr(self, section)
        return value


def load_settings(ini: Path, env_file: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings; an environment value wins over .env, which wins over config.ini.

    Raises:
        SettingsError: with every mistake found, each by section and key.
    """
    mistakes: list[str] = []
    values: dict[str, dict[str, str]] = {}
    _read_ini(ini, values, mistakes)
    env = {k: v for k, v in dotenv_values(env_file).items() if v is not None}
    _read_env(env, env_file, values, mistakes)
    for section, key in _keys():
        if (value := environ.get(env_name(section, key))) is not None:
            values.setdefault(section, {})[key] = value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        # Without the `from`: pydantic's own report repeats the values, and they may be secrets.
        mistakes += [_sentence(entry["loc"], entry["msg"]) for entry in error.errors()]
        raise SettingsError(mistakes) from None
    if mistakes:
        raise SettingsError(mistakes)
    return settings


@cache
def load_default_settings() -> Settings:
    """Read the program's own settings: config.ini and .env beside main.py, and the environment."""
    return load_settings(ROOT / "config.ini", ROOT / ".env", os.environ)  # noqa: TID251 - the one reader


def describe() -> list[tuple[str, str, str, str]]:
    """List all settings as (section, key, default, meaning), for config.ini and the README."""
    rows = []
    for name, section in Settings.model_fields.items():
        kind = section.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, Section)
        for key, field in kind.model_fields.items():
            rows.append((name, key, _as_ini(field.default), field.description or ""))
    return rows


def write_ini() -> str:
    """Write the text of config.ini from the declarations above."""
    lines = [
        "# Every setting of Clipferry, with its default. `[bot] token` can also stand in .env or in",
        "# the environment, as BOT_TOKEN; the environment wins over .env, and .env over this file.",
        "# Secrets belong in .env or in the environment. This file is written by `make settings`.",
    ]
    current = ""
    for section, key, default, meaning in describe():
        if section != current:
            kind = Settings.model_fields[section].annotation
            lines += ["", "", f"[{section}]", f"# {(kind.__doc__ or '').strip()}"]
            current = section
        lines += ["", f"# {meaning}", f"{key} = {default}".rstrip()]
    return "\n".join(lines) + "\n"


def __getattr__(name: str) -> Settings:
    """Offer `from data.config import config`, as the seed page writes it."""
    if name == "config":
        return load_default_settings()
    raise AttributeError(name)


def _keys() -> list[tuple[str, str]]:
    return [(section, key) for section, key, _, _ in describe()]


def env_name(section: str, key: str) -> str:
    """Return the environment variable of a setting: `[bot] token` is BOT_TOKEN."""
    return f"{section}_{key}".upper()


def _read_ini(ini: Path, values: dict[str, dict[str, str]], mistakes: list[str]) -> None:
    if not ini.is_file():
        return
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(ini.read_text(encoding="utf-8"))
    except IniError as error:
        # The parser's own message may repeat a line, and a line may hold a secret.
        line = getattr(error, "lineno", None) or "?"
        mistakes.append(f"{ini.name}: cannot be read, see line {line} ({type(error).__name__})")
        return
    for section in parser.sections():
        values[section] = dict(parser[section])


def _read_env(
    env: Mapping[str, str], env_file: Path, values: dict[str, dict[str, str]], mistakes: list[str]
) -> None:
    names = {env_name(section, key): (section, key) for section, key in _keys()}
    prefixes = tuple(f"{section.upper()}_" for section in Settings.model_fields)
    for name, value in env.items():
        if name in names:
            section, key = names[name]
            values.setdefault(section, {})[key] = value
        elif name.startswith(prefixes):
            mistakes.append(f"{env_file.name}: {name} is not a setting")


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    section, *key = (str(part) for part in place)
    known = {
        "Extra inputs are not permitted": "is not a setting" if key else "is not a section",
    }
    words = known.get(message, message.removeprefix("Value error, "))
    if not key:
        return f"[{section}] {words}"
    return f"[{section}] {key[0]} ({env_name(section, key[0])}): {words}"


def _as_ini(default: object) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return "" if default is None else str(default)


def _listed(value: object) -> object:
    """Read `a, b` as a list."""
    if isinstance(value, str):
        return [entry.strip() for entry in value.split(",") if entry.strip()]
    return value


def _existing(value: Path | None) -> Path | None:
    if value is not None and not value.is_file():
        raise ValueError(f"there is no file {value}")
    return value


def _http_address(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("must be an http(s) address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http(s) address")
    return value.rstrip("/")
