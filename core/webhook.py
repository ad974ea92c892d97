"""The webhook: its secret, and whether what Telegram has is what is wanted."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

#: Telegram accepts 1 to 256 of these characters; a short secret could be guessed.
#: Source: https://core.telegram.org/bots/api#setwebhook
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,256}")
#: Ports that Telegram's own server connects to. Source: as above.
_PORTS: Final = (443, 80, 88, 8443)
#: Errors that Telegram reports count as present for this long, in seconds: it repeats a failed
#: update after two minutes at the latest.
_RECENT_S: Final = 180
#: The header with the secret. Source: as above.
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class WebhookState:
    """A webhook as Telegram describes it; the secret is not part of that."""

    #: Empty if none is set.
    url: str = ""
    max_connections: int = 0
    allowed_updates: frozenset[str] = frozenset()
    has_certificate: bool = False

    def is_at(self, url: str) -> bool:
        """Return True if the webhook has this address."""
        return bool(self.url and url) and _normalised(self.url) == _normalised(url)


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """The webhook as Telegram describes it, and how deliveries go."""

    state: WebhookState = WebhookState()
    #: Updates that Telegram has not delivered yet.
    pending: int = 0
    #: Unix time of the last failed delivery; 0 if there was none.
    failed_at: int = 0
    #: Why it failed, in Telegram's words.
    failure: str = ""

    @property
    def details(self) -> list[str]:
        """Return the facts of the report as lines of text."""
        lines = [f"pending updates: {self.pending}"]
        if self.failed_at:
            when = datetime.fromtimestamp(self.failed_at, UTC).isoformat(timespec="seconds")
            lines.append(f"last error of Telegram, {when}: {self.failure}")
        return lines


def is_webhook_secret(text: str) -> bool:
    """Return True if Telegram accepts the secret, and it is too long to be guessed."""
    return bool(_SECRET.fullmatch(text))


def derive_secret(token: str) -> str:
    """Return a secret that every process with this token derives, and nobody else can."""
    return hmac.new(token.encode(), b"clipferry webhook secret", hashlib.sha256).hexdigest()


def secrets_match(given: str, secret: str) -> bool:
    """Return True if a request has the secret. The time taken does not depend on where they differ.

    `given` comes from outside, and may hold any characters.
    """
    return hmac.compare_digest(given.encode(errors="surrogateescape"), secret.encode())


def url_mistake(url: str, *, is_public: bool) -> str | None:
    """Return why a URL cannot be a webhook's, or None. `is_public`: of Telegram's own server.

    Only an operator's own Bot API server connects to addresses without TLS, and to all ports.
    """
    if not url:
        return "is empty, so that Telegram has no address for updates"
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return None  # reported elsewhere: it is no URL at all, or no port has that number
    if is_public and parts.scheme == "http":
        return "must be an https address"
    is_reached = not is_public or port in {None, *_PORTS}
    return None if is_reached else f"must have one of the ports {', '.join(map(str, _PORTS))}"


def fingerprint(url: str, secret: str, certificate: bytes = b"") -> str:
    """Return what tells a webhook from any other without revealing its secret."""
    parts = (_normalised(url), hashlib.sha256(certificate).hexdigest())
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def problem_of(report: WebhookReport, url: str) -> str | None:
    """Return why no updates can arrive at the address `url`, or None.

    Failed deliveries are none: a balancer that asks whether this process is ready would otherwise
    keep the deliveries away that show it.
    """
    if not report.state.url:
        return "the webhook has been removed; a restart sets it again"
    if not report.state.is_at(url):
        return "the webhook has another address; a restart sets it again"
    return None


def failure_of(report: WebhookReport, now: float) -> str | None:
    """Return why Telegram could not deliver what is pending, or None."""
    if report.pending and now - report.failed_at < _RECENT_S:
        return f"Telegram cannot deliver updates: {report.failure}"
    return None


def _normalised(url: str) -> str:
    """Return the URL as Telegram writes it: with a path, without the port that is the default."""
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in {None, default} else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}{query}"
