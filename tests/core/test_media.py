"""What a file is called that has no name of its own."""

from pathlib import Path

import pytest

from core.media import Access, AudioFile, Details, Post, named_after


@pytest.mark.parametrize(
    ("title", "performer", "details", "expected"),
    [
        ("Rain", "Ada", Details("bo", "A boat"), ("Rain", "Ada")),
        ("", "", Details("bo", "A boat\nat sea"), ("A boat", "bo")),
        ("Rain", "", Details("bo", "A boat"), ("Rain", "bo")),
        ("", "Ada", Details("bo", ""), ("7", "Ada")),
        ("", "", Details("", "x" * 65), ("x" * 64, "")),
        ("", "", Details("", "\nbelow"), ("7", "")),
    ],
)
def test_an_audio_file_is_named_after_its_post(
    title: str, performer: str, details: Details, expected: tuple[str, str]
):
    post = Post("demo", "7", "https://demo.example/7", Access("direct"), details)
    named = named_after(post, AudioFile(Path("a.m4a"), title, performer, 30, Path("a.jpg")))
    assert named == AudioFile(Path("a.m4a"), *expected, 30, Path("a.jpg"))
