"""Lists: pages, choosing, what is asked for, and what their errors say."""

import pytest

from core import errors
from core.lists import (
    LATEST,
    PER_PAGE,
    Entry,
    ListCard,
    Listing,
    about_list,
    about_posts,
    page_of,
    split_by_room,
    toggled,
)
from core.media import Link

LINK = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")


def listing(number: int, **values) -> Listing:
    return Listing(LINK, "Ferry", tuple(Entry(str(n)) for n in range(number)), **values)


@pytest.mark.parametrize(
    ("number", "pages"), [(0, [[]]), (1, [[0]]), (6, [[*range(6)]]), (7, [[*range(6)], [6]])]
)
def test_every_entry_is_on_one_page(number: int, pages: list[list[int]]):
    found = listing(number)
    assert found.pages == len(pages)
    assert [list(found.page(n)) for n in range(found.pages)] == pages
    assert all(page_of(index) == n for n, page in enumerate(pages) for index in page)


@pytest.mark.parametrize(("asked", "shown"), [(-1, 0), (0, 0), (2, 2), (3, 2), (99, 2)])
def test_a_page_that_does_not_exist_is_the_nearest_one(asked: int, shown: int):
    assert listing(2 * PER_PAGE + 1).existing_page(asked) == shown


@pytest.mark.parametrize(
    ("person_id", "may_press"), [(9, True), (8, False), (-100, True), (-1002, True)]
)
def test_a_card_belongs_to_the_person_who_asked_and_to_anybody_if_a_chat_asked(
    person_id: int, may_press: bool
):
    """An anonymous administrator asks as the group, others as one of their channels."""
    card = ListCard(3, -100, 70, person_id, listing(2))
    assert card.is_of(9) is may_press


@pytest.mark.parametrize(("number", "is_offered"), [(LATEST, False), (LATEST + 1, True)])
def test_the_first_posts_are_offered_if_there_are_others(number: int, is_offered: bool):
    assert listing(number).has_latest is is_offered


@pytest.mark.parametrize(
    ("ticked", "index", "after"),
    [
        (set(), 1, {1}),
        ({1}, 1, set()),
        ({0}, 1, {0, 1}),
        ({0}, 2, {0}),  # there is no such entry
        ({0}, 9_999, {0}),
    ],
)
def test_a_press_chooses_an_entry_and_another_one_undoes_it(
    ticked: set[int], index: int, after: set[int]
):
    assert toggled(ticked, index, listing(2)) == after


@pytest.mark.parametrize(
    ("wanted", "known", "room", "result"),
    [
        ([0, 1, 2], set(), 9, ([0, 1, 2], 0)),
        ([0, 1, 2], {1}, 9, ([0, 2], 0)),
        ([0, 1, 2], {0, 1, 2}, 9, ([], 0)),
        ([0, 1, 2], {0}, 1, ([1], 1)),
        ([0, 1, 2], set(), 0, ([], 3)),
        ([0, 1, 2], {0, 1, 2}, 0, ([], 0)),
        ([0], set(), -5, ([], 1)),
        ([], set(), 9, ([], 0)),
    ],
)
def test_each_entry_is_asked_for_once_and_only_as_many_as_fit(
    wanted: list[int], known: set[int], room: int, result: tuple[list[int], int]
):
    assert split_by_room(wanted, known, room) == result


@pytest.mark.parametrize(
    "found",
    [
        listing(0),
        listing(2, total=5, has_more=True, is_by_date=True),
        Listing(LINK, "Паром ⛴️", (Entry("1", "العبّارة", 61, 1_760_000_000), Entry("a-b_c"))),
    ],
)
def test_the_stored_form_is_read_back(found: Listing):
    assert Listing.from_json(found.as_json()) == found


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"link": ["a"], "title": "", "entries": []}', '{"link": 1}']
)
def test_an_invalid_stored_form_is_no_list(text: str):
    assert Listing.from_json(text) is None


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (errors.MediaPrivateError, errors.ListPrivateError),
        (errors.LoginRequiredError, errors.ListPrivateError),
        (errors.AgeRestrictedError, errors.ListPrivateError),
        (errors.NotFoundError, errors.ListGoneError),
        (errors.MediaDeletedError, errors.ListGoneError),
        (errors.NotAvailableError, errors.ListGoneError),
        (errors.PlatformChangedError, errors.ListTroubleError),
        (errors.PlatformRefusedError, errors.ListTroubleError),
        (errors.PlatformUnreachableError, errors.ListTroubleError),
        (errors.PlatformRateLimitedError, errors.PlatformRateLimitedError),
        (errors.EmptyListError, errors.EmptyListError),
        (errors.RegionBlockedError, errors.RegionBlockedError),
    ],
)
def test_the_errors_of_a_list_are_about_the_list(
    error: type[errors.ClipferryError], about: type[errors.ClipferryError]
):
    found = about_list(error("why"))
    assert (type(found), found.detail) == (about, "why")
    assert found.retryable == error.retryable


GONE, PASSING = errors.MediaDeletedError(), errors.PlatformUnreachableError()


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([GONE, GONE], errors.PostsGoneError),
        ([GONE, errors.StoryExpiredError(), errors.MediaPrivateError()], errors.PostsGoneError),
        ([GONE, PASSING], errors.PostsTroubleError),
        ([PASSING, errors.BusyError()], errors.PostsTroubleError),
        ([GONE, errors.NoMediaError()], errors.NoPostsError),
        ([errors.TooLargeError(9, 1), errors.TooLargeError(8, 1)], errors.NoPostsError),
    ],
)
def test_what_is_said_of_posts_is_true_of_all(
    reasons: list[errors.ClipferryError], said: type[errors.ClipferryError]
):
    found = about_posts(reasons)
    assert (type(found), found.detail) == (said, f"none of {len(reasons)} posts")
    assert found.retryable == (said is errors.PostsTroubleError)
