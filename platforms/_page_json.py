"""Find objects in the JSON documents that a page carries in its scripts."""

import json
from collections.abc import Iterator
from typing import Any, Final

#: Longest opening tag of a script, in characters.
_MAX_TAG: Final = 2_000


def objects_in(page: str, mark: str) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of the scripts that contain `mark`, outer ones first, in order.

    Scripts that are no JSON are skipped.
    """
    for script in _scripts(page):
        if mark in script:
            try:
                document = json.loads(script)
            except (ValueError, RecursionError):
                continue
            yield from objects_of(document)


def _scripts(page: str) -> Iterator[str]:
    """Yield the contents of the page's scripts of the type JSON."""
    position = 0
    while (start := page.find("<script", position)) >= 0:
        end_of_tag = page.find(">", start, start + _MAX_TAG)
        if end_of_tag < 0:
            position = start + 1
            continue
        end = page.find("</script", end_of_tag)
        if end < 0:
            return
        if "application/json" in page[start:end_of_tag]:
            yield page[end_of_tag + 1 : end]
        position = end


def objects_of(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document, outer ones first, in order."""
    # Without recursion: the depth is the site's choice.
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += reversed(value.values())
        elif isinstance(value, list):
            left += reversed(value)
