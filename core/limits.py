"""Upload limits of the Bot API server, in bytes."""

from typing import Final

#: Largest upload through the public Bot API server, in bytes.
#: Source: https://core.telegram.org/bots/api#sendvideo ("up to 50 MB").
PUBLIC_UPLOAD_BYTES: Final = 50 * 1_000_000
#: Largest upload through a self-hosted Bot API server, in bytes.
#: Source: https://core.telegram.org/bots/api#using-a-local-bot-api-server ("up to 2000 MB").
LOCAL_UPLOAD_BYTES: Final = 2_000 * 1_000_000


def upload_ceiling(*, local_server: bool) -> int:
    """Return the largest upload, in bytes, that the configured Bot API server accepts."""
    return LOCAL_UPLOAD_BYTES if local_server else PUBLIC_UPLOAD_BYTES
