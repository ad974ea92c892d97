"""Doctor checks of the regular backups."""

import shutil
import time
from collections.abc import Iterator
from typing import Final

from app.doctor.finding import Finding
from app.folders import may_write, nearest_existing
from data.backup import sqlite_path
from data.config import Settings
from data.scheduled_backups import BackupPlan

_HOUR_S: Final = 3_600


def backup_findings(settings: Settings) -> Iterator[Finding]:
    """Check that backups can be made, and how old the newest one is."""
    section = settings.database
    folder, hours = section.backup_folder, section.backup_hours
    if folder is None:
        yield Finding("ok", "backups: the bot makes none ([database] backup_folder)")
        return
    if not may_write(nearest_existing(folder)):
        yield Finding("warning", f"backups: {folder} cannot be written")
    if sqlite_path(section["url"]) is None and shutil.which("pg_dump") is None:
        yield Finding(
            "warning",
            "backups: pg_dump is not installed: it comes with PostgreSQL's client programs",
        )
    newest_at = BackupPlan(folder, hours * _HOUR_S, section.backups_kept).newest_at()
    if newest_at is None:
        yield Finding("ok", f"backups: none in {folder} yet")
        return
    age = int((time.time() - newest_at) // _HOUR_S)
    text = f"backups: the newest one in {folder} is {age} hours old"
    yield Finding("warning" if age > 2 * hours else "ok", text)
