"""Lines of link buttons, as people write them; mistakes are named by line."""

import pytest

from core.errors import CardReplyError
from core.link_buttons import Button, parse_buttons


def read(text: str) -> list[list[tuple[str, str]]]:
    return [[(button.label, button.url) for button in row] for row in parse_buttons(text)]


A, B = ("News", "https://a.example"), ("Shop", "https://b.example")


@pytest.mark.parametrize(
    "text",
    [
        "News - https://a.example",
        "News – a.example",
        "News — https://a.example",
        "News | a.example",
        "News: a.example",
        "News https://a.example",
        "News\thttps://a.example",
        "  News  -  a.example  ",
        "News -> a.example",
        "News (a.example)",
        "[News](https://a.example)".replace("](", "] ("),
        "News - HTTPS://a.example",
    ],
)
def test_a_button_is_a_label_and_an_address_whatever_is_between(text: str):
    assert read(text) == [[A]]


@pytest.mark.parametrize(
    "text",
    [
        "News - a.example | Shop - b.example",
        "News - https://a.example, Shop - https://b.example",
        "News | a.example | Shop | b.example",
        "News: a.example; Shop: b.example",
        "News a.example && Shop b.example",
    ],
)
def test_a_line_is_a_row_of_buttons(text: str):
    assert read(text) == [[A, B]]


def test_each_line_is_a_row_and_empty_lines_are_skipped():
    assert read("News - a.example\n\nShop - b.example\n") == [[A], [B]]


@pytest.mark.parametrize(
    ("text", "label", "url"),
    [
        ("Read – all — http://a.example/x?y=1#z", "Read – all", "http://a.example/x?y=1#z"),
        ("Node.js - nodejs.org", "Node.js", "https://nodejs.org"),
        ("example.org - https://example.org/x", "example.org", "https://example.org/x"),
        ("Join - @ferry_news", "Join", "https://t.me/ferry_news"),
        ("Chat - tg://resolve?domain=x", "Chat", "tg://resolve?domain=x"),
        ("Wiki - en.wikipedia.org/wiki/A_(b)", "Wiki", "https://en.wikipedia.org/wiki/A_(b)"),
        ("Новини - приклад.укр/а", "Новини", "https://приклад.укр/а"),
        ("24/7 - a.example:8080/x", "24/7", "https://a.example:8080/x"),
        ("x" * 64 + " - a.example", "x" * 64, "https://a.example"),
    ],
)
def test_labels_and_addresses_keep_what_belongs_to_them(text: str, label: str, url: str):
    assert parse_buttons(text) == ((Button(label, url),),)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("hello", "broadcast_no_link"),
        ("News - a.example and so on", "broadcast_no_link"),
        ("- a.example", "broadcast_no_label"),
        ("a.example", "broadcast_no_label"),
        ("News - https://a.example https://b.example", "broadcast_no_label"),
        ("x" * 65 + " - a.example", "broadcast_long_label"),
        ("News - ftp://a.example", "broadcast_bad_link"),
        ("News - https://localhost", "broadcast_bad_link"),
        (" | ".join(f"B{n} - a.example" for n in range(9)), "broadcast_wide_row"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_not_with_its_text(line: str, key: str):
    with pytest.raises(CardReplyError) as caught:
        parse_buttons(f"News - a.example\n{line}\nShop - b.example")
    assert caught.value.mistakes == ((2, key),)
    assert line not in str(caught.value)
    assert caught.value.detail == ""


def test_every_wrong_line_is_named():
    with pytest.raises(CardReplyError) as caught:
        parse_buttons("one\nNews - a.example\nx ftp://a.example")
    assert [line for line, _ in caught.value.mistakes] == [1, 3]


def test_a_message_has_room_for_twenty_buttons():
    rows = [" | ".join(f"B{n} - a.example" for n in range(5))] * 4
    assert sum(map(len, parse_buttons("\n".join(rows)))) == 20
    with pytest.raises(CardReplyError) as caught:
        parse_buttons("\n".join([*rows, "One - a.example"]))
    assert caught.value.mistakes == ((5, "broadcast_many_buttons"),)


@pytest.mark.parametrize("text", ["", " \n "])
def test_nothing_is_no_row(text: str):
    with pytest.raises(CardReplyError):
        parse_buttons(text)
