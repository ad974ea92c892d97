"""Doctor checks of the machine: disk, file descriptors, FFmpeg, yt-dlp."""

import resource
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.container import UPDATES_AT_ONCE
from app.doctor.checks import Check
from app.doctor.finding import Finding
from app.doctor.live_updates import live_update_findings
from app.folders import HEARTBEAT, SPOOL, may_write, nearest_existing
from data.config import ROOT, Settings
from media.encoding import ffmpeg_version
from platforms import reader_folder, reader_version

#: Age in days after which yt-dlp usually fails for some sites.
_OLD_YTDLP_DAYS: Final = 60
_MEGABYTE: Final = 1_000_000
#: Descriptors of the database, the log, the pools of processes and the libraries.
_OTHER_DESCRIPTORS: Final = 150
#: Descriptors of one active request: two connections, two files, two pipes.
_REQUEST_DESCRIPTORS: Final = 6


def machine_checks(settings: Settings) -> Iterator[tuple[str, Check]]:
    """Return the checks of what the machine provides."""
    yield "the disk", _disk(settings)
    yield "the folders", _unwritable(settings)
    yield "the file descriptors", _descriptors(settings.limits.active_requests)
    yield "FFmpeg", _ffmpeg()
    yield "yt-dlp", _ytdlp(settings)
    if settings.ytdlp.update:
        yield "live updates of yt-dlp", live_update_findings(settings.ytdlp.folder)


def _disk(settings: Settings) -> Iterator[Finding]:
    free_mb = shutil.disk_usage(nearest_existing(settings.files.spool_dir)).free // _MEGABYTE
    quota_mb = settings.files.spool_mb
    space = f"disk: {free_mb} MB free, the spool may use up to {quota_mb} MB"
    if free_mb < quota_mb:
        yield Finding("warning", f"{space}: free disk space or lower [files] spool_mb")
    else:
        yield Finding("ok", space)


def _unwritable(settings: Settings) -> Iterator[Finding]:
    """Check the folders that a start writes to."""
    files = settings.files
    for setting, folder in ((SPOOL, files.spool_dir), (HEARTBEAT, files.heartbeat.parent)):
        existing = nearest_existing(folder)
        if not may_write(existing):
            yield Finding("failure", f"{setting}: {existing} cannot be written by this user")


def _descriptors(active_requests: int) -> Iterator[Finding]:
    """Each connection and each open file needs one."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = active_requests * _REQUEST_DESCRIPTORS + UPDATES_AT_ONCE + _OTHER_DESCRIPTORS
    text = f"file descriptors: {limit} allowed (ulimit -n), up to {needed} needed"
    if limit != resource.RLIM_INFINITY and limit < needed:
        yield Finding("warning", f"{text}: raise the limit or lower [limits] active_requests")
    else:
        yield Finding("ok", text)


def _ffmpeg() -> Iterator[Finding]:
    yield Finding("ok", f"FFmpeg {ffmpeg_version()}, which comes with PyAV")


def _ytdlp(settings: Settings) -> Iterator[Finding]:
    version, released = reader_version()
    days = (datetime.now(UTC).date() - released).days
    is_live = settings.ytdlp.update and reader_folder().is_relative_to(
        settings.ytdlp.folder.resolve()
    )
    where = f"a live update in {reader_folder()}" if is_live else f"installed in {reader_folder()}"
    text = f"yt-dlp {version}, {days} days old, {where}"
    if days > _OLD_YTDLP_DAYS:
        yield Finding("warning", f"{text}: {ytdlp_advice(ROOT)}")
    else:
        yield Finding("ok", text)


def ytdlp_advice(code: Path) -> str:
    """Return how yt-dlp is updated; only a checkout has the Makefile."""
    if (code / "Makefile").exists():
        return "update it with `make update-yt-dlp`"
    return "install a newer Clipferry, or let [ytdlp] update keep it new"
