"""What a status note says, in every stage, and how often it is updated."""

import pytest

from core.facts import Fact, FileSize
from core.progress import (
    ByteCount,
    Conversion,
    DownloadProgress,
    NotePace,
    Stage,
    WorkProgress,
    note_lines,
)


def said(work: WorkProgress, place: int | None = None) -> list[tuple[str, dict[str, Fact]]]:
    return [(line.key, dict(line.facts)) for line in note_lines(work, place)]


def downloading(*files: tuple[int, int | None], items: int = 1) -> WorkProgress:
    """Return the work while files are downloaded, given what arrived of how much."""
    work = WorkProgress()
    downloads = work.begin_download()
    downloads.restart(items)
    for number, (received, total) in enumerate(files):
        count = downloads.count(str(number))
        count.received, count.total = received, total
    return work


# --- the queue ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (12, ("waiting", {"place": 12})),
        (2, ("waiting", {"place": 2})),
        (1, ("status_next", {})),
    ],
)
def test_a_waiting_request_shows_its_place_and_nothing_else(
    place: int, line: tuple[str, dict[str, Fact]]
):
    assert said(downloading((1, 2)), place) == [line]


def test_at_the_beginning_there_is_nothing_to_count():
    assert said(WorkProgress()) == [("working", {})]


# --- downloads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ([], ("status_downloading", {})),
        ([(0, None)], ("status_downloading", {})),
        ([(999_999, None)], ("status_downloading", {})),
        ([(1_000_000, None)], ("status_downloading_size", {"size": FileSize(1_000_000)})),
        ([(12_900_000, None)], ("status_downloading_size", {"size": FileSize(12_900_000)})),
        (
            [(0, 68_000_000)],
            ("status_downloading_share", {"percent": 0, "size": FileSize(68_000_000)}),
        ),
        (
            [(28_900_000, 68_200_000)],
            ("status_downloading_share", {"percent": 42, "size": FileSize(68_200_000)}),
        ),
        (
            [(67_999_999, 68_000_000)],
            ("status_downloading_share", {"percent": 99, "size": FileSize(68_000_000)}),
        ),
        (
            [(68_000_000, 68_000_000)],
            ("status_downloading_share", {"percent": 100, "size": FileSize(68_000_000)}),
        ),
        (
            [(300_000, 400_000)],
            ("status_downloading_share", {"percent": 75, "size": FileSize(400_000)}),
        ),
        # Video and sound of one item, the second of which has not begun.
        (
            [(6_000_000, 6_000_000), (0, None)],
            ("status_downloading_share", {"percent": 100, "size": FileSize(6_000_000)}),
        ),
        (
            [(6_000_000, 6_000_000), (0, 6_000_000)],
            ("status_downloading_share", {"percent": 50, "size": FileSize(12_000_000)}),
        ),
        (
            [(6_000_000, 8_000_000), (1, None)],
            ("status_downloading_size", {"size": FileSize(6_000_001)}),
        ),
    ],
)
def test_a_download_shows_its_share_or_else_its_size(
    files: list[tuple[int, int | None]], line: tuple[str, dict[str, Fact]]
):
    assert said(downloading(*files)) == [line]


@pytest.mark.parametrize(("done", "number"), [(0, 1), (1, 2), (4, 5), (5, 5)])
def test_an_album_shows_the_number_of_the_item(done: int, number: int):
    work = downloading((1, 2), items=5)
    work.downloads.items_done = done
    assert said(work) == [("status_downloading_item", {"number": number, "total": 5})]


def test_a_file_that_is_downloaded_again_is_counted_once():
    downloads = DownloadProgress()
    downloads.count("video").received = 5
    downloads.count("video").received = 3
    assert downloads.received == 3
    assert downloads.files == {"video": ByteCount(3)}


def test_a_new_attempt_begins_at_zero_and_has_its_number():
    work = downloading((5_000_000, 10_000_000), items=3)
    work.downloads.items_done = 2
    work.begin_attempt(2, 3)
    attempt = ("status_attempt", {"number": 2, "total": 3})
    assert said(work) == [("working", {}), attempt]
    work.begin_download()
    assert said(work) == [("status_downloading", {}), attempt]
    assert (work.downloads.items, work.downloads.items_done) == (1, 0)


def test_a_first_attempt_and_later_stages_have_no_number():
    work = WorkProgress()
    work.begin_attempt(1, 3)
    assert said(work) == [("working", {})]
    work.begin_attempt(2, 3)
    work.begin_conversion(1)
    assert said(work) == [("status_preparing", {})]


def test_a_request_that_waits_for_the_same_post_shows_the_progress_of_its_fetch():
    follower = WorkProgress(leader=downloading((1_000_000, 2_000_000)))
    assert said(follower) == [
        ("status_downloading_share", {"percent": 50, "size": FileSize(2_000_000)})
    ]
    follower.leader = None
    assert said(follower) == [("working", {})]


# --- conversions ----------------------------------------------------------------------------------


def test_a_conversion_has_a_percentage_once_it_is_a_long_one():
    work = WorkProgress()
    (conversion,) = work.begin_conversion(1)
    assert said(work) == [("status_preparing", {})]
    share = 0.0
    conversion.watch(lambda: share)
    assert said(work) == [("status_converting", {"percent": 0})]
    share = 0.609
    assert said(work) == [("status_converting", {"percent": 60})]


def test_the_items_of_an_album_are_converted_together():
    work = WorkProgress()
    first, second, *_ = work.begin_conversion(4)
    first.is_done = True
    assert said(work) == [("status_converting", {"percent": 25})]
    second.watch(lambda: 0.5)
    assert said(work) == [("status_converting", {"percent": 37})]


@pytest.mark.parametrize(("share", "done"), [(-1.0, 0.0), (0.3, 0.3), (7.0, 1.0)])
def test_a_share_is_never_less_than_nothing_or_more_than_all(share: float, done: float):
    assert Conversion(lambda: share).done == done
    assert Conversion(lambda: share, is_done=True).done == 1.0


# --- uploads --------------------------------------------------------------------------------------


def test_an_upload_counts_the_bytes_that_have_left():
    work = WorkProgress()
    work.begin_upload(1_000)
    assert said(work) == [("status_uploading", {"percent": 0})]
    work.begin_message()
    work.count_uploaded(500)
    work.count_uploaded(300)
    assert said(work) == [("status_uploading", {"percent": 80})]
    work.count_uploaded(900)  # thumbnails are not part of the total
    assert said(work) == [("status_uploading", {"percent": 100})]


def test_a_message_that_telegram_refuses_is_counted_once():
    work = WorkProgress()
    work.begin_upload(1_000)
    work.begin_message()
    work.count_uploaded(400)
    work.confirm_message()
    work.begin_message()
    work.count_uploaded(300)
    work.begin_message()
    assert said(work) == [("status_uploading", {"percent": 40})]


def test_a_file_that_is_made_anew_is_converted_and_uploaded_again():
    work = WorkProgress()
    work.begin_upload(1_000)
    work.begin_conversion(1)
    assert said(work) == [("status_preparing", {})]
    work.begin_message()
    assert said(work) == [("status_uploading", {"percent": 0})]


def test_files_that_telegram_has_are_not_uploaded():
    work = WorkProgress()
    work.begin_message()
    work.count_uploaded(5)
    work.confirm_message()
    assert work == WorkProgress()
    assert work.stage is Stage.STARTED


def test_an_empty_upload_divides_by_nothing():
    work = WorkProgress()
    work.begin_upload(0)
    assert said(work) == [("status_uploading", {"percent": 0})]


# --- the pace -------------------------------------------------------------------------------------


def test_a_note_comes_after_two_and_a_half_seconds_and_changes_every_three():
    pace = NotePace()
    assert pace.first_s == 2.5
    assert pace.next_s(5_000, is_waiting=False) == 3.0


@pytest.mark.parametrize(("requests", "pause_s"), [(1, 3.0), (30, 3.0), (60, 6.0), (5_000, 500.0)])
def test_the_notes_of_all_that_wait_share_ten_updates_a_second(requests: int, pause_s: float):
    assert NotePace().next_s(requests, is_waiting=True) == pause_s
