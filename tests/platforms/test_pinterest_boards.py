"""Boards on Pinterest, whose pins are listed."""

import pytest

from core.errors import (
    ClipferryError,
    EmptyListError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.lists import Listing
from platforms.pinterest import PLATFORM
from simulator.sites.pinterest import Board
from tests.sites import Web

BOARD = "https://www.pinterest.com/ferry_demo/boats/"


async def read_list(web: Web, url: str = BOARD, most: int = 50) -> Listing:
    link = PLATFORM.find_list(url)
    assert link is not None
    async with web.fetcher(attempts=1) as fetcher:
        return await fetcher.read_list(link, most)


def pins(number: int) -> list[str]:
    return [f"73000000{place:02}" for place in range(number)]


def ids(listing: Listing) -> list[str]:
    return [entry.post_id for entry in listing.entries]


async def test_a_board_lists_its_pins_over_several_pages(web: Web):
    web.pinterest.boards["ferry_demo/boats"] = Board(pins(45))
    listing = await read_list(web)
    assert (ids(listing), listing.total, listing.has_more) == (pins(45), 45, False)
    assert (listing.title, listing.is_by_date) == ("Boats", False)
    first = listing.entries[0]
    assert (first.title, first.posted_at) == ("Boat 7300000000", 1_760_000_000)
    assert len(web.log) == 4
    assert web.asked_hosts() == {"www.pinterest.com"}


async def test_no_more_of_a_board_is_read_than_is_offered_and_the_card_says_how_many_it_has(
    web: Web,
):
    web.pinterest.boards["ferry_demo/boats"] = Board(pins(90))
    listing = await read_list(web, most=25)
    assert (ids(listing), listing.total, listing.has_more) == (pins(25), 90, True)
    assert len(web.log) == 3


async def test_a_board_that_fails_in_the_middle_has_said_what_comes_first(web: Web):
    web.pinterest.boards["ferry_demo/boats"] = Board(pins(45), pages=1)
    listing = await read_list(web)
    assert (ids(listing), listing.total, listing.has_more) == (pins(20), 45, True)


async def test_the_pins_of_a_boards_sections_are_listed_too(web: Web):
    web.pinterest.boards["ferry_demo/boats"] = Board(pins(3), in_sections=pins(1))
    assert ids(await read_list(web)) == pins(3)


async def test_the_name_of_a_board_in_its_link_is_decoded(web: Web):
    web.pinterest.boards["ferry_demo/fähren"] = Board(pins(1))
    url = "https://www.pinterest.com/ferry_demo/f%C3%A4hren/"
    assert ids(await read_list(web, url)) == pins(1)


@pytest.mark.parametrize(
    ("board", "status", "error"),
    [
        (None, 0, NotFoundError),  # deleted, or secret
        (Board(), 0, EmptyListError),
        (Board(pins(1), pages=0), 0, PlatformUnreachableError),
        (Board(pins(1)), 403, PlatformRefusedError),
        (Board(lacks_pins=True), 0, PlatformChangedError),
    ],
)
async def test_a_board_that_cannot_be_listed_says_why(
    web: Web, board: Board | None, status: int, error: type[ClipferryError]
):
    if board:
        web.pinterest.boards["ferry_demo/boats"] = board
    web.pinterest.status = status
    with pytest.raises(error) as caught:
        await read_list(web)
    assert type(caught.value) is error
