"""The data of buttons that name a post are read back, whatever the site's ids look like."""

import pytest

from core.media import Link
from core.request import Continuation
from misc.ui.callback_data import (
    archive_of,
    audio_of,
    read_post,
    read_remaining_items,
    remaining_items_of,
)
from platforms import load_registry

REGISTRY = load_registry()
FOUND = (REGISTRY.find(e) for platform in REGISTRY.by_name.values() for e in platform.examples)
LINKS = [link for link in FOUND if link and link.post_id]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.url)
def test_a_button_of_any_post_leads_to_it(link: Link):
    post = link.platform, link.post_id or ""
    for data in filter(None, (archive_of(*post), audio_of(*post))):
        assert read_post(data) == post
    continuation = Continuation(35, "1f2e3d")
    if below := remaining_items_of(continuation, *post):
        assert read_remaining_items(below) == (continuation, *post)
    again = REGISTRY.link_to(*post)
    assert again
    assert again.post_id == link.post_id
