"""The self-test of yt-dlp: it passes with the installed one, and names what does not work."""

from typing import Any

import pytest
from yt_dlp.extractor.streamable import StreamableIE
from yt_dlp.extractor.tiktok import TikTokIE
from yt_dlp.utils import ExtractorError

from platforms._self_test import self_test


def test_the_installed_version_passes():
    assert self_test() == []


def test_a_missing_extractor_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr("yt_dlp.extractor.twitch.TwitchClipsIE")
    (problem,) = self_test()
    assert problem.startswith("twitch: AttributeError")


def test_an_extractor_that_finds_another_file_is_named(monkeypatch: pytest.MonkeyPatch):
    def extract(self: StreamableIE, url: str) -> dict[str, Any]:
        return {"id": "1", "formats": [{"url": "https://cdn.streamable.com/2.mp4"}]}

    monkeypatch.setattr(StreamableIE, "_real_extract", extract)
    assert self_test() == ["streamable: another file was found"]


def test_an_extractor_that_fails_is_named(monkeypatch: pytest.MonkeyPatch):
    def fail(*_args: object, **_options: object) -> None:
        raise ExtractorError("changed")

    monkeypatch.setattr(TikTokIE, "_extract_web_data_and_status", fail)
    problems = self_test()
    # The stored page is not read, and the site is not even asked.
    assert len(problems) == 2
    assert all(problem.startswith("tiktok: PlatformChangedError") for problem in problems)
