"""Shorten DASH manifests before yt-dlp reads them.

yt-dlp lists every segment of a manifest, and a few bytes can stand for billions of segments, or for
names of a billion characters. Only files in one piece are downloaded, so that of each list of
segments nothing matters but that there is one. Source of the format: ISO/IEC 23009-1.
"""

from typing import Any, Final
from xml.etree.ElementTree import Element  # types only: yt-dlp has parsed the document

#: Representations of one manifest that are read; real ones have at most a few dozen.
_MAX_REPRESENTATIONS: Final = 200
#: Attributes of lists of segments, and their values for a single segment that is longer than any
#: duration of `_MAX_DURATION` characters.
_SINGLE: Final = {"duration": "1e300", "timescale": "1", "startNumber": "1"}
#: Durations are written in a few characters, such as "PT1H2M3.5S".
_MAX_DURATION: Final = 40
#: Longest attribute and address, in characters; yt-dlp copies them into each representation.
_MAX_VALUE: Final = 8_000


def shorten(manifest: Any) -> Any:
    """Reduce every list of segments in a manifest's document to one; return the document."""
    left = _MAX_REPRESENTATIONS
    for element in list(manifest.iter()):
        _cut_values(element)
        match _name(element):
            case "MPD" | "Period":
                _drop_long_durations(element)
            case "AdaptationSet":
                left -= _keep(element, "Representation", left)
            case "SegmentTimeline":
                _keep(element, "S", 1)
            case "S":
                element.attrib.pop("r", None)
            case "SegmentList" | "SegmentTemplate":
                _keep(element, "SegmentURL", 1)
                _shorten_names(element)
    return manifest


def _name(element: Element) -> str:
    """Return the name of an element without its namespace; empty for comments and the like."""
    tag: Any = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _keep(element: Element, name: str, most: int) -> int:
    """Remove all children of a name but the first `most`; return the number that is left."""
    named = [child for child in element if _name(child) == name]
    extra = set(map(id, named[most:]))
    if extra:
        # One by one it would take quadratic time.
        element[:] = [child for child in element if id(child) not in extra]
    return len(named) - len(extra)


def _cut_values(element: Element) -> None:
    element.text = element.text and element.text[:_MAX_VALUE]
    for name, value in element.items():
        if len(value) > _MAX_VALUE:
            element.set(name, value[:_MAX_VALUE])


def _drop_long_durations(element: Element) -> None:
    for name in ("mediaPresentationDuration", "duration"):
        if len(element.get(name, "")) > _MAX_DURATION:
            del element.attrib[name]


def _shorten_names(element: Element) -> None:
    attributes = element.attrib
    attributes.update({name: value for name, value in _SINGLE.items() if name in attributes})
    if "media" in attributes:
        attributes["media"] = "$Number$" if "$Number" in attributes["media"] else "$Time$"
    if "initialization" in attributes:
        attributes["initialization"] = "start"
