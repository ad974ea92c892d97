"""Lists and sizes in the words of every language."""

import pytest

from core.facts import Fact, FileSize
from misc.ui.formats import format_fact, format_list, format_size
from misc.ui.texts import Texts

SITES = ("TikTok", "Instagram", "YouTube")
LISTS = {
    "ar": "TikTok أو Instagram أو YouTube",
    "en": "TikTok, Instagram, or YouTube",
    "hi": "TikTok, Instagram या YouTube",
    "id": "TikTok, Instagram, atau YouTube",
    "ru": "TikTok, Instagram или YouTube",
    "so": "TikTok, Instagram ama YouTube",
    "uk": "TikTok, Instagram або YouTube",
    "vi": "TikTok, Instagram hoặc YouTube",
}


@pytest.mark.parametrize("language", sorted(LISTS))
def test_a_list_ends_with_or(language: str):
    assert format_list(SITES, language) == LISTS[language]


def test_short_lists_need_no_comma():
    assert format_list((), "en") == ""
    assert format_list(("TikTok",), "en") == "TikTok"
    assert format_list(("TikTok", "X"), "en") == "TikTok or X"


@pytest.mark.parametrize(
    ("language", "kilobytes", "gigabytes"),
    [
        ("ar", "420 كيلوبايت", "1.2 غ.ب"),
        ("en", "420 KB", "1.2 GB"),
        ("hi", "420 KB", "1.2 GB"),
        ("id", "420 KB", "1,2 GB"),
        ("ru", "420 кБ", "1,2 ГБ"),
        ("so", "420 KB", "1.2 GB"),
        ("uk", "420 кБ", "1,2 ГБ"),
        ("vi", "420 KB", "1,2 GB"),
    ],
)
def test_a_size_has_the_unit_and_the_decimal_sign_of_the_language(
    language: str, kilobytes: str, gigabytes: str
):
    sizes = [format_size(FileSize(number), language) for number in (420_000, 1_200_000_000)]
    expected = [kilobytes, gigabytes]
    assert sizes == [text.replace(" ", "\N{NO-BREAK SPACE}") for text in expected]


def test_other_facts_stay_as_they_are():
    assert format_fact("84 MB", "ru") == "84 MB"
    assert format_fact(1_000, "ru") == "1000"


def test_facts_are_formatted_in_the_language_of_the_text():
    text = {"limit": "{size} {sites}"}
    texts = Texts({"ru": text, "en": text})
    facts: dict[str, Fact] = {"size": FileSize(84_000_000), "sites": ("A", "<B>")}
    assert texts("ru", "limit", **facts) == "84\N{NO-BREAK SPACE}МБ A или &lt;B&gt;"
    assert texts("xx", "limit", **facts) == "84\N{NO-BREAK SPACE}MB A or &lt;B&gt;"
