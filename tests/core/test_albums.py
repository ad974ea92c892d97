"""Albums keep every item, their order, and Telegram's sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.albums import MAX_ALBUM, split_album


@given(st.lists(st.integers(), max_size=100))
def test_no_item_is_lost_or_moved_or_left_alone(items: list[int]):
    albums = split_album(items)
    assert [item for album in albums for item in album] == items
    sizes = [len(album) for album in albums]
    assert all(2 <= size <= MAX_ALBUM for size in sizes) or len(items) == 1
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert len(albums) == -(-len(items) // MAX_ALBUM)


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(0, []), (1, [1]), (2, [2]), (10, [10]), (11, [6, 5]), (21, [7, 7, 7]), (35, [9, 9, 9, 8])],
)
def test_albums_have_nearly_equal_sizes(number: int, sizes: list[int]):
    assert [len(album) for album in split_album(range(number))] == sizes


@pytest.mark.parametrize(
    ("weights", "most", "albums"),
    [
        ([4, 4], 8, [[4, 4]]),
        ([4, 4], 7, [[4], [4]]),
        ([4, 4, 4], 8, [[4, 4], [4]]),
        ([1] * 11, 5, [[1] * 4, [1] * 4, [1] * 3]),
        ([9, 1, 1], 5, [[9], [1, 1]]),
        ([1, 9, 1, 1, 1], 5, [[1], [9], [1, 1, 1]]),
        ([9], 5, [[9]]),
        ([], 5, []),
    ],
)
def test_an_album_is_no_heavier_than_an_upload_may_be(
    weights: list[int], most: int, albums: list[list[int]]
):
    assert split_album(weights, lambda weight: weight, most) == albums


def test_without_a_limit_even_the_lightest_items_stay_apart():
    assert split_album([1, 0], lambda weight: weight) == [[1], [0]]


@pytest.mark.parametrize(
    ("items", "albums"),
    [
        ("ppd", ["pp", "d"]),
        ("pdp", ["p", "d", "p"]),
        ("ddpp", ["dd", "pp"]),
        ("paap", ["p", "a", "a", "p"]),
        ("aa", ["a", "a"]),
    ],
)
def test_an_album_is_of_one_kind_and_some_kinds_stay_alone(items: str, albums: list[str]):
    kinds = {"a": None}
    split = split_album(items, kind_of=lambda item: kinds.get(item, item))
    assert ["".join(album) for album in split] == albums


@given(st.lists(st.sampled_from("pda")), st.lists(st.integers(0, 9)), st.integers(0, 12))
def test_whatever_the_items_nothing_is_lost_and_no_album_is_refused(kinds, weights, most):
    items = list(zip(kinds, weights, strict=False))
    albums = split_album(
        items,
        lambda item: item[1],
        most,
        lambda item: None if item[0] == "a" else item[0],
    )
    assert [item for album in albums for item in album] == items
    for album in albums:
        assert len(album) == 1 or sum(weight for _, weight in album) <= most
        assert len(album) == 1 or {kind for kind, _ in album} in ({"p"}, {"d"})
        assert 1 <= len(album) <= MAX_ALBUM
