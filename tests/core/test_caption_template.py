"""Templates of captions: what they become, and which mistakes are named at the start."""

from dataclasses import replace

import pytest

from core.captions import CaptionContent, caption, checked_template
from simulator.telegram.markup import parse_html

FULL = CaptionContent("https://x.example/?a=1&b=2", "X", "Ann", "Hi <b>", "ferry_bot")
LINK = '<a href="https://x.example/?a=1&amp;b=2">'


def filled(template: str, **without: str) -> str:
    """Return the caption of a post that has everything, except for what is given."""
    content = replace(FULL, **without)  # type: ignore[arg-type]
    return caption(checked_template(template), content)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{text}\n{source}", f"Hi &lt;b&gt;\n{LINK}Ann · X</a>"),
        (r"{text}\n{source}", f"Hi &lt;b&gt;\n{LINK}Ann · X</a>"),
        ("{author}: {source}", f"Ann: {LINK}X</a>"),
        ("<b>{author}</b> ({site})", "<b>Ann</b> (X)"),
        (
            '<a href="{url}">open</a> {bot}',
            f'{LINK}open</a> <a href="https://t.me/ferry_bot">@ferry_bot</a>',
        ),
        ("Read {site}!\n\n{text}", "Read X!\n\nHi &lt;b&gt;"),
        ("&lt;{author}&gt;", "&lt;Ann&gt;"),
    ],
)
def test_values_are_put_in_and_escaped(template: str, expected: str):
    assert filled(template) == expected


@pytest.mark.parametrize(
    ("template", "without", "expected"),
    [
        ("{author} · {site} · {text}", {"author": ""}, "X · Hi &lt;b&gt;"),
        ("{author} · {site} · {text}", {"site": ""}, "Ann · Hi &lt;b&gt;"),
        ("{author} · {site} · {text}", {"text": ""}, "Ann · X"),
        ("{author} · {site}", {"author": "", "site": ""}, ""),
        ("👤 {author} | 🌐 {site}", {"author": ""}, "🌐 X"),
        ("by {author} on {site}", {"site": ""}, "by Ann"),
        ("by {author} on {site} now", {"author": "", "site": ""}, ""),
        ("({author}) – {site}", {"author": ""}, "X"),
        ("{site} ({author})", {"author": ""}, "X"),
        ("<b>{author}</b> · <i>{site}</i>", {"author": ""}, "<b></b><i>X</i>"),
        ("{author}\n{text}\n{site}", {"text": ""}, "Ann\nX"),
        ("{author}\n\n{text}\n\n{site}", {"text": ""}, "Ann\n\nX"),
        ("{author}\n\n{text}", {"text": ""}, "Ann"),
        ("{author}\n\n{text}", {"author": ""}, "Hi &lt;b&gt;"),
        ("<b>{author}\n{text}</b>\n{site}", {"text": ""}, "<b>Ann</b>\nX"),
        ("<i>{author}\n{text}</i>", {"author": ""}, "<i>Hi &lt;b&gt;</i>"),
        ("Mine\n{author}", {"author": ""}, "Mine"),
    ],
)
def test_what_is_empty_leaves_no_line_and_no_separator(
    template: str, without: dict[str, str], expected: str
):
    assert filled(template, **without) == expected
    parse_html(expected)


def test_a_quotation_may_have_its_own_lines():
    html = filled("<blockquote>\n{text}\n</blockquote>\n{site}")
    assert html == "<blockquote>Hi &lt;b&gt;</blockquote>\nX"


@pytest.mark.parametrize(
    ("template", "is_quoted"),
    [
        ("{text}\n{source}", True),
        ("{author}: {text}", False),
        ("<blockquote>{text}</blockquote>", False),
        ("<b>\n{text}\n</b>", False),
    ],
)
def test_only_a_text_in_lines_of_its_own_becomes_a_quotation(template: str, is_quoted: bool):
    assert ("<blockquote expandable>" in filled(template, text="long " * 99)) == is_quoted


def test_a_text_is_cut_so_that_the_template_fits():
    shown, _ = parse_html(filled("News &amp; more: {text}\n<i>{source}</i>", text="x" * 2_000))
    assert len(shown) == 1_024
    assert shown.endswith("…\nAnn · X")


@pytest.mark.parametrize(
    ("template", "mistake"),
    [
        ("{title}", "{title} is not one of {text}, {author}, {site}, {source}, {bot}"),
        ("{}", "{} is not one of"),
        ("{text} {text}", "{text} occurs twice"),
        ("a < b", 'write "<" as "&lt;"'),
        ("a & b", 'write "&" as "&amp;" in & b'),
        ("a &nbsp; b", 'write "&" as "&amp;" in &nbsp; b'),
        ("<h1>a</h1>", "<h1> is not a tag that Telegram knows"),
        ("<b>{text}", "<b> is not closed"),
        ("{text}</b>", "</b> does not close the last open tag"),
        ("<b><i>a</b></i>", "</b> does not close the last open tag"),
        ("<b><b>a</b></b>", "<b> cannot be inside <b>"),
        ("<code><i>a</i></code>", "<i> cannot be inside <code>"),
        ("<a>a</a>", "<a> needs href="),
        ('<a href="{bot}">a</a>', "needs href="),
        ('<a href="https://a.example">{source}</a>', "{source} is a link and cannot be inside <a>"),
        ("<code>{bot}</code>", "{bot} is a link and cannot be inside <code>"),
        ("x" * 513, "it has up to 513 characters without the text; 512 are allowed"),
        ("{author}" * 8 + "x", "it has up to 513 characters"),
    ],
)
def test_a_mistake_is_named(template: str, mistake: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        checked_template(template)
    assert mistake in str(caught.value)


@pytest.mark.parametrize(
    "template", ["", "x" * 512, "{author}" * 8, '<pre><code class="a">{text}</code></pre>']
)
def test_what_telegram_takes_is_taken(template: str):
    parse_html(caption(checked_template(template), FULL))
