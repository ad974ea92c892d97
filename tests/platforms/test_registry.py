"""Finding links in what people write."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.links import EXAMPLES, REGISTRY, draw


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_belongs_to_exactly_one_platform(example: str):
    assert len([p for p in REGISTRY.by_name.values() if p.find(example)]) == 1


@given(
    example=st.sampled_from(EXAMPLES),
    before=st.sampled_from(["", "look: ", "(", "«", "смотри👉 ", "a\n", "[x] "]),
    after=st.sampled_from(["", ".", ")", "!", " wow", "\nнижче", "»", ", ok?", "]}", "…"]),
)
def test_links_are_found_inside_any_text(example: str, before: str, after: str):
    links = REGISTRY.find_all(f"{before}{example}{after}")
    assert [link.url.rstrip("/") for link in links] == [example.rstrip("/")]


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_links_of_every_form_are_found_and_their_look_alikes_are_not(dice: random.Random):
    sample = draw(dice)
    links = REGISTRY.find_all(sample.text)
    assert [link.platform for link in links] == ([sample.platform] if sample.platform else [])


#: Text in all scripts, with pieces of URLs in between.
_PIECES = st.sampled_from(
    (
        *("https://", "http://", "www.", "tiktok.com", "/@a/video/", "instagram.com/p/", "@"),
        *(":80", "?", "#", "%2F", "\u200b", "\u202e", "[", "]", "..", "//", "xn--", "1" * 30),
        *("\x00", "\ud800"),
    )
)


@pytest.mark.long
@pytest.mark.slow
@settings(max_examples=8_000)
@given(st.tuples(st.text(max_size=12), _PIECES, _PIECES, st.text(max_size=12)).map("".join))
def test_any_text_is_read_without_a_crash_and_leads_to_no_other_host(text: str):
    for link in REGISTRY.find_all(text, [text]):
        platform = REGISTRY[link.platform]
        assert platform.page_hosts.allows(link.url)
        assert "\n" not in link.url


LINK = "www.tiktok.com/@a/video/1"


@pytest.mark.parametrize(
    "text",
    [
        f"https:/{LINK}",
        f"https//{LINK}",
        f"https:{LINK}",
        f"ttps://{LINK}",
        f"s://{LINK}",
        f"see ://{LINK}",
        f"//{LINK}",
        f"https：／／{LINK}",
        f"ｈｔｔｐｓ://{LINK}",
        f"look：{LINK}。",
        "ｗｗｗ．ｔｉｋｔｏｋ．ｃｏｍ／@a/video/1",
    ],
)
def test_mistyped_cut_off_and_full_width_links_are_read(text: str):
    assert [link.url for link in REGISTRY.find_all(text)] == [f"https://{LINK}"]


@pytest.mark.parametrize(
    "text",
    [f"ftp://{LINK}", f"a//{LINK}", f"file:///{LINK}", f"https://evil.example//{LINK}", f"@{LINK}"],
)
def test_other_schemes_and_paths_are_no_links(text: str):
    assert REGISTRY.find_all(text) == []


def test_hidden_schemeless_and_shouted_links_count_and_a_post_counts_once():
    links = REGISTRY.find_all(
        "HTTPS://WWW.TIKTOK.COM/@a/video/1 https://tiktok.com/@b/photo/1?x=2",
        ["tiktok.com/@c/video/2", "https://vm.tiktok.com/Zx/", "example.com"],
    )
    assert [link.post_id for link in links] == ["1", "2", None]


def test_a_url_that_was_looked_at_before_is_not_looked_at_again():
    url = "https://www.tiktok.com/@ferry.demo/video/7300000000000000001"
    assert REGISTRY.find(url) is REGISTRY.find(url)
