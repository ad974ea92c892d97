"""ZIP archives: how files are divided, and what they are called."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archives import (
    ListArchivePolicy,
    archive_names,
    names_inside,
    names_of_post,
    needed_bytes,
    part_name,
    split_files,
)


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


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=30))
def test_files_that_fit_into_a_part_make_no_larger_archive(sizes: list[int]):
    most = 250_000
    room = ListArchivePolicy(share_of_spool=1.0).room(most, 10 * most)
    names = [names_of_post(n, 30, "post", [".mp4"])[0] for n in range(1, len(sizes) + 1)]
    taken = sum(needed_bytes(size, name) for size, name in zip(sizes, names, strict=True))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for size, name in zip(sizes, names, strict=True):
            archive.writestr(name, bytes(size))
        archive.writestr("missing.txt", bytes(90_000))
    assert taken > room or len(target.getvalue()) <= most


@pytest.mark.parametrize(
    ("place", "posts", "name", "suffixes", "names"),
    [
        (3, 10, "730", [".mp4"], ("03_730.mp4",)),
        (3, 120, "730", [".mp4"], ("003_730.mp4",)),
        (1, 5, "a_b", [".jpg", ".mp4"], ("01_a_b_01.jpg", "01_a_b_02.mp4")),
        (1, 5, "x" * 90, [".jpg"], (f"01_{'x' * 60}.jpg",)),
    ],
)
def test_the_files_of_a_list_sort_like_its_posts(
    place: int, posts: int, name: str, suffixes: list[str], names: tuple[str, ...]
):
    assert names_of_post(place, posts, name, suffixes) == names


@pytest.mark.parametrize(
    ("list_id", "number", "is_only", "name"),
    [
        ("@ferry.demo", 1, True, "ferry_demo.zip"),
        ("@ferry.demo", 2, False, "ferry_demo.2.zip"),
        ("ferry-demo/sets/crossings", 1, True, "ferry-demo_sets_crossings.zip"),
        ("../../etc", 1, True, "etc.zip"),
        ("@", 1, True, "list.zip"),
    ],
)
def test_parts_are_called_like_their_list(list_id: str, number: int, is_only: bool, name: str):
    assert part_name(list_id, number, is_only=is_only) == name


@pytest.mark.parametrize(
    ("passed_s", "packed_bytes", "may"), [(0, 0, True), (10, 0, False), (9, 100, False)]
)
def test_a_list_is_fetched_within_its_limits(passed_s: float, packed_bytes: int, may: bool):
    policy = ListArchivePolicy(longest_s=10, most_bytes=100)
    assert policy.may_begin(passed_s, packed_bytes) == may


def test_a_part_leaves_room_on_the_disk_for_others():
    policy = ListArchivePolicy(share_of_spool=0.25)
    assert policy.room(50_000_000, 2_000_000_000) == 50_000_000 - 100_256
    assert policy.room(2_000_000_000, 4_000_000_000) == 1_000_000_000 - 100_256
