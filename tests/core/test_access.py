"""Who may use the bot: entries of the list, listed people and groups, statuses of members."""

import pytest

from core.access import Visitor, is_inside, is_listed, read_entry


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123456", "123456"),
        (" -1001234567890 ", "-1001234567890"),
        ("9" * 18, "9" * 18),
        ("@Ada_Byron", "@ada_byron"),
        ("t.me/Ada_B", "@ada_b"),
        ("https://t.me/ada_b", "@ada_b"),
        ("\u2212100", "-100"),
        ("@" + "a" * 32, "@" + "a" * 32),
    ],
)
def test_an_entry_is_an_id_or_a_username(text: str, expected: str):
    assert read_entry(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@" + "a" * 33,
        "1 2",
        "https://example.org/ada",
        "t.me/+AbCdEf",
        "t.me/ada_b/5",
        "",
        "0",
        "-0",
        "+1",
        "9" * 19,
        "١٢٣",
        "²",
        "ada",
        "@",
        "@abc",
        "@1ada_b",
        "@ada byron",
        "@адам",
    ],
)
def test_everything_else_is_no_entry(text: str):
    assert read_entry(text) is None


@pytest.mark.parametrize(
    ("visitor", "expected"),
    [
        (Visitor(5), True),
        (Visitor(6), False),
        (Visitor(6, "Ada"), True),
        (Visitor(6, "adam"), False),
        (Visitor(6, "", -7), True),
        (Visitor(6, "", -8), False),
        (Visitor(6, "", -8, "Crew"), True),
        (Visitor(None), False),
        (Visitor(None, "", -7), True),
    ],
)
def test_a_person_or_the_group_is_listed(visitor: Visitor, expected: bool):
    assert is_listed(visitor, {"5", "-7", "@ada", "@crew"}) is expected


@pytest.mark.parametrize(
    ("status", "is_member", "expected"),
    [
        ("creator", False, True),
        ("administrator", False, True),
        ("member", False, True),
        ("restricted", True, True),
        ("restricted", False, False),
        ("left", False, False),
        ("left", True, False),
        ("kicked", True, False),
    ],
)
def test_restricted_people_may_be_members(status: str, is_member: bool, expected: bool):
    assert is_inside(status, is_member=is_member) is expected
