"""Change what the simulated sites answer: JSON documents, those inside pages, and any text."""

import html
import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from aiohttp import web

from simulator.sites.web import Site
from tests.updates import paths_in

#: Values that sites do not send, among them such as lead elsewhere or cost much if believed.
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 10**40, 1e308, float("inf"), float("nan")),
    *("", " ", "0", "-1", "9" * 50, "NaN", "\ud83d", "\x00", "\u202e", "x" * 5_000, "null"),
    *("https://evil.example/a.mp4", "http://127.0.0.1/a", "//evil.example/a", "file:///etc/passwd"),
    *("https://[::1", "https://user@evil.example/", "javascript:0", "https://evil.example:x/"),
    *("https://evil.example\\.tiktok.com/a", "data:text/plain,x", "P1Y", "1:2:3:4:5"),
    *([], {}, [[]], [None], [{}], {"": None}, [1, "2", {"3": []}], {"a": {"a": {"a": {}}}}),
)
#: Shortest JSON object inside a page that is changed, in characters.
_SHORTEST: Final = 30
_ATTRIBUTE: Final = re.compile(r'(?<==")\{&quot;[^"]*(?=")')


def mutant(rng: random.Random, document: Any) -> Any:
    """Return a copy of a JSON document in which one to four parts are changed."""
    changed = {"": deepcopy(document)}
    for _ in range(rng.randint(1, 4)):
        paths = list(paths_in(changed))
        *above, key = rng.choice(paths)
        part: Any = changed
        for step in above:
            part = part[step]
        match rng.choice(("delete", "replace", "replace", "move", "wrap", "repeat", "inner")):
            case "delete" if above:
                del part[key]
            case "move":
                part[key] = deepcopy(_at(changed, rng.choice(paths)))
            case "wrap":
                part[key] = rng.choice(([part[key]], {"value": part[key]}))
            case "repeat" if isinstance(part[key], list):
                part[key] = part[key] * rng.choice((2, 50))
            case "inner" if isinstance(part[key], str) and part[key].startswith(("{", "[")):
                part[key] = mutated_text(rng, part[key])
            case _:
                part[key] = deepcopy(rng.choice(VALUES))
    return changed.get("")


def mutated_text(rng: random.Random, text: str) -> str:
    """Return a text in which a JSON document, or anything else, is changed."""
    if rng.random() < 0.1:
        return _damaged(rng, text)
    try:
        return json.dumps(mutant(rng, json.loads(text)))
    except ValueError:
        pass
    documents = list(_documents(text))
    if not documents:
        return _damaged(rng, text)
    start, end, document, is_escaped = rng.choice(documents)
    changed = json.dumps(mutant(rng, document))
    return text[:start] + (html.escape(changed) if is_escaped else changed) + text[end:]


class MutatedSite:
    """Another site whose texts are changed on the way."""

    def __init__(self, inner: Site) -> None:
        self._inner = inner
        #: Decides what is changed; None changes nothing.
        self.rng: random.Random | None = None

    def serves(self, host: str) -> bool:
        """Return True if the other site serves the host."""
        return self._inner.serves(host)

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        """Answer a request as the other site does, or nearly."""
        try:
            response = await self._inner.answer(request, proxy_name)
        except Exception:  # noqa: BLE001 - the site was asked for what it does not have
            return web.Response(status=500)
        if self.rng is None or not isinstance(response, web.Response) or not response.text:
            return response
        text = mutated_text(self.rng, response.text)
        return web.Response(
            status=response.status,
            body=text.encode(errors="surrogatepass"),
            content_type=response.content_type,
        )


def _documents(text: str) -> Iterator[tuple[int, int, Any, bool]]:
    """Yield the JSON objects in a page: their place, value, and whether they are escaped."""
    for found in _ATTRIBUTE.finditer(text):
        try:
            yield found.start(), found.end(), json.loads(html.unescape(found[0])), True
        except ValueError:
            continue
    decoder, position = json.JSONDecoder(), text.find("{")
    while position >= 0:
        try:
            document, end = decoder.raw_decode(text, position)
        except ValueError:
            end = position + 1
        else:
            if end - position >= _SHORTEST:
                yield position, end, document, False
        position = text.find("{", end)


def _damaged(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    end = min(start + rng.choice((0, 1, 10, 1_000)), len(text))
    middle = rng.choice(("", text[start:end] * 2, "\x00", "\ud83d", '"', "{", "]", "<!--", "&#x0;"))
    return text[:start] + middle + text[end:]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value
