"""HTTP client for the operator's optional services: a cobalt instance and a RapidAPI provider."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from core.causes import words_for
from core.errors import PlatformChangedError, PlatformUnreachableError, TooLargeError
from platforms._body import ENCODINGS, read_body
from platforms._json import Json

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
#: Responses are short lists of URLs.
_MAX_ANSWER_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ExternalServices:
    """Addresses and keys of the operator's services."""

    #: Base URL of a cobalt API (https://github.com/imputnet/cobalt); empty if there is none.
    cobalt_url: str = ""
    cobalt_key: str = field(default="", repr=False)
    #: URL of the provider's endpoint that accepts `?url=`; used only if a key is set.
    rapidapi_url: str = ""
    rapidapi_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ExternalApis:
    """The APIs of the operator's services. Requests to them never go through a proxy."""

    session: aiohttp.ClientSession
    services: ExternalServices = ExternalServices()

    async def ask(
        self, method: str, url: str, headers: dict[str, str], **options: Any
    ) -> tuple[int, Any]:
        """Send a request and return the response's HTTP status and decoded JSON.

        `options` are passed to aiohttp's `ClientSession.request`.

        Raises:
            PlatformUnreachableError: the service did not respond.
            PlatformChangedError: the response is too large, or not JSON.
        """
        try:
            async with self.session.request(
                method,
                url,
                headers={**headers, "Accept-Encoding": ENCODINGS},
                timeout=_TIMEOUT,
                allow_redirects=False,
                **options,
            ) as response:
                pieces = [piece async for piece in read_body(response, _MAX_ANSWER_BYTES)]
                return response.status, _parse_json(b"".join(pieces))
        except TooLargeError:
            raise PlatformChangedError("the answer of an external API is too large") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The error's text is left out, because it may contain a URL with a key.
            reason = words_for(error) or type(error).__name__
            raise PlatformUnreachableError(f"{reason} at an external API") from error


async def po_token_version(session: aiohttp.ClientSession, url: str) -> str:
    """Return the version of the service for YouTube's PO tokens (`GET /ping`).

    Raises:
        PlatformError: it did not respond, or is something else.
    """
    status, answer = await ExternalApis(session).ask("GET", f"{url}/ping", {})
    version = Json(answer, "ping")["version"].text()
    if status != 200 or not version:
        raise PlatformChangedError(f"HTTP {status} instead of a version")
    return version


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PlatformChangedError("an external API did not respond with JSON") from error
