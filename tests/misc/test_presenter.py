"""What stands below a post that is more than one answer."""

from typing import cast

import pytest

from core.media import Picture
from core.request import Continuation
from delivery.sender import Sender
from misc.ui.caption_writer import CaptionWriter
from misc.ui.keyboards import Extras
from misc.ui.presenter import PresenterFactory
from misc.ui.texts import load_texts
from tests.fakes import make_post, make_request

PICTURES = tuple(Picture((f"https://cdn.example/{n}.jpg",)) for n in range(50))


@pytest.mark.parametrize(
    ("continuation", "shown", "buttons"),
    [(None, 35, ["zip", "rest"]), (Continuation(35), 10, ["rest"]), (Continuation(35), 15, [])],
)
def test_an_archive_is_offered_where_it_begins(
    continuation: Continuation | None, shown: int, buttons: list[str]
):
    sender = cast("Sender", None)
    writer = CaptionWriter("demo_bot", {}, None)
    factory = PresenterFactory(load_texts(), sender, "demo_bot", (), frozenset(), Extras(), writer)
    presenter = factory.presenter_of(make_request(continuation=continuation))
    markup = presenter.options(make_post(*PICTURES), shown=shown, missing=0).buttons
    data = [
        b.callback_data or "" for row in (markup.inline_keyboard if markup else []) for b in row
    ]
    assert [one.partition("/")[0] for one in data] == buttons
