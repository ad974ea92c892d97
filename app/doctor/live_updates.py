"""Doctor checks of live updates of yt-dlp."""

from collections.abc import Iterator
from pathlib import Path

from app.doctor.finding import Finding
from app.folders import may_write, nearest_existing


def live_update_findings(folder: Path) -> Iterator[Finding]:
    """Check the folder of the downloaded versions, and whether attestations can be verified."""
    from app.ytdlp_update import attestation  # only with the setting
    from app.ytdlp_update.versions import Versions

    if not may_write(nearest_existing(folder)):
        yield Finding("warning", f"live updates of yt-dlp: {folder} cannot be written")
    versions = Versions(folder)
    version = versions.selected()
    if version and (problem := versions.damage(version)):
        yield Finding("warning", f"live updates of yt-dlp: {version} is ignored: {problem}")
    if attestation.can_verify():
        yield Finding("ok", "live updates of yt-dlp: attestations are verified")
    else:
        yield Finding(
            "warning",
            "live updates of yt-dlp: attestations are not verified: "
            "pip install --require-hashes -r requirements-attestations.txt",
        )
