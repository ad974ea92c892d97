"""DASH manifests that stand for billions of segments: they are read in no time and memory."""

import time
import tracemalloc
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor

from platforms._dash import shorten

#: yt-dlp's method that lists what a manifest has.
PARSE = "_parse_mpd_formats"
PERIOD = 'mediaPresentationDuration="PT100000H"'


def manifest(inner: str, duration: str = PERIOD) -> str:
    return (
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {duration}><Period>'
        f'<AdaptationSet mimeType="video/mp4">{inner}</AdaptationSet></Period></MPD>'
    )


def formats(text: str) -> list[dict[str, Any]]:
    """Return what yt-dlp reads in a manifest after it was shortened."""
    extractor = InfoExtractor(YoutubeDL({"quiet": True}, auto_init=False))
    document = shorten(ET.fromstring(text))
    found: list[dict[str, Any]] = getattr(extractor, PARSE)(document)
    return found


ONE = '<Representation id="1" codecs="avc1.64001f" bandwidth="900000"/>'
#: Most of a page.
LONG = "a" * 3_000_000
TEMPLATE = '<SegmentTemplate media="$Number$" timescale="1000000" {}/>'


@pytest.mark.parametrize(
    "inner",
    [
        TEMPLATE.format('duration="1"') + ONE,
        '<SegmentTemplate media="$Number$" timescale="1000000" duration="1" startNumber="1"/>'
        + ONE * 5_000,
        f'<SegmentTemplate media="$Time$"><SegmentTimeline><S d="1" r="{10**12}"/>'
        f"</SegmentTimeline></SegmentTemplate>{ONE}",
        '<SegmentTemplate media="$Number$"><SegmentTimeline>'
        + '<S d="1"/>' * 20_000
        + f"</SegmentTimeline></SegmentTemplate>{ONE * 2_000}",
        "<SegmentList>" + '<SegmentURL media="x"/>' * 20_000 + f"</SegmentList>{ONE * 2_000}",
        f'<SegmentTemplate media="$Number%0999999999d$" duration="1"/>{ONE}',
        f'<SegmentTemplate media="x" initialization="$Bandwidth%0999999999d$" duration="1"/>{ONE}',
        ONE * 100_000,
        "<Representation><BaseURL>https://a.example/a.mp4</BaseURL></Representation>" * 20_000,
    ],
    ids=[
        *("short segments", "in each representation", "repeated", "listed", "as URLs"),
        *("a wide number", "a wide bandwidth", "representations", "files"),
    ],
)
def test_a_manifest_of_billions_of_segments_costs_nothing(inner: str):
    text = manifest(inner)
    extractor = InfoExtractor(YoutubeDL({"quiet": True}, auto_init=False))
    document = ET.fromstring(text)
    tracemalloc.start()
    began_at = time.thread_time()
    try:
        found = getattr(extractor, PARSE)(shorten(document))
    except (KeyError, ValueError):  # not even yt-dlp can read it
        found = []
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20_000_000
    assert time.thread_time() - began_at < 30
    assert len(found) <= 200


def test_what_is_downloaded_stays():
    """Files in one piece have their URLs, and those in segments are still told from them."""
    file = (
        '<Representation id="f" codecs="avc1.64001f" width="576" height="1024">'
        "<BaseURL>https://a.example/a.mp4</BaseURL></Representation>"
    )
    parts = (
        '<Representation id="p" codecs="avc1.64001f">'
        '<SegmentTemplate media="https://a.example/$Number$" duration="4" startNumber="7"/>'
        "</Representation>"
    )
    whole, in_parts = formats(manifest(file + parts, 'mediaPresentationDuration="PT40S"'))
    assert (whole["url"], whole["width"], "fragments" in whole) == (
        "https://a.example/a.mp4",
        576,
        False,
    )
    assert len(in_parts["fragments"]) == 1


@pytest.mark.parametrize("unit", "HMS")
def test_a_short_text_may_stand_for_a_long_time(unit: str):
    """As many segments as fit into it would fill the memory."""
    template = '<SegmentTemplate media="$Number$" duration="4"/>'
    text = manifest(template + ONE, f'mediaPresentationDuration="PT{"9" * 34}{unit}"')
    assert [len(found["fragments"]) for found in formats(text)] == [1]


@pytest.mark.parametrize(
    ("short", "long"),
    [("<Period>", f"<Period><BaseURL>{LONG}/</BaseURL>"), ("video/mp4", f"video/{LONG}")],
    ids=["address", "type"],
)
def test_long_values_are_not_copied_into_each_representation(short: str, long: str):
    file = '<Representation codecs="avc1" width="{}"><BaseURL>a.mp4</BaseURL></Representation>'
    text = manifest("".join(map(file.format, range(300)))).replace(short, long)
    tracemalloc.start()
    try:
        found = formats(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == 200
    assert peak < 40_000_000


def test_a_long_duration_is_no_duration():
    text = manifest(ONE, f'mediaPresentationDuration="PT{"1" * 5_000}S"')
    document = shorten(ET.fromstring(text))
    assert document.get("mediaPresentationDuration") is None
