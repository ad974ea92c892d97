"""What the doctor warns of on this machine: few file descriptors, an old yt-dlp."""

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.doctor.checks import run_checks
from app.doctor.finding import Finding
from app.doctor.machine import machine_checks
from data.config import FilesSection, LimitsSection, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        files=FilesSection(spool_dir=tmp_path / "spool", heartbeat=tmp_path / "heartbeat"),
        limits=LimitsSection(active_requests=10),
    )


async def finding_about(subject: str, settings: Settings) -> Finding:
    found = [finding async for finding in run_checks(machine_checks(settings))]
    (finding,) = [finding for finding in found if finding.text.startswith(subject)]
    return finding


@pytest.mark.parametrize(
    ("allowed", "level"),
    [(100, "warning"), (100_000, "ok"), (resource.RLIM_INFINITY, "ok")],
)
async def test_few_file_descriptors_are_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, allowed: int, level: str
):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, resource.RLIM_INFINITY))
    finding = await finding_about("file descriptors: ", settings)
    assert finding.level == level
    assert f" {allowed} allowed" in finding.text
    assert ("lower [limits] active_requests" in finding.text) == (level == "warning")


@pytest.mark.parametrize(("days", "level"), [(50, "ok"), (70, "warning")])
async def test_an_old_ytdlp_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, days: int, level: str
):
    released = datetime.now(UTC).date() - timedelta(days=days)
    monkeypatch.setattr("app.doctor.machine.reader_version", lambda: ("2026.1.1", released))
    finding = await finding_about("yt-dlp 2026.1.1, ", settings)
    assert finding.level == level
    assert ("update it with `make update-yt-dlp`" in finding.text) == (level == "warning")
