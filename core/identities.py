"""Identities: the accounts of a site, each with its cookies and its health.

Which one is used, how long one rests, and which cookies of a file are kept.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final

from core.errors import (
    CookieFileError,
    CookiesExpiredError,
    CookiesOfOtherSitesError,
    CookiesTooLargeError,
    PlatformError,
    PlatformRateLimitedError,
)

#: Largest cookie file that is taken, in bytes.
MAX_FILE_BYTES: Final = 256_000
#: Name of the identity of each site whose cookies are in the file of `[network] cookies_file`.
FROM_SETTING: Final = "cookies_file"
#: Names of identities, which are also names of files.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,19}")

#: First line of a cookie file, which readers insist on.
#: Source: https://curl.se/docs/http-cookies.html
_HEADER: Final = "# Netscape HTTP Cookie File"
_EXIT: Final = re.compile(r"^# exit: *(\S+)[ \t]*$", re.MULTILINE)
#: Start of the line of a cookie that pages cannot read; any other line with # is a comment.
_HTTP_ONLY: Final = "#HttpOnly_"
#: Domain, whether its subdomains get the cookie, path, whether it needs https, expiry, name, value.
_FIELDS: Final = 7

#: Rest after the first refusal, in seconds; it doubles with each further one in a row.
_FIRST_REST_S: Final = 3_600
_LONGEST_REST_S: Final = 86_400
#: Refusals after which the rest is the longest one.
_DOUBLED: Final = 5


class Reason(StrEnum):
    """Why an identity rests."""

    REFUSED = "refused"
    LIMITED = "limited"
    ADMIN = "admin"

    @classmethod
    def of(cls, error: PlatformError) -> "Reason":
        """Return the reason that a site's error stands for."""
        return cls.LIMITED if isinstance(error, PlatformRateLimitedError) else cls.REFUSED


class IdentityState(StrEnum):
    """Whether an identity can be used, and if not, why."""

    READY = "ready"
    RESTS = "rests"
    #: All of its cookies have expired.
    EXPIRED = "expired"
    #: Its proxy is not in the list.
    NO_EXIT = "no_exit"


@dataclass(frozen=True, slots=True)
class Health:
    """What requests have shown about an identity; times are Unix times in seconds, 0 for never.

    Nothing is ever sent to a site to find it out.
    """

    used_at: float = 0
    worked_at: float = 0
    #: Refusals since it worked or was woken.
    refusals: int = 0
    #: Why it rests, or rested last; "" if it has not since it worked.
    reason: str = ""
    #: None: until somebody wakes it.
    rests_until: float | None = 0

    def used(self, now: float) -> "Health":
        """Return the health after the identity was chosen for a request."""
        return replace(self, used_at=now)

    def worked(self, now: float) -> "Health":
        """Return the health after the site has provided a post."""
        if self.rests_until is None:  # An administrator's word counts more.
            return replace(self, worked_at=now)
        return Health(self.used_at, worked_at=now)

    def refused(self, reason: Reason, now: float) -> "Health":
        """Return the health after a refusal: it rests, and longer each time."""
        if self.rests_until is None:
            return self
        rest_s = min(_FIRST_REST_S * 2 ** min(self.refusals, _DOUBLED), _LONGEST_REST_S)
        return replace(
            self, refusals=self.refusals + 1, reason=reason.value, rests_until=now + rest_s
        )

    def put_to_rest(self) -> "Health":
        """Return the health after an administrator has put the identity to rest."""
        return replace(self, reason=Reason.ADMIN.value, rests_until=None)

    def woken(self) -> "Health":
        """Return the health after an administrator has woken the identity."""
        return Health(self.used_at, self.worked_at)

    def is_resting(self, now: float) -> bool:
        """Return True if the identity must not be used."""
        return self.rests_until is None or now < self.rests_until

    def as_json(self) -> str:
        """Return the form that is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Health":
        """Return the health from its stored form; a new one if that is damaged."""
        try:
            values = json.loads(text)
            known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        except (ValueError, TypeError):
            return cls()
        if not all(map(_is_sound, known.items())):
            return cls()
        health = cls(**known)
        return health if health.reason or health.rests_until == 0 else cls()


def _is_sound(item: tuple[str, Any]) -> bool:
    name, value = item
    if name == "reason":
        return value == "" or value in list(Reason)
    return (value is None and name == "rests_until") or isinstance(value, int | float)


@dataclass(frozen=True, slots=True)
class Identity:
    """One account of a site."""

    #: Name of the platform.
    site: str
    name: str
    #: Name of the only proxy that it may use; "" for any.
    exit: str = ""
    #: Unix time at which its cookies were stored.
    added_at: float = 0
    #: Unix time at which the last of its cookies expires; None if some last for the session.
    expires_at: float | None = None
    health: Health = Health()

    @property
    def is_fixed(self) -> bool:
        """Return True if its cookies are those of the setting, which the bot does not change."""
        return self.name == FROM_SETTING

    def state(self, exits: Collection[str], now: float) -> IdentityState:
        """Return whether it can be used, with the names of all proxies."""
        if self.expires_at is not None and self.expires_at <= now:
            return IdentityState.EXPIRED
        if self.exit and self.exit not in exits:
            return IdentityState.NO_EXIT
        return IdentityState.RESTS if self.health.is_resting(now) else IdentityState.READY


def usable(identities: Iterable[Identity], exits: Collection[str], now: float) -> list[Identity]:
    """Return the identities that can be used, the least recently used one first."""
    ready = (one for one in identities if one.state(exits, now) is IdentityState.READY)
    return sorted(ready, key=lambda one: (one.health.used_at, one.name))


def has_trouble(identities: Sequence[Identity], exits: Collection[str], now: float) -> bool | None:
    """Return True if a site's identities have all failed, False if one is known to be fit.

    None if neither is known: one has rested long enough, but nobody knows what the site thinks of
    it now. It is not trouble if administrators have put them to rest themselves.
    """
    states = [(one, one.state(exits, now)) for one in identities]
    if any(state is IdentityState.READY and not one.health.refusals for one, state in states):
        return False
    if any(state is IdentityState.READY for _, state in states):
        return None
    failed = [
        one for one, state in states if state is not IdentityState.RESTS or one.health.refusals
    ]
    return True if failed else None


def is_name(text: str) -> bool:
    """Return True if an identity may be called so."""
    return _NAME.fullmatch(text) is not None and text != FROM_SETTING


def free_name(taken: Collection[str]) -> str:
    """Return the first number that is no identity's name."""
    return next(name for number in range(1, len(taken) + 2) if (name := f"{number}") not in taken)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A line of a cookie file."""

    domain: str
    #: Unix time; 0 if it lasts for the session.
    expires: int
    line: str = field(repr=False)

    def is_of(self, domains: Collection[str]) -> bool:
        """Return True if the cookie belongs to one of the domains, or to a subdomain."""
        return any(self.domain == one or self.domain.endswith(f".{one}") for one in domains)

    def has_expired(self, now: float) -> bool:
        """Return True if no site gets the cookie any more."""
        return 0 < self.expires <= now


def read_upload(data: bytes, domains: Collection[str], now: float) -> list[Cookie]:
    """Return the cookies of a site's domains in a file that somebody has sent.

    Raises:
        CookieFileError: the file is too large, has another format, or has no cookies that the site
            would accept.
    """
    if len(data) > MAX_FILE_BYTES:
        raise CookiesTooLargeError(f"{len(data)} bytes")
    try:
        cookies = read_cookies(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CookieFileError("not UTF-8") from None
    own = [cookie for cookie in cookies if cookie.is_of(domains)]
    if not own:
        raise CookiesOfOtherSitesError(f"{len(cookies)} cookies")
    fresh = [cookie for cookie in own if not cookie.has_expired(now)]
    if not fresh:
        raise CookiesExpiredError(f"{len(own)} cookies")
    return fresh


def read_cookies(text: str) -> list[Cookie]:
    """Return the cookies of a file in Netscape format.

    Raises:
        CookieFileError: the file has another format, or no cookies. Its content is not quoted.
    """
    # Not splitlines(), which also splits at characters that values may contain.
    lines = text.replace("\r\n", "\n").split("\n")
    cookies = [
        _read_line(line, number) for number, line in enumerate(lines, start=1) if _is_cookie(line)
    ]
    if not cookies:
        raise CookieFileError("no cookies")
    return cookies


def read_exit(text: str) -> str:
    """Return the name of the proxy that a cookie file asks for, or ""."""
    found = _EXIT.search(text)
    return found[1] if found else ""


def write_cookies(cookies: Iterable[Cookie], proxy_name: str = "") -> str:
    """Return the text of a cookie file; `proxy_name` is the only proxy that may be used."""
    exits = [f"# exit: {proxy_name}"] if proxy_name else []
    return "\n".join([_HEADER, *exits, *(cookie.line for cookie in cookies), ""])


def last_expiry(cookies: Iterable[Cookie]) -> float | None:
    """Return the Unix time at which the last cookie expires; None if some last for the session."""
    times = [cookie.expires for cookie in cookies]
    return None if 0 in times else max(times, default=0)


def _is_cookie(line: str) -> bool:
    if line.startswith(_HTTP_ONLY):
        return True
    return bool(line.strip()) and not line.strip().startswith(("#", "$"))


def _read_line(line: str, number: int) -> Cookie:
    """Parse a line, and write it anew in the form that every reader accepts.

    yt-dlp prints lines that it does not accept, with their values. Python's reader, which it uses,
    rejects a whole file, and quotes the line, if a domain with "TRUE" does not begin with a dot.
    Source: https://github.com/python/cpython/blob/3.11/Lib/http/cookiejar.py (MozillaCookieJar)
    """
    parts = line.split("\t")
    if len(parts) != _FIELDS:
        raise CookieFileError(f"line {number} has {len(parts)} fields")
    try:
        expires = max(int(float(parts[4] or 0)), 0)  # Some tools write -1 for a session.
    except (ValueError, OverflowError):
        raise CookieFileError(f"line {number} has no expiry") from None
    prefix = _HTTP_ONLY if line.startswith(_HTTP_ONLY) else ""
    host = parts[0].removeprefix(_HTTP_ONLY).lower()
    domain = host.lstrip(".")
    of_all = (f"{prefix}.{domain}", "TRUE")
    of_one = (f"{prefix}{domain}", "FALSE")
    scope = of_all if host != domain or parts[1].upper() == "TRUE" else of_one
    written = "\t".join([*scope, parts[2], parts[3].upper(), str(expires), *parts[5:]])
    return Cookie(domain, expires, written)
