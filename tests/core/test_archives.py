"""ZIP archives: how files are divided, and what they are called."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archives import archive_names, names_inside, split_files


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=30), st.integers(1_000, 20_000))
def test_every_file_is_in_one_archive_in_order_and_none_is_too_large(sizes: list[int], most: int):
    names = names_inside([".jpg"] * len(sizes))
    groups = split_files(sizes, names, most)
    assert [index for group in groups for index in group] == list(range(len(sizes)))
    for group in groups:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for index in group:
                archive.writestr(names[index], bytes(sizes[index]))
        assert len(target.getvalue()) <= most or len(group) == 1


@pytest.mark.parametrize(
    ("sizes", "most", "groups"),
    [
        ([10, 10], 10_000, [[0, 1]]),
        ([3_000, 3_000, 3_000], 7_500, [[0, 1], [2]]),
        ([9_999, 1], 9_000, [[0], [1]]),
        ([1, 9_999], 9_000, [[0], [1]]),
    ],
)
def test_a_file_that_does_not_fit_begins_another_archive(
    sizes: list[int], most: int, groups: list[list[int]]
):
    assert split_files(sizes, ["a"] * len(sizes), most) == groups


@pytest.mark.parametrize(
    ("archives", "names"),
    [(1, ["p.zip"]), (2, ["p.1of2.zip", "p.2of2.zip"])],
)
def test_several_archives_have_numbers(archives: int, names: list[str]):
    assert archive_names("p", archives) == names


@pytest.mark.parametrize(
    ("number", "first", "last"), [(1, "01.jpg", "01.jpg"), (35, "01.jpg", "35.jpg")]
)
def test_the_names_in_an_archive_sort_like_the_post(number: int, first: str, last: str):
    names = names_inside([".jpg"] * number)
    assert (names[0], names[-1]) == (first, last)
    assert sorted(names) == names
    assert names_inside([".jpg"] * 120)[0] == "001.jpg"
