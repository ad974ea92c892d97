"""The way of a version from the index into its folder, with trials that end as planned."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.ytdlp_update import trials as trials_module
from app.ytdlp_update import versions as versions_module
from app.ytdlp_update.trial import TrialResult, Wheel
from app.ytdlp_update.trials import Trials
from app.ytdlp_update.versions import Versions
from core.errors import (
    BrokenFileError,
    MediaDeletedError,
    ReleaseRefusedError,
    SpoolError,
    UpdateError,
)
from core.media import Link
from core.ytdlp_releases import EJS, YTDLP, Release
from data.config import Settings, load_settings
from data.database import unix_now
from tests.fakes import LINK, FakeFetcher
from tests.ytdlp_releases import FakeIndex, serving_index, wheel_files, write_wheel

VERSION, SCRIPTS = "2099.1.1", "0.9.0"


class FakePool:
    """Stands in for the pool of processes: ends as planned, and records what was tried."""

    outcome: TrialResult | Exception = TrialResult()
    tried: list[str] = []  # noqa: RUF012 - set anew for each test

    def __init__(self, workers: int, *, limit_s: float, memory_mb: int) -> None:
        assert (workers, limit_s, memory_mb) == (1, 300, 800)

    async def run(
        self, work: Callable[..., Any], settings: Settings, wheels: Sequence[Wheel], folder: Path
    ) -> TrialResult:
        FakePool.tried += [wheel.path.name for wheel in wheels]
        if isinstance(self.outcome, Exception):
            raise self.outcome
        (folder / "yt_dlp").mkdir()
        return self.outcome

    def close(self) -> None:
        """There is no process."""


class Setup:
    """An index with one release, and the trials of a machine."""

    def __init__(self, folder: Path, index: FakeIndex) -> None:
        self.index, self.fetcher = index, FakeFetcher()
        environment = {"YTDLP_FOLDER": str(folder / "yt-dlp"), "YTDLP_INDEX_URL": index.url}
        settings = load_settings(folder / "none.ini", folder / "none.env", environment)
        canaries: list[Link] = [LINK]
        self.trials = Trials(settings, self.fetcher, canaries)  # type: ignore[arg-type]

    @property
    def kept(self) -> list[str]:
        names = {path.name for path in self.trials.versions.folder.iterdir()}
        return sorted(names - {"lock"})

    async def try_newest(self, until: float = float("inf")) -> tuple[Release, ...]:
        release = await self.trials.newest("2026.1.1", (), until)
        assert release
        return await self.trials.try_release(release, until)


def wheel(folder: Path, project: str, version: str) -> Path:
    return write_wheel(
        folder, project, version, wheel_files(project, version, {"__init__.py": b""})
    )


@pytest.fixture
async def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setup]:
    """Return an index with a release of yt-dlp and of its scripts, which are not installed."""
    monkeypatch.setattr(trials_module, "WorkerPool", FakePool)
    monkeypatch.setattr(trials_module, "find_spec", lambda _name: None)
    monkeypatch.setattr(FakePool, "outcome", TrialResult())
    monkeypatch.setattr(FakePool, "tried", [])
    async with serving_index() as index:
        index.add(YTDLP, wheel(tmp_path, YTDLP, VERSION))
        index.add(EJS, wheel(tmp_path, EJS, SCRIPTS))
        yield Setup(tmp_path, index)


async def test_a_version_that_works_is_kept(setup: Setup):
    (release,) = await setup.try_newest()
    assert (release.project, release.version) == (YTDLP, VERSION)
    assert setup.kept == [VERSION]
    assert FakePool.tried == [release.filename]


async def test_the_scripts_come_along_where_they_are_installed(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trials_module, "find_spec", lambda _name: object())
    wheels = await setup.try_newest()
    assert [(each.project, each.version) for each in wheels] == [(YTDLP, VERSION), (EJS, SCRIPTS)]
    assert len(FakePool.tried) == 2
    await setup.trials.ensure(wheels)
    assert len(FakePool.tried) == 4  # the folder has no files in this test


async def test_of_several_processes_with_one_folder_one_gets_the_version(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
):
    """The others wait, and find it there."""

    def damage(versions: Versions, version: str) -> str | None:
        return None if versions.path(version).is_dir() else "not there"

    release = await setup.trials.newest("2026.1.1", (), float("inf"))
    assert release
    monkeypatch.setattr(Versions, "damage", damage)
    monkeypatch.setattr(versions_module, "_LOOK_S", 0.001)
    await asyncio.gather(*(setup.trials.ensure((release,)) for _ in range(3)))
    assert FakePool.tried == [release.filename]
    assert setup.kept == [VERSION]


@pytest.mark.parametrize("is_young", [True, False])
async def test_scripts_that_cannot_be_had_delay_the_update(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_young: bool
):
    monkeypatch.setattr(trials_module, "find_spec", lambda _name: object())
    setup.index.files[EJS].clear()
    if is_young:
        setup.index.add(EJS, wheel(tmp_path, EJS, SCRIPTS), age_s=0)
    with pytest.raises(UpdateError, match=r"yt-dlp-ejs 0\.9\.0 is not in the index") as caught:
        await setup.try_newest(until=unix_now() - 3_600)
    assert not isinstance(caught.value, ReleaseRefusedError)
    assert (setup.kept, FakePool.tried) == ([], [])


async def test_a_release_that_has_lost_its_attestation_is_not_downloaded(
    setup: Setup, tmp_path: Path
):
    setup.index.add(YTDLP, wheel(tmp_path, YTDLP, "2098.1.1"))["provenance"] = "/provenance"
    with pytest.raises(ReleaseRefusedError, match="no attestation"):
        await setup.try_newest()
    assert not any(path.startswith("/files") for path in setup.index.requested)


@pytest.mark.parametrize(
    ("outcome", "error", "reason"),
    [
        (TrialResult("it is broken"), ReleaseRefusedError, "it is broken"),
        (BrokenFileError("it crashed"), ReleaseRefusedError, "the self-test failed: it crashed"),
        (SpoolError("ENOSPC"), UpdateError, "the disk is full"),
        (PermissionError(13, "Permission denied"), UpdateError, "cannot be written"),
        (TrialResult(failed_canaries=(LINK.url,)), ReleaseRefusedError, "the canary of tiktok"),
    ],
)
async def test_a_version_that_does_not_work_is_not_kept(
    setup: Setup,
    monkeypatch: pytest.MonkeyPatch,
    outcome: TrialResult | Exception,
    error: type[UpdateError],
    reason: str,
):
    monkeypatch.setattr(FakePool, "outcome", outcome)
    with pytest.raises(error, match=reason) as caught:
        await setup.try_newest()
    assert type(caught.value) is error
    assert setup.kept == []


async def test_a_canary_that_cannot_be_read_without_it_either_says_nothing(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FakePool, "outcome", TrialResult(failed_canaries=(LINK.url,)))
    setup.fetcher.failures = [MediaDeletedError()]
    setup.fetcher.signed_in = True
    await setup.try_newest()
    assert not setup.fetcher.signed_in  # a test must not cost an account
    assert setup.kept == [VERSION]
