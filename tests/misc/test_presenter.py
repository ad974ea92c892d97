"""What stands below a post that is more than one answer."""

from typing import cast

import pytest

from core.errors import ClipferryError, MediaDeletedError, TooLargeError
from core.media import Picture
from core.request import Continuation, Request
from delivery.sender import Sender
from misc.ui.caption_writer import CaptionWriter
from misc.ui.keyboards import Extras
from misc.ui.presenter import ChatPresenter, PresenterFactory
from misc.ui.texts import load_texts
from tests.fakes import make_post, make_request

PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(50))


def presenter_of(request: Request) -> ChatPresenter:
    sender = cast("Sender", None)
    writer = CaptionWriter("demo_bot", {}, None)
    factory = PresenterFactory(load_texts(), sender, "demo_bot", (), frozenset(), Extras(), writer)
    return factory.presenter_of(request)


@pytest.mark.parametrize(
    ("continuation", "shown", "buttons"),
    [(None, 35, ["zip", "rest"]), (Continuation(35), 10, ["rest"]), (Continuation(35), 15, [])],
)
def test_an_archive_is_offered_where_it_begins(
    continuation: Continuation | None, shown: int, buttons: list[str]
):
    presenter = presenter_of(make_request(continuation=continuation))
    markup = presenter.options(make_post(*PICTURES), shown=shown, missing=0).buttons
    data = [
        b.callback_data or "" for row in (markup.inline_keyboard if markup else []) for b in row
    ]
    assert [one.partition("/")[0] for one in data] == buttons


@pytest.mark.parametrize(
    ("places", "missing", "caption"),
    [
        ((1, 10), 0, ""),
        ((1, 7), 0, "1–7 of 10"),
        ((8, 8), 0, "8 of 10"),
        (
            (1, 10),
            2,
            "2 posts couldn't be downloaded in full. missing.txt in the ZIP file says why.",
        ),
    ],
)
def test_the_caption_of_a_part_says_what_it_has(
    places: tuple[int, int], missing: int, caption: str
):
    options = presenter_of(make_request()).list_archive(places, 10, missing)
    assert options.caption.replace("&#x27;", "'") == caption
    assert not options.is_silent
    group = make_request(chat_id=-5, is_private=False)
    assert presenter_of(group).list_archive(places, 10, missing).is_silent


def test_missing_posts_are_named_with_their_reasons_as_plain_text():
    missing: dict[str, ClipferryError] = {
        "https://a.example/1": MediaDeletedError(),
        "https://a.example/2": TooLargeError(60_000_000, 50_000_000),
    }
    assert presenter_of(make_request()).missing_posts(missing) == (
        "https://a.example/1\nThis post no longer exists.\n\n"
        "https://a.example/2\nThis video is 60\xa0MB. I can send up to 50\xa0MB.\n\n"
    )
