"""Referral payloads of deep links."""

import re
from typing import Final

#: Source: https://core.telegram.org/bots/features#deep-linking
_START: Final = re.compile(r"/start(?:@\w+)? ([a-z0-9_-]{1,64})\s*", re.ASCII | re.IGNORECASE)
#: Payloads that ask for something: the help, what is stored, and the way in where access is
#: restricted.
HELP: Final = "help"
PRIVACY: Final = "privacy"
ACCESS: Final = "access"


def read_referral(text: str | None) -> str | None:
    """Return the lower-cased referral of a /start command, or None for any other text."""
    payload = read_payload(text)
    return None if payload in {HELP, PRIVACY, ACCESS} else payload


def read_payload(text: str | None) -> str | None:
    """Return the lower-cased payload of a /start command, or None for any other text."""
    match = _START.fullmatch(text or "")
    return match[1].lower() if match else None
