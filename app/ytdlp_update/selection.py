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
    """Return the version of yt-dlp that is installed outside a folder; "" if there is none."""
    elsewhere = [path for path in sys.path if not Path(path).is_relative_to(folder.absolute())]
    return next((found.version for found in distributions(name=YTDLP, path=elsewhere)), "")
