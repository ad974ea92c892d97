"""All checks of the doctor that need the packages, in the order of its report."""

from collections.abc import AsyncIterator, Iterator

from app.doctor.backups import backup_findings
from app.doctor.checks import Check, run_checks
from app.doctor.database import database_findings
from app.doctor.finding import Finding
from app.doctor.machine import machine_checks
from app.doctor.sites import site_findings
from app.doctor.telegram import telegram_findings
from app.doctor.youtube import youtube_findings
from data.config import Settings


def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check everything but the packages, and yield the findings."""
    return run_checks(_checks(settings))


def _checks(settings: Settings) -> Iterator[tuple[str, Check]]:
    yield "the database", database_findings(settings)
    yield "the backups", backup_findings(settings)
    yield from machine_checks(settings)
    yield "what YouTube needs", youtube_findings(settings)
    yield "the sites", site_findings(settings)
    yield "Telegram", telegram_findings(settings)
