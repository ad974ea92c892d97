"""Puts the selected yt-dlp first on the module path; runs before anything imports yt-dlp.

Processes that this one spawns get the path from it.
"""

import logging
import sys
from importlib.metadata import distributions
from pathlib import Path

from app.ytdlp_update.versions import Versions
from core.ytdlp_releases import YTDLP, version_key

logger = logging.getLogger(__name__)


def use_selected(folder: Path) -> None:
    """Use the version that is selected below a folder, if it is intact and newer than the installed
    one; log a warning if it is damaged.
    """
    versions = Versions(folder)
    version = versions.selected()
    if version is None or version_key(version) <= version_key(installed_version(folder)):
        return
    if problem := versions.damage(version):
        logger.warning(
            "The folder of yt-dlp %s is ignored: %s",
            version,
            problem,
            extra={"event": "ytdlp_damaged"},
        )
        return
    sys.path.insert(0, str(versions.path(version)))


def installed_version(folder: Path) -> str:
    """Return the version of yt-dlp that is installed outside a folder; "" if there is none.

    A nightly build is a pre-release for the index ("2026.11.20.232801.dev0"), and newer than the
    release of its day: its version is returned without the suffix, as yt-dlp says it of itself.
    """
    elsewhere = [path for path in sys.path if not Path(path).is_relative_to(folder.absolute())]
    versions = (found.version for found in distributions(name=YTDLP, path=elsewhere))
    return next(versions, "").partition(".dev")[0]


def version_in_use(folder: Path) -> str | None:
    """Return the version below a folder that this process uses; None for the installed one."""
    paths = (Path(path) for path in sys.path)
    found = (path.name for path in paths if path.parent == folder.absolute())
    return next((name for name in found if version_key(name)), None)
