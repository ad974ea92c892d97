"""Settings: declared here, read from config.ini, .env and the environment, in rising priority.

`[bot] token` in config.ini is `BOT_TOKEN` in .env and in the environment. `load_settings()` has no
side effects apart from reading the two files. `config` (the name that the seed page imports) holds
the program's own settings and is read on first use.
"""

import os
import pkgutil
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from core.access import Mode, read_entry
from core.captions import checked_template
from core.errors import SettingsError
from core.webhook import is_webhook_secret, url_mistake
from core.ytdlp_releases import is_safe_url
from data.home import HOME
from data.setting_files import read_env, read_ini
from data.setting_values import (
    Writing,
    as_meant,
    contradictions,
    overridden,
    relative_database,
)

#: Folder of the program's code.
ROOT = Path(__file__).resolve().parent.parent

#: What a process does; "all" stands for every other.
Role = Literal["all", "receiver", "worker", "scheduler"]
#: Similarity from which on a name without one of our prefixes is a mistyped one, from 0 to 1.
_ALMOST: Final = 0.9
#: What Kubernetes and old versions of Docker set for each service: BOT_PORT_80_TCP_ADDR.
#: Source: https://kubernetes.io/docs/concepts/containers/container-environment/
_SERVICE_LINK: Final = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP)(_\w+)?)?$")
#: Variables of the local Bot API server, which docker-compose.yml reads from .env as well.
_OF_OTHERS: Final = {"TELEGRAM_API_ID", "TELEGRAM_API_HASH"}
#: What other programs and tutorials call the bot's token.
_TOKEN_NAMES: Final = {
    *("TOKEN", "API_TOKEN", "TG_TOKEN", "TG_BOT_TOKEN"),
    *("TELEGRAM_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_API_TOKEN"),
}
#: What pydantic says, in words for operators: by the kind of mistake, and parts of sentences.
_WORDS: Final = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be true or false",
}
_PHRASES: Final = {
    "Input should be greater than or equal to": "must be at least",
    "Input should be less than or equal to": "must be at most",
    "Input should be": "must be",
}
#: The form of a bot's token, which becomes a part of URLs: behind another character, such as that
#: of a comment, the rest would be lost. And what any link has: host and path.
_BOT_TOKEN: Final = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_LINK: Final = re.compile(r"\S+\.\S+/\S+")
#: Longest part of a wrong value that is quoted.
_MAX_QUOTED: Final = 60
#: Largest whole number: ids have at most 52 bits.
#: Source: https://core.telegram.org/bots/api#user
_LARGEST: Final = (1 << 52) - 1
#: A token of Telegram; and any other long key.
_TOKEN: Final = re.compile(r"\d{5,}:[\w-]{20,}")
_LONG_KEY: Final = re.compile(r"[A-Za-z0-9_-]{24,}")
#: User name and password of a URL; a path of the file system has lost one of its slashes. And the
#: same where the scheme was forgotten.
_PASSWORD: Final = re.compile(r"(\b[a-z][\w+.-]*:/{1,2})\S*@", re.IGNORECASE)
_NO_SCHEME: Final = re.compile(r"[^\s'\"/:]+:[^\s'\"/]\S*@")


def _split_list(value: object) -> object:
    """Split a comma-separated string into a list; return any other value unchanged."""
    if isinstance(value, str):
        return [entry.strip() for entry in value.split(",") if entry.strip()]
    return value


def _people(ids: tuple[int, ...]) -> tuple[int, ...]:
    """Check ids of people: those of groups and channels are negative.

    Source: https://core.telegram.org/api/bots/ids
    """
    if wrong := [str(person) for person in ids if person <= 0]:
        raise ValueError(f"must be ids of people, which are positive, not {', '.join(wrong)}")
    if long := [str(person) for person in ids if person > _LARGEST]:
        raise ValueError(f"no id is as long as {', '.join(long)}: is a comma missing?")
    return ids


def _chat(chat_id: int) -> int:
    """Check an id that may be that of a channel: it begins with -100, and has 13 digits."""
    if re.fullmatch(r"100\d{10}", str(chat_id)):
        raise ValueError(f"{chat_id} has lost its minus: ids of channels begin with -100")
    return chat_id


def _none_if_empty(value: object) -> object:
    return value or None


def _existing_file(value: Path | None, info: ValidationInfo) -> Path | None:
    """Check that a file exists; relative paths begin in the folder of config.ini, the context."""
    folder: Path | None = info.context
    try:
        if value is not None and not ((folder or Path()) / value).is_file():
            raise ValueError(f"there is no file {value}")
    except OSError as error:  # its folder may not be read, or the value is no name of a file
        shown = _masked(str(value))
        raise ValueError(f"the file {shown} cannot be read: {error.strerror}") from None
    return value


def _http_url(value: str) -> str:
    if not _is_http_url(value):
        raise ValueError(f"must be an http(s) address, not {_masked(value)!r}")
    return value.rstrip("/")


def _is_http_url(value: str) -> bool:
    """Return whether a value is an address with a host and a port that there can be."""
    try:
        parts = urlsplit(value)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return bool(host) and parts.scheme in {"http", "https"}


def _http_url_or_empty(value: str) -> str:
    return _http_url(value) if value else ""


class Section(BaseModel):
    """A section of config.ini.

    `section["key"]` works as on the seed page and returns secrets as plain text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _check_size(cls, value: object) -> object:
        """Refuse whole numbers that a database or a library might not take."""
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise ValueError(f"{value} is too large")
        return value

    def __getitem__(self, key: str) -> Any:
        """Return one value by its name in config.ini; a secret as plain text.

        Raises:
            KeyError: there is no such setting.
        """
        if key not in type(self).model_fields:
            raise KeyError(key)
        value = getattr(self, key)
        return value.get_secret_value() if isinstance(value, SecretStr) else value


class BotSection(Section):
    """The bot's identity and its administrators."""

    token: SecretStr = Field(
        SecretStr(""), description="The token from BotFather. Keep it in .env, never here."
    )
    admins: tuple[int, ...] = Field(
        (), description="User ids of the bot's administrators, separated by commas."
    )
    join_log_chat: int = Field(
        0, description="Id of a chat that is notified of every new chat. 0: no notifications."
    )
    business: bool = Field(
        False,
        description="Answer links in the chats of business accounts that have connected the bot.",
    )
    contact: str = Field(
        "",
        max_length=200,
        description="How users reach you, shown by /about: an @username, an address or a URL. "
        "Empty: not shown.",
    )
    source_url: str = Field(
        "",
        description="URL of the source code that this bot runs, shown by /about. Empty: not shown.",
    )
    lean_start: bool = Field(
        True,
        description="Build aiogram's models only when they are needed: startup takes half the "
        "memory and a third of the time. Set to false if a new aiogram release causes problems.",
    )

    _split = field_validator("admins", mode="before")(_split_list)
    _check_people = field_validator("admins")(_people)
    _check_chat = field_validator("join_log_chat")(_chat)
    _check_url = field_validator("source_url")(_http_url_or_empty)

    @field_validator("token")
    @classmethod
    def _check_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if token and not _BOT_TOKEN.fullmatch(token):
            raise ValueError("not a bot token: digits, a colon, then letters, digits, _ and -")
        return value


class AccessSection(Section):
    """Who may use the bot. Administrators always may, and can change the list with /allow."""

    mode: Mode = Field(
        "everyone",
        description="everyone; listed: only people on the list, and everybody in groups on it; "
        "members: these, and the members of the channels.",
    )
    listed: tuple[str, ...] = Field(
        (),
        description="The list: ids of people and groups, and @usernames, separated by commas.",
    )
    channels: tuple[str, ...] = Field(
        (),
        validate_default=True,
        description="Channels or groups for the mode members, as @usernames or ids, separated by "
        "commas. A member of one of them may use the bot, which must be an administrator there.",
    )
    join_url: str = Field(
        "",
        description="URL of the join button. Empty: a button for each channel with a @username. A "
        "private channel needs its invite link here.",
    )

    _split = field_validator("listed", "channels", mode="before")(_split_list)

    @field_validator("listed", "channels")
    @classmethod
    def _check_entries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        entries = {text: read_entry(text) for text in value}
        if wrong := [text for text, entry in entries.items() if entry is None]:
            raise ValueError(f"neither an id nor a @username: {', '.join(wrong)}")
        return tuple(entry for entry in entries.values() if entry)

    @field_validator("channels")
    @classmethod
    def _check_channels(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("mode") == "members" and not value:
            raise ValueError("the mode members needs at least one channel")
        return value

    _check_url = field_validator("join_url")(_http_url_or_empty)


class TelegramSection(Section):
    """The Bot API server that the bot talks to."""

    server: str = Field(
        "https://api.telegram.org",
        description="URL of the Bot API server, the public one or your own.",
    )
    local: bool = Field(
        False,
        description="The server is your own and runs with --local. Uploads may then have 2 000 MB "
        "instead of 50 MB.",
    )
    pacing: bool = Field(
        True,
        description="Stay below Telegram's rate limits: 30 messages per second overall, about one "
        "per second and chat, 20 per minute and group. false: only react to refusals (HTTP 429).",
    )
    upload_timeout_s: int = Field(
        600, ge=10, le=7200, description="Timeout of one upload, in seconds."
    )
    updates: Literal["poll", "webhook"] = Field(
        "poll",
        description="How updates arrive. poll: the bot asks Telegram for them. webhook: Telegram "
        "sends them to the address in [webhook] url.",
    )

    _check_url = field_validator("server")(_http_url)


class WebhookSection(Section):
    """The webhook, used with `[telegram] updates = webhook` (docs/operating/webhook.md)."""

    url: str = Field(
        "",
        description="Public https URL that Telegram sends updates to, with a path if you like. Its "
        "port must be 443, 80, 88 or 8443.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address that the bot listens on: loopback behind a proxy on the same machine, "
        "else 0.0.0.0.",
    )
    port: int = Field(8_443, ge=1, le=65_535, description="Port that the bot listens on.")
    secret: SecretStr = Field(
        SecretStr(""),
        description="Secret that Telegram sends with every update: 16 to 256 letters, digits, _ or "
        "-. Empty: derived from the token. Keep it in .env.",
    )
    max_connections: int = Field(
        40,
        ge=1,
        le=100,
        description="Most updates that Telegram sends at a time. It sends one at a time per chat.",
    )
    certificate: Path | None = Field(
        None,
        description="File with the certificate (PEM) that the URL's address shows. Empty: a proxy "
        "has one from a public authority.",
    )
    key: Path | None = Field(
        None,
        description="File with the certificate's private key (PEM), if the bot itself is to speak "
        "TLS. Empty: a proxy does.",
    )
    upload_certificate: bool = Field(
        True,
        description="Send the certificate to Telegram, which is needed if it is self-signed. "
        "false: it comes from a public authority.",
    )

    _check_url = field_validator("url")(_http_url_or_empty)

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not is_webhook_secret(value.get_secret_value()):
            raise ValueError("must be 16 to 256 letters, digits, _ or -")
        return value

    _empty_is_none = field_validator("certificate", "key", mode="before")(_none_if_empty)
    _check_exists = field_validator("certificate", "key")(_existing_file)


class DatabaseSection(Section):
    """The database connection."""

    url: SecretStr = Field(
        SecretStr(""),
        description="postgresql://user:password@host/name or sqlite:///file. Empty: the SQLite "
        "file var/clipferry.db. If it contains a password, keep it in .env.",
    )
    backup_folder: Path | None = Field(
        None,
        description="Folder for regular backups while the bot runs, best on another disk. Each bot "
        "needs its own: it counts the backups in it. PostgreSQL needs pg_dump. Empty: none.",
    )
    backup_hours: int = Field(24, ge=1, description="Time between two backups, in hours.")
    backups_kept: int = Field(
        7, ge=1, description="Number of regular backups that are kept; older ones are deleted."
    )

    _empty_is_none = field_validator("backup_folder", mode="before")(_none_if_empty)

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr) -> SecretStr:
        from data.database import get_async_db_url  # SQLAlchemy takes half a second

        get_async_db_url(value.get_secret_value())
        return value


class FilesSection(Section):
    """Folders and files."""

    spool_dir: Path = Field(
        Path("var/spool"),
        description="Folder for temporary media files. Each process uses a subfolder of its own.",
    )
    heartbeat: Path = Field(
        Path("var/heartbeat"),
        description="File that is touched while Telegram responds. Health checks compare its age.",
    )
    cache_days: int = Field(
        90,
        ge=1,
        le=1_000_000,
        description="Posts not requested for this many days leave the file-id cache and are "
        "downloaded again on the next request.",
    )
    spool_mb: int = Field(
        2_000,
        ge=1,
        description="Maximum size of all temporary files, in MB (10^6 bytes). New downloads wait "
        "until there is enough free space.",
    )


class ChatsSection(Section):
    """Groups and channels."""

    edits: bool = Field(
        True,
        description="Answer links that are added by editing a message within two minutes.",
    )
    channels: bool = Field(
        False,
        description="Answer posts with links in channels in which the bot is an administrator. "
        "Anyone can add the bot to their channel.",
    )


class InlineSection(Section):
    """Inline mode (`@bot link`). In BotFather: /setinline, and /setinlinefeedback at 100 %."""

    storage_chat: int = Field(
        0,
        description="Id of a channel in which the bot may post. Files are uploaded there first, "
        "because inline messages accept no uploads. 0: no inline mode.",
    )
    _check_chat = field_validator("storage_chat")(_chat)
    everybody: bool = Field(
        True,
        description="Serve users who have never pressed /start. false: ask them to do so first.",
    )


class ButtonsSection(Section):
    """Optional buttons below a post in private chats, next to the audio button."""

    share: bool = Field(
        True,
        description="Show a button that sends the post to another chat. Requires inline mode.",
    )
    copy_link: bool = Field(False, description="Show a button that copies the link.")


class CaptionsSection(Section):
    """Captions of posts."""

    template: str = Field(
        "",
        description="Your own layout, in Telegram HTML with {text}, {author}, {site}, {source} and "
        "{bot} (docs/operating/administration.md). Empty: each chat's own order.",
    )

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        checked_template(value)
        return value


class BroadcastsSection(Section):
    """Messages from administrators to many chats, sent with /admin."""

    may_pay: bool = Field(
        False,
        description="Offer paid broadcasts: Telegram allows more than 30 messages per second for "
        "0.1 Stars per message, charged to the bot's balance.",
    )
    resume_minutes: int = Field(
        10,
        ge=0,
        description="A broadcast that is unfinished at the start goes on by itself only if its "
        "last progress is younger than this. An older one waits for an administrator.",
    )


class LimitsSection(Section):
    """Limits on requests, queues, media and time."""

    active_requests: int = Field(
        16, ge=1, le=500, description="Maximum number of requests served concurrently."
    )
    waiting_requests: int = Field(
        5_000, ge=0, description="Maximum number of requests that may wait in the queue."
    )
    waiting_links: int = Field(
        200,
        ge=1,
        description="Maximum number of links of one person that wait or are being served, over all "
        "chats. Further ones are refused, with a message that says how many.",
    )
    private_queue: int = Field(
        0,
        ge=0,
        description="Maximum number of messages with links that a user may have queued. 0: only "
        "waiting_links limits them.",
    )
    group_queue: int = Field(
        0,
        ge=0,
        description="Maximum number of messages with links that a group may have queued. 0: only "
        "waiting_links limits them.",
    )
    spam_guard: bool = Field(
        True,
        description="Flood protection: commands and talk of users who send more than 5 messages in "
        "5 seconds, and commands in groups with more than 20 per minute, are ignored for one "
        "minute, and for five if it happens again within an hour. Links are never ignored: they "
        "wait in the queue. An album counts as one message.",
    )
    patience_s: float = Field(
        2.5,
        gt=0,
        description="Requests that take longer (seconds) get a status note in private chats: place "
        "in the queue, progress, and a cancel button.",
    )
    max_duration_s: int = Field(
        0, ge=0, description="Longest video that is downloaded, in seconds. 0: no limit."
    )
    max_age_s: int = Field(
        3_600,
        ge=1,
        description="Requests older than this (seconds) after downtime get a notice instead of the "
        "download.",
    )
    links_per_message: int = Field(
        5,
        ge=1,
        description="Number of links of one message that are answered at once. A button fetches "
        "the others.",
    )
    list_items: int = Field(
        50,
        ge=0,
        le=200,
        description="Number of posts of a profile, playlist or album that are offered to choose "
        "from. 0: such a link gets a hint instead.",
    )
    group_items: int = Field(
        10,
        ge=1,
        description="Maximum number of pictures and videos per post in groups. Group "
        "administrators can choose another number.",
    )
    shrink_mb: int = Field(
        400,
        ge=0,
        description="Videos too large for Telegram are downloaded and re-encoded if they have at "
        "most this many MB. 0: never.",
    )
    split: bool = Field(
        False,
        description="Send videos that cannot be made small enough in parts, instead of refusing "
        "them.",
    )
    encode_s: int = Field(
        120,
        ge=1,
        description="Timeout for re-encoding one video, in seconds. Only one video is encoded at a "
        "time.",
    )
    request_budget_s: int = Field(
        300,
        ge=5,
        description="Time limit for finding and downloading one post, including all retries, in "
        "seconds.",
    )
    attempts: int = Field(
        3, ge=1, le=10, description="Maximum number of attempts per post, whatever the errors."
    )
    stall_s: int = Field(
        20, ge=1, description="Downloads that receive no data for this many seconds are aborted."
    )


class NetworkSection(Section):
    """Connections to the sites: proxies, cookies and circuit breakers."""

    proxy_file: Path | None = Field(
        None,
        description="File with one proxy URL per line (http, https, socks4, socks5, socks5h). "
        "Empty: connect directly.",
    )
    proxy_include_direct: bool = Field(
        False, description="Use the direct connection in addition to the proxies of the file."
    )
    proxy_pages_only: bool = Field(
        False, description="Use the proxies for pages only and download media files directly."
    )
    cookies_file: Path | None = Field(
        None,
        description="Cookie file in Netscape format, from a throw-away account, for sites whose "
        "cookies it has. Empty: none; see [identities], too.",
    )
    ca_file: Path | None = Field(
        None,
        description="CA certificates (PEM) to trust instead of the system's, for a proxy that "
        "inspects TLS.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        description="Circuit breaker: after failures at this many different posts in a row, a way "
        "to fetch from a site (one fetch method over one proxy) is paused.",
    )
    breaker_pause_s: int = Field(
        60, ge=1, description="Length of such a pause before the next attempt, in seconds."
    )
    impersonate: str = Field(
        "chrome",
        description="Browser whose TLS fingerprint is imitated, such as chrome, safari or "
        "chrome-146.",
    )

    _empty_is_none = field_validator("proxy_file", "cookies_file", "ca_file", mode="before")(
        _none_if_empty
    )
    _check_exists = field_validator("proxy_file", "cookies_file", "ca_file")(_existing_file)


class IdentitiesSection(Section):
    """Accounts of sites, each with its own cookies; administrators see them in /admin."""

    folder: Path = Field(
        Path("var/identities"),
        description="Folder with the accounts: <site>/<name>.txt is a cookie file in Netscape "
        "format. Administrators can also send such files in /admin.",
    )
    wait_s: float = Field(
        10,
        ge=0,
        description="Requests wait at most this long (seconds) for an account that others use, "
        "then they try without one.",
    )


class SitesSection(Section):
    """Supported sites."""

    allowed: tuple[str, ...] = Field(
        (
            "tiktok",
            "instagram",
            "threads",
            "x",
            "facebook",
            "pinterest",
            "reddit",
            "snapchat",
            "bluesky",
            "tumblr",
            "streamable",
            "twitch",
            "soundcloud",
            "bandcamp",
            "mixcloud",
            "dailymotion",
            "vk",
            "ok",
            "rutube",
            "loom",
        ),
        description="Names of the enabled sites, separated by commas, in the order shown to users. "
        "docs/sites.md has all of them; bilibili often refuses data centres, and youtube, vimeo, "
        "newgrounds and xiaohongshu need something else (docs/operating/fetching.md).",
    )

    _split = field_validator("allowed", mode="before")(_split_list)

    @field_validator("allowed")
    @classmethod
    def _check_sites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Every site is a public module (tests/test_house.py). Importing them takes a second.
        found = pkgutil.iter_modules([str(ROOT / "platforms")])
        known = sorted(module.name for module in found if not module.name.startswith("_"))
        if unknown := [name for name in value if name not in known]:
            named = ", ".join(f"{name}{_suggestion(name, known)}" for name in unknown)
            raise ValueError(f"no such site: {named}; available: {', '.join(known)}")
        if not value:
            raise ValueError(f"the list is empty; available: {', '.join(known)}")
        return value


class YtdlpSection(Section):
    """Live updates of yt-dlp between releases (docs/operating/fetching.md)."""

    update: bool = Field(
        False,
        description="Replace yt-dlp by newer releases while the bot runs: each is verified and "
        "tried first, and rolled back if downloads get worse.",
    )
    index_url: str = Field(
        "https://pypi.org",
        description="URL of the package index, without /simple. It must be https, except on this "
        "machine.",
    )
    folder: Path = Field(
        Path("var/yt-dlp"), description="Folder for the downloaded versions of yt-dlp."
    )

    @field_validator("index_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        url = _http_url(value)
        if not is_safe_url(url, url):
            raise ValueError("must be https, except on this machine")
        return url


class HelpersSection(Section):
    """External APIs that are used if a site refuses the bot."""

    cobalt_url: str = Field(
        "",
        description="URL of your own cobalt API (github.com/imputnet/cobalt). Empty: none.",
    )
    cobalt_key: SecretStr = Field(
        SecretStr(""), description="API key for cobalt, if required. Keep it in .env."
    )
    pot_url: str = Field(
        "",
        description="URL of your own service for YouTube's PO tokens "
        "(github.com/Brainicism/bgutil-ytdlp-pot-provider). Empty: none.",
    )
    rapidapi_url: str = Field(
        "https://instagram-downloader-download-instagram-stories-videos4.p.rapidapi.com/convert",
        description="URL of a RapidAPI method that returns the files of an Instagram post.",
    )
    rapidapi_key: SecretStr = Field(
        SecretStr(""),
        description="Your RapidAPI key. Empty: RapidAPI is not used. Keep it in .env.",
    )

    _check_url = field_validator("cobalt_url", "pot_url", "rapidapi_url")(_http_url_or_empty)


class AdsSection(Section):
    """Occasional ads in private chats: one text with one button."""

    link: str = Field(
        "", description="URL that the button of the built-in ad opens. Empty: no built-in ad."
    )
    file: Path | None = Field(
        None,
        description="JSON file with more ads: texts, buttons, languages and weights "
        "(docs/operating/administration.md).",
    )
    every: int = Field(3, ge=1, description="An ad is shown after this many downloads.")
    max_interval_h: int = Field(
        24,
        ge=1,
        description="An ad is also shown if this many hours have passed since the last one.",
    )
    min_interval_h: int = Field(
        0, ge=0, description="No ad is shown within this many hours of the last one."
    )
    grace_h: int = Field(
        0,
        ge=0,
        description="No ad is shown within this many hours of a user's first contact, nor with the "
        "first download. 0: no such period.",
    )

    _check_url = field_validator("link")(_http_url_or_empty)
    _empty_is_none = field_validator("file", mode="before")(_none_if_empty)
    _check_exists = field_validator("file")(_existing_file)


class StatisticsSection(Section):
    """Statistics with /stats."""

    readers: tuple[int, ...] = Field(
        (),
        description="Ids of users who may see the statistics, in addition to the administrators.",
    )
    board_chat: int = Field(
        0,
        description="Id of a chat in which the bot keeps two messages with live statistics up to "
        "date. 0: none.",
    )
    _check_people = field_validator("readers")(_people)
    _check_chat = field_validator("board_chat")(_chat)
    botstat_key: SecretStr = Field(
        SecretStr(""),
        description="Access key for BotStat. Administrators can then upload the ids of all chats "
        "there. Empty: not offered. Keep it in .env.",
    )
    botstat_url: str = Field("https://api.botstat.io", description="URL of the BotStat API.")

    _split = field_validator("readers", mode="before")(_split_list)
    _check_url = field_validator("botstat_url")(_http_url)


class WatchSection(Section):
    """Monitoring: health and metrics endpoints over HTTP, and alarms for administrators."""

    port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port of /healthz, /readyz and /metrics (Prometheus). 0: no HTTP server.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address that these endpoints listen on. They have no authentication: keep "
        "them on loopback or behind a proxy.",
    )
    failing_percent: int = Field(
        50,
        ge=0,
        le=100,
        description="Alarm if this percentage of a site's last 20 downloads failed because of the "
        "site, with a notice when it recovers. 0: never.",
    )
    quiet_minutes: int = Field(
        0,
        ge=0,
        description="Alarm if there was no download for this many minutes, again after twice that "
        "time, with a notice when downloads resume. 0: never.",
    )
    canaries: tuple[str, ...] = Field(
        (),
        description="Links of posts, one per site, separated by commas, that are fetched regularly "
        "as a test. Alarm if one fails, with a notice when it works again.",
    )
    canary_minutes: int = Field(
        60, ge=1, description="Interval between canary fetches, in minutes."
    )

    _split = field_validator("canaries", mode="before")(_split_list)

    @field_validator("canaries")
    @classmethod
    def _check_canaries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Whether a site is known for a link is found out at the start: that imports all sites.
        if wrong := [_masked(text) for text in value if not _LINK.fullmatch(text)]:
            raise ValueError(f"not a link: {', '.join(wrong)}")
        return value


class RunSection(Section):
    """What this process does, logging, process leases and shutdown."""

    roles: tuple[Role, ...] = Field(
        ("all",),
        description="What this process does. all: everything, alone. Or one or more of receiver "
        "(takes Telegram's updates), worker (answers requests) and scheduler (what is done "
        "periodically), comma-separated, for several processes of one PostgreSQL database.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Log level: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Log format: text for people, json for log collectors."
    )
    log_chat_ids: bool = Field(
        False,
        description="Log chat ids. false: log pseudonyms instead, which the /user command shows.",
    )
    lease_s: int = Field(
        15,
        ge=2,
        le=300,
        description="Lease: requests of a process that shows no sign of life for this many seconds "
        "are taken over by another process, or at the next start.",
    )
    drain_s: int = Field(
        60, ge=0, description="At shutdown, running requests get this many seconds to finish."
    )

    _split = field_validator("roles", mode="before")(_split_list)

    @field_validator("roles")
    @classmethod
    def _check_roles(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if not roles:
            raise ValueError("must name at least one role")
        if "all" in roles and len(roles) > 1:
            raise ValueError("all stands alone")
        return roles

    @property
    def is_fleet(self) -> bool:
        """Whether several processes share the work, each with its roles."""
        return "all" not in self.roles

    def has(self, role: Role) -> bool:
        """Return whether this process has a role."""
        return role in self.roles or not self.is_fleet


class Settings(BaseModel):
    """All settings. `settings["database"]["url"]` works as on the seed page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot: BotSection = BotSection()
    access: AccessSection = AccessSection()
    telegram: TelegramSection = TelegramSection()
    webhook: WebhookSection = WebhookSection()
    database: DatabaseSection = DatabaseSection()
    files: FilesSection = FilesSection()
    limits: LimitsSection = LimitsSection()
    chats: ChatsSection = ChatsSection()
    inline: InlineSection = InlineSection()
    buttons: ButtonsSection = ButtonsSection()
    captions: CaptionsSection = CaptionsSection()
    broadcasts: BroadcastsSection = BroadcastsSection()
    network: NetworkSection = NetworkSection()
    identities: IdentitiesSection = IdentitiesSection()
    sites: SitesSection = SitesSection()
    ytdlp: YtdlpSection = YtdlpSection()
    helpers: HelpersSection = HelpersSection()
    ads: AdsSection = AdsSection()
    statistics: StatisticsSection = StatisticsSection()
    watch: WatchSection = WatchSection()
    run: RunSection = RunSection()

    def __getitem__(self, section: str) -> Section:
        """Return one section by its name in config.ini.

        Raises:
            KeyError: there is no such section.
        """
        if section not in type(self).model_fields:
            raise KeyError(section)
        value: Section = getattr(self, section)
        return value


def load_settings(ini: Path, env_file: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings. The environment overrides .env, which overrides config.ini.

    Raises:
        SettingsError: one or more settings are invalid; it lists all of them by section and key.
    """
    mistakes: list[str] = []
    values, env = _read_values(ini, env_file, environ, mistakes)
    mistakes += [f"{env_file.name}: {sentence}" for sentence in unknown_names(env)]
    mistakes += _mistakes_in_writing(values)
    mistakes += _missing_for_fleet(values)
    mistakes += _webhook_mistakes(values)
    try:
        settings = Settings.model_validate(values, context=ini.parent)
    except ValidationError as error:
        # `from None`, because pydantic's report repeats the values, which may be secrets.
        mistakes += [
            _describe_mistake(entry["loc"], _plain(entry["type"], entry["msg"]), entry["input"])
            for entry in error.errors()
        ]
        raise SettingsError(mistakes) from None
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _read_values(
    ini: Path, env_file: Path, environ: Mapping[str, str], mistakes: list[str]
) -> tuple[dict[str, dict[str, str]], Mapping[str, str]]:
    """Return what is set, by section and key, unchecked, and the variables of the .env file.

    Append what is wrong with the form of the files.
    """
    names = _keys_by_name()
    values = read_ini(ini, mistakes)
    env = read_env(env_file, names.keys(), environ, mistakes)
    for name, (section, key) in names.items():
        # A secret of Kubernetes that was made from a file ends with its line break.
        value = environ[name].strip() if name in environ else env.get(name)
        if value is not None:
            values.setdefault(section, {})[key] = value
    return values, env


@cache
def load_default_settings() -> Settings:
    """Return the program's own settings, from config.ini and .env in `HOME` and environment.

    The result is cached.

    Raises:
        SettingsError: one or more settings are invalid.
    """
    try:
        settings = load_settings(HOME / "config.ini", HOME / ".env", _environ())
    except SettingsError as error:
        # There will be no log that warns of them.
        raise SettingsError([*error.mistakes, *unknown_default_names()]) from None
    return _below(HOME, settings)


def written_by_default(section: str, key: str) -> str:
    """Return what the program's own settings say for one of them, even if some are invalid.

    It is "" for what is not set, and for what cannot be read.
    """
    values, _ = _read_values(HOME / "config.ini", HOME / ".env", _environ(), [])
    return values.get(section, {}).get(key, "").strip()


def is_token_missing() -> bool:
    """Return True if the program has no token; False if it may be in a file in a wrong form."""
    mistakes: list[str] = []
    values, _ = _read_values(HOME / "config.ini", HOME / ".env", _environ(), mistakes)
    return not mistakes and not values.get("bot", {}).get("token", "").strip()


def describe_empty_token(advice: str = "") -> list[str]:
    """Return that the token is empty, and a sentence for each other name that it may have."""
    env = read_env(HOME / ".env", _keys_by_name().keys(), _environ(), [])
    names = {name for name in (*env, *_environ()) if name.upper() in _TOKEN_NAMES}
    # The others are named in any case.
    others = sorted(name for name in names if not unknown_names({name: ""}))
    return [
        f"[bot] token (BOT_TOKEN) is empty: ask @BotFather for one{advice}",
        *(f"{name} is not a setting{_meant(name.upper(), ())}" for name in others),
    ]


def unknown_default_names() -> list[str]:
    """Return a sentence for each variable of the program's environment that may be a mistake."""
    return unknown_names(_environ())


def doubtful_default_settings() -> list[str]:
    """Return a sentence for each of the program's own settings that probably means something else.

    Raises:
        SettingsError: one or more settings are invalid.
    """
    settings, names = load_default_settings(), _keys_by_name()
    # `describe_empty_token` names them, where a token is needed.
    named = set() if settings["bot"]["token"] else _TOKEN_NAMES
    env = read_env(HOME / ".env", names.keys(), _environ(), [])
    sources = [
        ("config.ini", _changed_in_ini(HOME / "config.ini")),
        (".env", env),
        ("the environment", _environ()),
    ]
    return [
        *keys_without_section({name: value for name, value in env.items() if name not in named}),
        *overridden(names, sources),
        *contradictions(settings),
        *relative_database(settings["database"]["url"], HOME),
    ]


def default_doubts() -> list[str]:
    """Return a sentence for each variable and setting that is not meant like that, probably.

    Raises:
        SettingsError: one or more settings are invalid.
    """
    return [*unknown_default_names(), *doubtful_default_settings()]


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that looks like a setting, but is none.

    In .env that is a mistake. The environment also has the variables of other programs, and those
    that Kubernetes sets for a service called "bot" or "database".
    """
    names = _keys_by_name()
    prefixes = tuple(f"{section.upper()}_" for section in Settings.model_fields)
    found = []
    for name in sorted(environ.keys() - names.keys() - _OF_OTHERS):
        suggestion = _suggestion(name.upper(), names, _ALMOST)
        is_ours = name.startswith(prefixes) and not _SERVICE_LINK.search(name)
        if is_ours or suggestion:
            found.append(f"{name} is not a setting{suggestion or _meant(name, names)}")
    return found


def _meant(name: str, known: Iterable[str]) -> str:
    """Return the question whether a known name is meant; "" if none is."""
    return ", did you mean BOT_TOKEN?" if name in _TOKEN_NAMES else _suggestion(name, known)


def keys_without_section(env: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name in .env that is a setting's name without its section."""
    known = _keys_by_name()
    meant = {
        name: [full for full, (_, key) in known.items() if key.upper() == name] for name in env
    }
    return [
        f".env: {name} is not a setting, did you mean {' or '.join(full)}?"
        for name, full in meant.items()
        if full and name not in known
    ]


def _changed_in_ini(ini: Path) -> dict[str, str]:
    """Return the values of a file that are not the defaults, by their names in the environment."""
    values = read_ini(ini, [])
    return {
        env_name(section, key): values[section][key]
        for section, key, default, _ in describe()
        if values.get(section, {}).get(key, default) != default
    }


def _below(folder: Path, settings: Settings) -> Settings:
    """Return the settings with absolute paths: every command finds the same files.

    The working directory is another one in a shell, in cron and in systemd.
    """
    sections = {}
    for name in Settings.model_fields:
        paths = {key: folder / path for key, path in settings[name] if isinstance(path, Path)}
        sections[name] = settings[name].model_copy(update=paths)
    return settings.model_copy(update=sections)


def _environ() -> Mapping[str, str]:
    return os.environ  # noqa: TID251 - the only place that reads the environment


def describe() -> list[tuple[str, str, str, str]]:
    """Return all settings as (section, key, default, description), for config.ini and the README.

    The default is written as in config.ini.
    """
    rows = []
    for name, section in Settings.model_fields.items():
        kind = section.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, Section)
        for key, field in kind.model_fields.items():
            rows.append((name, key, _as_ini(field.default), field.description or ""))
    return rows


def write_ini() -> str:
    """Return the text of config.ini, generated from the declarations above."""
    lines = [
        "# All settings of Clipferry with their defaults. Each one can also be set in .env or in",
        "# the environment: `[bot] token` is BOT_TOKEN there. The environment overrides .env, and",
        "# .env overrides this file. Keep secrets in .env or in the environment. This file is",
        "# generated by `make settings`.",
    ]
    current = ""
    for section, key, default, description in describe():
        if section != current:
            kind = Settings.model_fields[section].annotation
            lines += ["", "", f"[{section}]", f"# {(kind.__doc__ or '').strip()}"]
            current = section
        lines += ["", f"# {description}", f"{key} = {default}".rstrip()]
    return "\n".join(lines) + "\n"


def __getattr__(name: str) -> Settings:
    """Support `from data.config import config`, which the seed page documents.

    Raises:
        AttributeError: any other name.
    """
    if name == "config":
        return load_default_settings()
    raise AttributeError(name)


def _webhook_mistakes(values: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what is wrong with the webhook's settings taken together, as sentences."""
    telegram, webhook = values.get("telegram", {}), values.get("webhook", {})
    if telegram.get("updates") != "webhook":
        return []
    mistakes = []
    is_public = "api.telegram.org" in telegram.get("server", TelegramSection().server)
    if reason := url_mistake(webhook.get("url", ""), is_public=is_public):
        mistakes.append(_describe_mistake(("webhook", "url"), reason))
    if _share_port(webhook, values.get("watch", {})):
        mistakes.append(_describe_mistake(("watch", "port"), "is also the port of [webhook]"))
    if webhook.get("key") and not webhook.get("certificate"):
        reason = "is set, so the certificate must be set, too"
        mistakes.append(_describe_mistake(("webhook", "key"), reason))
    return mistakes


def _share_port(webhook: Mapping[str, str], watch: Mapping[str, str]) -> bool:
    """Return True if both servers would listen on one port of one address."""
    if webhook.get("port", str(WebhookSection().port)).strip() != watch.get("port", "").strip():
        return False
    hosts = webhook.get("host", WebhookSection().host), watch.get("host", WatchSection().host)
    is_any = "0.0.0.0" in hosts or "::" in hosts  # noqa: S104 - compared only
    is_one_family = (":" in hosts[0]) == (":" in hosts[1])
    return hosts[0] == hosts[1] or (is_any and is_one_family)


def _plain(kind: str, message: str) -> str:
    """Return pydantic's message in words for operators."""
    if kind in _WORDS:
        return _WORDS[kind]
    for theirs, ours in _PHRASES.items():
        message = message.replace(theirs, ours)
    return message


def env_name(section: str, key: str) -> str:
    """Return the environment variable of a setting: `[bot] token` is BOT_TOKEN."""
    return f"{section}_{key}".upper()


def _mistakes_in_writing(values: dict[str, dict[str, str]]) -> list[str]:
    """Return what is wrong with how values are written, and put in place what was meant."""
    mistakes = []
    for (section, key), writing in _writings().items():
        if key not in values.get(section, {}):
            continue
        value, wrong = as_meant(values[section].pop(key), writing)
        if value is not None:
            values[section][key] = value
        mistakes += [_describe_mistake((section, key), reason) for reason in wrong]
    return mistakes


def _writings() -> dict[tuple[str, str], Writing]:
    """Return how each setting is written, but the caption template, which may be anything."""
    found = {}
    for section, sections in Settings.model_fields.items():
        for key, field in getattr(sections.annotation, "model_fields", {}).items():
            is_path = field.annotation in {Path, Path | None}
            kind = "path" if is_path else "int" if field.annotation is int else ""
            # An empty host stands for all addresses, an empty path for the working directory.
            needs_value = (is_path or key in {"host", "impersonate"}) and field.default
            found[section, key] = Writing(kind, not needs_value)
    del found["captions", "template"]
    found["bot", "contact"] = Writing("text")
    return found


def _missing_for_fleet(values: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what several processes need and what is not there.

    It is read from the texts, so that it is listed beside the mistakes in other settings.
    """
    roles = _split_list(values.get("run", {}).get("roles", "all"))
    if not roles or roles == ["all"]:
        return []
    where, missing = f"[run] roles ({env_name('run', 'roles')})", []
    if not values.get("database", {}).get("url", "").startswith("postgres"):
        missing.append(f"{where}: roles other than all need PostgreSQL in [database] url")
    if find_spec("procrastinate") is None or find_spec("psycopg") is None:
        missing.append(
            f"{where}: roles other than all need the packages of requirements-fleet.txt: "
            "pip install --require-hashes -r requirements-fleet.txt"
        )
    return missing


def _keys_by_name() -> dict[str, tuple[str, str]]:
    return {env_name(section, key): (section, key) for section, key, *_ in describe()}


def _describe_mistake(location: tuple[int | str, ...], message: str, value: object = None) -> str:
    """Return pydantic's message with the setting's names in config.ini and in the environment.

    Our own messages ("Value error") name the wrong value; to pydantic's it is added, unless it is a
    secret.
    """
    section, *keys = (str(part) for part in location)
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    if not keys:
        return f"[{section}] is not a section{_suggestion(section.lower(), sections)}"
    key, kind = keys[0], sections[section]
    place = f"[{section}] {key} ({env_name(section, key)})"
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    if message == "Extra inputs are not permitted":
        return f"{place}: is not a setting{_suggestion(key, kind.model_fields)}"
    reason = message.removeprefix("Value error, ")
    if reason == message and isinstance(value, str) and (section, key) not in _secrets():
        reason = f"{reason}, not {_masked(value)!r}"
    return f"{place}: {_without_credentials(reason)}"


def _secrets() -> list[tuple[str, str]]:
    return [
        (section, key)
        for section, field in Settings.model_fields.items()
        for key, inner in getattr(field.annotation, "model_fields", {}).items()
        if inner.annotation is SecretStr
    ]


def _masked(value: str) -> str:
    """Return a wrong value for a message: shortened, and without what may be a secret.

    An operator who mixes up two lines has put a token or a password where a number belongs.
    """
    shown = _LONG_KEY.sub("***", _without_credentials(value))
    return shown if len(shown) <= _MAX_QUOTED else f"{shown[:_MAX_QUOTED]}…"


def _without_credentials(text: str) -> str:
    """Return a text without tokens of Telegram, and without user names and passwords of URLs."""
    return _NO_SCHEME.sub("***@", _PASSWORD.sub(r"\1***@", _TOKEN.sub("***", text)))


def _suggestion(name: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """Return the question whether the most similar known name is meant; "" if none is similar."""
    close = get_close_matches(name, known, n=1, cutoff=cutoff)
    return f", did you mean {close[0]}?" if close else ""


def _as_ini(default: object) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return "" if default is None else str(default)
