"""The limits of the outside world and of the operator, as plain numbers."""

from typing import Final

#: Largest upload through the public Bot API server, in bytes.
#: Source: https://core.telegram.org/bots/api#sendvideo ("up to 50 MB").
PUBLIC_UPLOAD_BYTES: Final = 50 * 1_000_000
#: Largest upload through one's own Bot API server, in bytes.
#: Source: https://core.telegram.org/bots/api#using-a-local-bot-api-server ("up to 2000 MB").
LOCAL_UPLOAD_BYTES: Final = 2_000 * 1_000_000


def upload_ceiling(*, local_server: bool) -> int:
    """Give the largest file in bytes that the configured Bot API server takes."""
    return LOCAL_UPLOAD_BYTES if local_server else PUBLIC_UPLOAD_BYTES
