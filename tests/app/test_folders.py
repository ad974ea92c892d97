"""Folders that cannot be used: the setting is named, and a full disk is no wrong setting."""

import errno
import os
from pathlib import Path

import pytest

from app.folders import HEARTBEAT, make_folder_of, touch, usable
from core.errors import SettingsError, SpoolError


def test_the_setting_of_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as caught:
        make_folder_of(tmp_path / "file" / "heartbeat")
    assert caught.value.mistakes == [f"{HEARTBEAT}: {tmp_path / 'file'}: File exists"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, SettingsError), (errno.EROFS, SettingsError), (errno.ENOSPC, SpoolError)],
)
def test_a_full_disk_may_have_room_at_the_next_start(number: int, kind: type[Exception]):
    with pytest.raises(kind), usable("[files] x", Path("/mnt/x")):
        raise OSError(number, os.strerror(number))


def test_answers_go_on_without_the_heartbeat(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    touch(tmp_path / "heartbeat")
    assert (tmp_path / "heartbeat").exists()
    touch(tmp_path / "gone" / "heartbeat")
    (record,) = (record for record in caplog.records if record.name == "app.folders")
    assert record.__dict__["event"] == "heartbeat_failed"
