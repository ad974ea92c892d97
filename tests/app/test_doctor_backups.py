"""The doctor's lines about regular backups."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.doctor.backups import backup_findings
from data.config import load_settings


def findings(folder: Path, **environ: str) -> list[tuple[str, str]]:
    settings = load_settings(folder / "none.ini", folder / "none.env", environ)
    return [(finding.level, finding.text) for finding in backup_findings(settings)]


def test_without_a_folder_the_bot_makes_none(tmp_path: Path):
    ((level, text),) = findings(tmp_path)
    assert (level, "[database] backup_folder" in text) == ("ok", True)


@pytest.mark.parametrize(
    ("hours", "level"), [(None, "ok"), (3, "ok"), (50, "warning"), (-50, "ok")]
)
def test_the_age_of_the_newest_backup_is_told(tmp_path: Path, hours: int | None, level: str):
    folder = tmp_path / "backups"
    folder.mkdir()
    if hours is not None:
        made = datetime.fromtimestamp(time.time() - hours * 3_600 - 60, UTC)
        (folder / f"clipferry-{made:%Y%m%dT%H%M%SZ}.backup").touch()
    ((found, text),) = findings(tmp_path, DATABASE_BACKUP_FOLDER=str(folder))
    assert found == level
    assert f"{hours} hours old" in text if (hours or 0) > 0 else "none in" in text


def test_what_prevents_a_backup_is_told_before_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "file").touch()
    found = findings(
        tmp_path,
        DATABASE_BACKUP_FOLDER=str(tmp_path / "file" / "backups"),
        DATABASE_URL="postgresql://u@h/d",
    )
    assert [level for level, _ in found] == ["warning", "warning", "ok"]
    assert "cannot be written" in found[0][1]
    assert "pg_dump is not installed" in found[1][1]
