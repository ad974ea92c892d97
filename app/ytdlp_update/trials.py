"""Gets versions of yt-dlp from the index, and keeps those that work on this machine."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.ytdlp_update.index import Index
from app.ytdlp_update.trial import TrialResult, Wheel, try_version
from app.ytdlp_update.versions import Versions
from app.ytdlp_update.wheel import metadata_of
from core.errors import (
    BrokenFileError,
    ClipferryError,
    ReleaseRefusedError,
    SpoolError,
    UpdateError,
)
from core.media import Link
from core.ytdlp_plan import version_of
from core.ytdlp_releases import (
    EJS,
    YTDLP,
    Release,
    ejs_version,
    newest_release,
    version_key,
)
from data.config import Settings
from media.worker_pool import WorkerPool
from platforms import Fetcher

#: Limits of a trial: seconds, with the canaries; and megabytes.
_TRIAL_S: Final = 300
_TRIAL_MB: Final = 800


class Trials:
    """The way of a version from the index into its folder."""

    def __init__(self, settings: Settings, fetcher: Fetcher, canaries: Sequence[Link]) -> None:
        """`fetcher` reads with the version in use what a new one cannot read."""
        self._settings = settings
        self._fetcher = fetcher
        self._canaries = {link.url: link for link in canaries}
        self._index = Index(settings.ytdlp.index_url)
        self.versions = Versions(settings.ytdlp.folder)

    async def newest(
        self, newer_than: str, refused: Sequence[str], uploaded_until: float
    ) -> Release | None:
        """Return the newest release of yt-dlp; see `core.ytdlp_releases.newest_release`.

        Raises:
            UpdateError: the index cannot be read.
        """
        releases = await self._index.releases(YTDLP)
        return newest_release(releases, newer_than, refused=refused, uploaded_until=uploaded_until)

    async def try_release(self, release: Release, uploaded_until: float) -> tuple[Release, ...]:
        """Get and try a release with the scripts that it needs; return the wheels of the version.

        Raises:
            ReleaseRefusedError: it must not be used.
            UpdateError: it cannot be had now.
        """
        _check_attested(release)
        async with self.versions.alone():
            with self.versions.scratch() as folder:
                wheels = [await self._download(release, folder)]
                named = ejs_version(metadata_of(wheels[0].path, release))
                if named and find_spec("yt_dlp_ejs"):
                    scripts = await self._scripts(named, uploaded_until)
                    wheels.append(await self._download(scripts, folder))
                await self._try(wheels, folder / "unpacked")
        return tuple(wheel.release for wheel in wheels)

    async def ensure(self, wheels: tuple[Release, ...]) -> None:
        """Get and try a version that was chosen, unless its folder is here and intact.

        Raises:
            ReleaseRefusedError: it does not work on this machine.
            UpdateError: it cannot be had now.
        """
        async with self.versions.alone():  # a process before may have got it
            if self.versions.damage(version_of(wheels) or "") is None:
                return
            with self.versions.scratch() as folder:
                files = [await self._download(wheel, folder) for wheel in wheels]
                await self._try(files, folder / "unpacked")

    async def _scripts(self, version: str, uploaded_until: float) -> Release:
        """Return the release of yt-dlp-ejs with a version."""
        releases = await self._index.releases(EJS)
        found = next((r for r in releases if version_key(r.version) == version_key(version)), None)
        if found is None or found.uploaded_at > uploaded_until:
            raise UpdateError(f"{EJS} {version} is not in the index, or too young")
        _check_attested(found)
        return found

    async def _download(self, release: Release, folder: Path) -> Wheel:
        path = await self._index.download(release, folder)
        return Wheel(release, path, await self._index.provenance(release))

    async def _try(self, wheels: Sequence[Wheel], folder: Path) -> None:
        """Unpack and try a version in a process of its own; keep it if it works."""
        folder.mkdir()
        pool = WorkerPool(1, limit_s=_TRIAL_S, memory_mb=_TRIAL_MB)
        try:
            verdict = await pool.run(try_version, self._settings, tuple(wheels), folder)
        except BrokenFileError as error:
            raise ReleaseRefusedError(f"the self-test failed: {error.detail}") from error
        except SpoolError as error:
            raise UpdateError("the disk is full") from error
        finally:
            pool.close()
        if reason := verdict.reason or await self._canary_reason(verdict):
            raise ReleaseRefusedError(reason)
        self.versions.keep(folder, version_of(wheel.release for wheel in wheels) or "")

    async def _canary_reason(self, verdict: TrialResult) -> str:
        """Return "" if failed canaries cannot be read with the version in use, either."""
        for url in verdict.failed_canaries:
            link = self._canaries[url]
            try:
                await self._fetcher.read(link, may_sign_in=False)
            except ClipferryError:
                continue
            return f"the canary of {link.platform} can be read without it, and not with it"
        return ""


def _check_attested(release: Release) -> None:
    if release.has_lost_attestation:
        raise ReleaseRefusedError(
            f"{release.filename} has no attestation, unlike releases before it"
        )
