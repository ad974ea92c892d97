"""The operator's other services: a cobalt of one's own, and a provider that is paid for."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from core.errors import PlatformChangedError, PlatformUnreachableError

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
#: Answers are lists of addresses; a longer one is none.
_MAX_ANSWER_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ExternalApis:
    """Where the helpers are, and how they are asked. They are asked directly, by no exit."""

    session: aiohttp.ClientSession
    #: Address of a cobalt API (github.com/imputnet/cobalt); empty without one.
    cobalt_url: str = ""
    cobalt_key: str = field(default="", repr=False)
    #: Address of the provider's method that takes `?url=`; used only with a key.
    rapidapi_url: str = ""
    rapidapi_key: str = field(default="", repr=False)

    async def ask(
        self, method: str, url: str, headers: dict[str, str], **options: Any
    ) -> tuple[int, Any]:
        """Send a request; give the answer's status and JSON.

        Raises:
            PlatformUnreachableError: no answer.
            PlatformChangedError: the answer is not JSON.
        """
        try:
            async with self.session.request(
                method, url, headers=headers, timeout=_TIMEOUT, allow_redirects=False, **options
            ) as response:
                body = await response.content.read(_MAX_ANSWER_BYTES)
                return response.status, _parsed(body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Not the error's text: it may hold an address with a key.
            raise PlatformUnreachableError(f"{type(error).__name__} at a helper") from error


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise PlatformChangedError("a helper does not answer with JSON") from error
