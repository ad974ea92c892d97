"""All checks of the doctor that need the packages, in the order of its report."""

from collections.abc import AsyncIterator

from app.doctor.backups import backup_findings
from app.doctor.database import database_findings
from app.doctor.finding import Finding
from app.doctor.machine import machine_findings
from app.doctor.sites import site_findings
from app.doctor.telegram import telegram_findings
from app.doctor.youtube import youtube_findings
from data.config import Settings


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check everything but the packages, and yield the findings."""
    yield await database_findings(settings)
    for finding in backup_findings(settings):
        yield finding
    for finding in machine_findings(settings):
        yield finding
    async for finding in youtube_findings(settings):
        yield finding
    async for finding in site_findings(settings):
        yield finding
    async for finding in telegram_findings(settings):
        yield finding
