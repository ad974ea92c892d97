"""What errors tell the log and the user, and the codes under which they are stored."""

import gc
import pickle
from collections.abc import Iterator
from math import ceil, floor
from typing import Any

import pytest

from core import errors
from core.errors import ClipferryError
from core.facts import FileSize


@pytest.fixture
def _forget_new_errors() -> Iterator[None]:
    """Collect the classes that a test defines: another test walks the tree of errors."""
    yield
    gc.collect()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (errors.BusyError, (), "The request queue is full."),
        (errors.LiveError, ("a radio",), "The link leads to a live stream. (a radio)"),
        (
            errors.TooLongError,
            (200, 90),
            "The video is longer than the operator allows. (200 s, limit 90 s)",
        ),
        (
            errors.TooLargeError,
            (51, 50),
            "No version of the file fits under the limit. (51 bytes, limit 50 bytes)",
        ),
        (
            errors.QueueFullError,
            (3,),
            "The chat already has the maximum number of messages in the queue. (3 queued)",
        ),
        (
            errors.GivenUpError,
            (30,),
            "The process ended too often while serving this request; it is not tried again. "
            "(unfinished after 30 attempts)",
        ),
        (
            errors.FloodError,
            (7,),
            "Telegram asks the bot to slow down (HTTP 429). (retry after 7 s)",
        ),
        (
            errors.SettingsError,
            (["no token", "no admin"],),
            "The settings are invalid; `mistakes` lists every problem found. (no token; no admin)",
        ),
        (
            errors.PartialDeliveryError,
            (10, 15),
            "Some albums of the post were delivered, the rest was not. (10 of 15 items)",
        ),
        (
            errors.BugError,
            ("AB12CD34",),
            "An unexpected error occurred; the log has the traceback under the same code. "
            "(AB12CD34)",
        ),
    ],
)
def test_the_log_gets_a_sentence_and_the_detail(
    kind: type[ClipferryError], values: tuple[Any, ...], message: str
):
    assert str(kind(*values)) == message


def test_the_detail_is_also_known_by_itself():
    assert errors.BusyError().detail == ""
    assert errors.NoMediaError("a poll").detail == "a poll"
    assert errors.SettingsError(["no token", "no admin"]).detail == "no token; no admin"


def test_the_new_id_of_a_group_is_known_but_never_logged():
    error = errors.ChatMovedError(-1_001_234)
    assert error.new_chat_id == -1_001_234
    assert "1001234" not in str(error)
    assert error.detail == ""


@pytest.mark.parametrize(
    ("kind", "values", "facts"),
    [
        (errors.BusyError, (), {}),
        (errors.TooLongError, (3_605, 3_600), {"length": "1:00:05", "limit": "1:00:00"}),
        (errors.TooLongError, (59, 7), {"length": "0:59", "limit": "0:07"}),
        (
            errors.TooLargeError,
            (50_000_000, 49_999_999),
            {"size": FileSize(50_000_000, ceil), "limit": FileSize(49_999_999, floor)},
        ),
        (errors.QueueFullError, (3,), {"count": 3}),
        (errors.PartialDeliveryError, (10, 15), {"sent": 10, "count": 15}),
        (errors.BugError, ("AB12CD34",), {"code": "AB12CD34"}),
    ],
)
def test_users_get_the_numbers_behind_the_sentence(
    kind: type[ClipferryError], values: tuple[Any, ...], facts: dict[str, object]
):
    assert kind(*values).facts == facts


def test_the_code_that_catches_an_error_gets_its_values():
    assert errors.FloodError(7).retry_after_s == 7
    assert errors.QueueFullError(3).number == 3
    assert errors.SettingsError(["a", "b"]).mistakes == ["a", "b"]
    assert errors.BugError("AB12CD34").report_code == "AB12CD34"
    partial = errors.PartialDeliveryError(10, 15)
    assert (partial.sent, partial.total) == (10, 15)


def test_renamed_errors_keep_the_codes_that_the_database_knows():
    stored: dict[type[errors.ClipferryError], str] = {
        errors.CardReplyError: "NoteError",
        errors.NoAudioError: "NoSoundError",
        errors.MediaTimeoutError: "FileOverdueError",
        errors.RequestCancelledError: "CalledOffError",
    }
    assert {kind: kind.code for kind in stored} == stored


@pytest.mark.usefixtures("_forget_new_errors")
def test_an_error_is_stored_under_its_own_name_and_never_under_its_parents():
    class RenamedError(ClipferryError):
        code = "OldNameError"

    class ChildError(RenamedError):
        pass

    assert [RenamedError.code, ChildError.code] == ["OldNameError", "ChildError"]


@pytest.mark.usefixtures("_forget_new_errors")
def test_only_the_first_line_of_a_description_is_logged():
    class LongError(ClipferryError):
        """It broke.

        This is why.
        """

    class SilentError(ClipferryError):
        pass

    assert str(LongError()) == "It broke."
    assert str(LongError("x")) == "It broke. (x)"
    assert str(SilentError()) == ""


@pytest.mark.parametrize(
    ("error", "text_key", "detail"),
    [
        (errors.TooLargeError(51, 50), "too_large", "51 bytes, limit 50 bytes"),
        (errors.TooLargeError(None, 50), "too_large_unknown", "None bytes, limit 50 bytes"),
        (errors.TrackTooLargeError(51, 50), "track_too_large", "51 bytes, limit 50 bytes"),
        (errors.TrackTooLargeError(None, 50), "track_too_large", "None bytes, limit 50 bytes"),
        (errors.PieceError(90), "piece_outside", "from 90 s"),
        (errors.LinksLeftOutError(5), "links_left_out", "limit 5"),
    ],
)
def test_values_decide_the_sentence_and_the_detail(
    error: ClipferryError, text_key: str, detail: str
):
    assert error.text_key == text_key
    assert error.detail == detail


def test_a_size_that_is_not_known_is_one_byte_above_the_limit():
    assert errors.TooLargeError(None, 50).least_bytes == 51
    assert errors.TooLargeError(99, 50).least_bytes == 99
    assert errors.TrackTooLargeError(99, 50).facts["size"] == FileSize(99, ceil)


def test_what_telegram_says_about_a_refused_file_is_kept():
    rejected = errors.ContentRejectedError("wrong file", 3)
    assert (rejected.detail, rejected.position) == ("wrong file", 3)
    assert errors.ContentRejectedError().detail == ""
    forbidden = errors.SendingForbiddenError("no videos", is_about_kind=True)
    assert (forbidden.detail, forbidden.is_about_kind) == ("no videos", True)
    assert not errors.SendingForbiddenError().is_about_kind
    assert errors.SendingForbiddenError().detail == ""


def test_a_piece_keeps_its_start_when_it_leaves_a_worker():
    copied = pickle.loads(pickle.dumps(errors.PieceError(90)))
    assert (copied.start_s, copied.facts) == (90, {"start": "1:30"})
