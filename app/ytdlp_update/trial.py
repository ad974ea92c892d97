"""Tries a version of yt-dlp: unpacks it and reads posts with it, in a process of its own."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.ytdlp_update import attestation
from app.ytdlp_update.wheel import damage, unpack
from core.errors import ClipferryError, ReleaseRefusedError
from core.ytdlp_releases import PUBLISHERS, YTDLP, Release, version_key
from data.config import Settings


@dataclass(frozen=True, slots=True)
class Wheel:
    """A downloaded wheel."""

    release: Release
    path: Path
    #: The attestations as the index sent them; None if there are none.
    provenance: bytes | None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of a trial."""

    #: Why the version must not be used; empty if it may be.
    reason: str = ""
    #: URLs of canaries that cannot be read with it.
    failed_canaries: tuple[str, ...] = ()


def try_version(settings: Settings, wheels: Sequence[Wheel], folder: Path) -> TrialResult:
    """Unpack the wheels of a version into a folder, and read posts with it.

    Call it in a process that has not imported yt-dlp yet.

    Raises:
        OSError: the folder cannot be written.
    """
    logging.disable()  # this process has no handler; the verdict says everything
    try:
        for wheel in wheels:
            if wheel.provenance is not None and attestation.can_verify():
                project = wheel.release.project
                attestation.verify(wheel.path, wheel.provenance, PUBLISHERS[project])
            unpack(wheel.path, wheel.release, folder)
        if problem := damage(folder):  # Each start would ignore it, and be followed by the next.
            return TrialResult(problem)
    except ReleaseRefusedError as error:
        return TrialResult(error.detail)
    sys.path.insert(0, str(folder))
    # What is compiled now is not compiled at each start, where the installation is read-only.
    sys.dont_write_bytecode = False
    version = next(w.release.version for w in wheels if w.release.project == YTDLP)
    try:
        reason = _self_test(folder, version)
    except BaseException as error:  # noqa: BLE001 - SystemExit would end the bot, too
        reason = f"{type(error).__name__}: {error}"
    if reason:
        return TrialResult(f"the self-test failed: {reason}")
    return TrialResult(failed_canaries=tuple(asyncio.run(_failed_canaries(settings))))


def _self_test(folder: Path, version: str) -> str:
    """Return what does not work; "" if everything does."""
    from platforms import reader_folder, reader_version
    from platforms._self_test import self_test

    found, _ = reader_version()
    if version_key(found) != version_key(version):
        return f"it is yt-dlp {found}"
    if reader_folder() != folder.resolve():
        return f"it was imported from {reader_folder()}"
    return "; ".join(self_test())


async def _failed_canaries(settings: Settings) -> list[str]:
    """Return the URLs of the canaries that cannot be read."""
    from app.container import build_fetcher, canary_links
    from platforms import load_registry

    failed = []
    registry = load_registry(settings.sites.allowed)
    fetcher = build_fetcher(settings, registry)
    try:
        for link in canary_links(settings, registry):
            try:
                # A test must not cost an account.
                await fetcher.read(link, may_sign_in=False)
            except ClipferryError:
                failed.append(link.url)
    finally:
        await fetcher.close()
    return failed
