"""Referral payloads of deep links."""

import re

#: Source: https://core.telegram.org/bots/features#deep-linking
_START = re.compile(r"/start(?:@\w+)? ([A-Za-z0-9_-]{1,64})\s*")


def read_referral(text: str | None) -> str | None:
    """Return the lower-cased payload of a /start command, or None for any other text."""
    match = _START.fullmatch(text or "")
    return match[1].lower() if match else None
