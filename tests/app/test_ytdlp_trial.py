"""The trial of a version; in this process, which has imported the installed yt-dlp."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.doctor.live_updates import live_update_findings
from app.ytdlp_update import attestation
from app.ytdlp_update.selection import installed_version, use_selected
from app.ytdlp_update.trial import TrialResult, Wheel, try_version
from app.ytdlp_update.versions import Versions
from app.ytdlp_update.wheel import unpack
from core.errors import ReleaseRefusedError
from core.ytdlp_releases import YTDLP, Release
from data.config import Settings, load_settings
from platforms import reader_version
from tests.ytdlp_releases import wheel_files, write_wheel

INSTALLED, _ = reader_version()
CANARY = "https://www.tiktok.com/@ferry.demo/video/7300000000000000001"


@pytest.fixture(autouse=True)
def _restored_process() -> Iterator[None]:
    before, compiles = list(sys.path), sys.dont_write_bytecode
    yield
    sys.path[:] = before
    sys.dont_write_bytecode = compiles
    logging.disable(logging.NOTSET)
    importlib.invalidate_caches()


def settings_with(folder: Path, **environment: str) -> Settings:
    return load_settings(folder / "none.ini", folder / "none.env", environment)


def wheel_of(folder: Path, version: str, provenance: bytes | None = None) -> Wheel:
    files = wheel_files(YTDLP, version, {"__init__.py": b""})
    path = write_wheel(folder, YTDLP, version, files)
    release = Release(YTDLP, version, path.name, "https://a.example/w", "ab" * 32, 1)
    return Wheel(release, path, provenance)


def test_a_wheel_that_is_wrong_is_not_tried(tmp_path: Path):
    wheel = wheel_of(tmp_path, INSTALLED)
    wheel.path.write_bytes(b"")
    verdict = try_version(settings_with(tmp_path), [wheel], tmp_path / "to")
    assert "BadZipFile" in verdict.reason


def test_a_wheel_that_each_start_would_ignore_is_not_tried(tmp_path: Path):
    """RECORD names a signature that is not there, so the folder would never count as intact."""
    signature = "yt_dlp-2099.1.1.dist-info/RECORD.jws"
    files = wheel_files(YTDLP, "2099.1.1", {"__init__.py": b""})
    path = write_wheel(tmp_path, YTDLP, "2099.1.1", files, lambda lines: [*lines, f"{signature},,"])
    release = Release(YTDLP, "2099.1.1", path.name, "https://a.example/w", "ab" * 32, 1)
    verdict = try_version(settings_with(tmp_path), [Wheel(release, path, None)], tmp_path / "to")
    assert verdict.reason == f"files are missing or unknown: {signature}"


def test_another_version_than_the_listed_one_fails(tmp_path: Path):
    wheel = wheel_of(tmp_path, "2099.1.1")
    assert try_version(settings_with(tmp_path), [wheel], tmp_path / "to") == TrialResult(
        f"the self-test failed: it is yt-dlp {INSTALLED}"
    )


def test_another_place_than_the_folder_fails(tmp_path: Path):
    verdict = try_version(settings_with(tmp_path), [wheel_of(tmp_path, INSTALLED)], tmp_path / "to")
    assert "it was imported from" in verdict.reason


def test_canaries_are_read_after_the_self_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, proxies = tmp_path / "to", tmp_path / "proxies.txt"
    proxies.write_text("http://127.0.0.1:9\n")
    settings = settings_with(
        tmp_path, WATCH_CANARIES=CANARY, NETWORK_PROXY_FILE=str(proxies), LIMITS_ATTEMPTS="1"
    )
    monkeypatch.setattr("platforms.reader_folder", lambda: folder.resolve())
    assert try_version(settings, [wheel_of(tmp_path, INSTALLED)], folder) == TrialResult(
        failed_canaries=(CANARY,)
    )
    assert sys.path[0] == str(folder)


def test_canaries_are_read_without_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, proxies = tmp_path / "to", tmp_path / "proxies.txt"
    proxies.write_text("http://127.0.0.1:9\n")
    account = tmp_path / "identities/instagram/a.txt"
    account.parent.mkdir(parents=True)
    account.write_text(".instagram.com\tTRUE\t/\tTRUE\t0\tsessionid\thunter2\n")
    settings = settings_with(
        tmp_path,
        WATCH_CANARIES="https://www.instagram.com/p/FERRYdemo01/",
        NETWORK_PROXY_FILE=str(proxies),
        LIMITS_ATTEMPTS="1",
        IDENTITIES_FOLDER=str(account.parent.parent),
    )
    monkeypatch.setattr("platforms.reader_folder", lambda: folder.resolve())
    verdict = try_version(settings, [wheel_of(tmp_path, INSTALLED)], folder)
    assert (verdict.reason, len(verdict.failed_canaries)) == ("", 1)
    assert list(account.parent.iterdir()) == [account]  # no health, because nothing has used it


def test_whatever_a_broken_version_does_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def leave() -> None:
        sys.exit(3)

    monkeypatch.setattr("platforms.reader_version", leave)
    verdict = try_version(settings_with(tmp_path), [wheel_of(tmp_path, INSTALLED)], tmp_path / "to")
    assert verdict.reason == "the self-test failed: SystemExit: 3"


# --- attestations ---------------------------------------------------------------------------------


class FakeLibrary:
    """Stands in for pypi-attestations, which is not among the packages of every installation."""

    class AttestationError(Exception):
        """An attestation is wrong."""

    def __init__(self, *publishers: tuple[str, str], is_wrong: bool = False) -> None:
        self.verified: list[tuple[str, str, bool]] = []
        attestations = [SimpleNamespace(verify=self._verify)]
        self._bundles = [
            SimpleNamespace(
                publisher=SimpleNamespace(kind=kind, repository=repository),
                attestations=attestations,
            )
            for kind, repository in publishers
        ]
        self._is_wrong = is_wrong
        self.Provenance = SimpleNamespace(model_validate_json=self._parse)
        self.Distribution = SimpleNamespace(from_file=lambda path: path.name)

    def _parse(self, text: bytes) -> Any:
        if text != b"{}":
            raise ValueError("no JSON")
        return SimpleNamespace(attestation_bundles=self._bundles)

    def _verify(self, publisher: Any, distribution: str, *, offline: bool) -> None:
        if self._is_wrong:
            raise self.AttestationError("wrong")
        self.verified.append((publisher.repository, distribution, offline))


def use(monkeypatch: pytest.MonkeyPatch, library: FakeLibrary) -> FakeLibrary:
    monkeypatch.setattr(attestation, "import_module", lambda _name: library)
    monkeypatch.setattr(attestation, "find_spec", lambda _name: object())
    return library


GOOD = ("GitHub", "yt-dlp/yt-dlp")


def test_all_attestations_of_the_publisher_are_verified(monkeypatch: pytest.MonkeyPatch):
    library = use(monkeypatch, FakeLibrary(GOOD, GOOD))
    attestation.verify(Path("a.whl"), b"{}", "yt-dlp/yt-dlp")
    assert library.verified == [("yt-dlp/yt-dlp", "a.whl", True)] * 2


@pytest.mark.parametrize(
    ("library", "provenance", "reason"),
    [
        (FakeLibrary(GOOD, is_wrong=True), b"{}", "is wrong: AttestationError"),
        (FakeLibrary(GOOD), b"[", "is wrong: ValueError"),
        (FakeLibrary(GOOD, ("GitHub", "evil/yt-dlp")), b"{}", "not published by yt-dlp/yt-dlp"),
        (FakeLibrary(("GitLab", "yt-dlp/yt-dlp")), b"{}", "not published by yt-dlp/yt-dlp"),
        (FakeLibrary(), b"{}", "has no attestation"),
    ],
)
def test_a_wrong_attestation_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    library: FakeLibrary,
    provenance: bytes,
    reason: str,
):
    use(monkeypatch, library)
    with pytest.raises(ReleaseRefusedError, match=reason):
        attestation.verify(Path("a.whl"), provenance, "yt-dlp/yt-dlp")
    wheel = wheel_of(tmp_path, INSTALLED, provenance)
    assert reason in try_version(settings_with(tmp_path), [wheel], tmp_path / "to").reason
    assert not (tmp_path / "to").exists()


def published(*publishers: dict[str, str]) -> bytes:
    """Return what an index says about who has published a file; the signatures are none."""
    attestation = {
        "version": 1,
        "verification_material": {"certificate": "AAAA", "transparency_entries": [{}]},
        "envelope": {"statement": "AAAA", "signature": "AAAA"},
    }
    bundles = [{"publisher": each, "attestations": [attestation]} for each in publishers]
    return json.dumps({"version": 1, "attestation_bundles": bundles}).encode()


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        (published(), "has no attestation"),
        (b"{}", "is wrong: ValidationError"),
        (
            published({"kind": "GitHub", "repository": "yt-dlp/yt-dlp", "workflow": "a.yml"}),
            "is wrong: ConversionError",
        ),
        (
            published({"kind": "GitHub", "repository": "evil/yt-dlp", "workflow": "a.yml"}),
            "not published by yt-dlp/yt-dlp",
        ),
        (
            published({"kind": "GitLab", "repository": "yt-dlp/yt-dlp", "workflow_filepath": "a"}),
            "not published by yt-dlp/yt-dlp",
        ),
    ],
)
def test_the_real_library_refuses_what_nobody_has_signed(
    tmp_path: Path, provenance: bytes, reason: str
):
    assert attestation.can_verify()
    wheel = wheel_of(tmp_path, INSTALLED, provenance)
    assert reason in try_version(settings_with(tmp_path), [wheel], tmp_path / "to").reason
    assert sorted(path.name for path in tmp_path.iterdir()) == [wheel.path.name]


# --- the start ------------------------------------------------------------------------------------


def put(folder: Path, version: str) -> Versions:
    """Put a version into a folder and select it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    versions = Versions(folder)
    wheel = wheel_of(folder.parent, version)
    unpack(wheel.path, wheel.release, versions.path(version))
    versions.select(version)
    return versions


def test_the_selected_version_goes_first(tmp_path: Path):
    versions = put(tmp_path / "yt-dlp", "2099.1.1")
    use_selected(versions.folder)
    assert sys.path[0] == str(versions.path("2099.1.1"))
    assert installed_version(versions.folder) == INSTALLED


def test_a_nightly_build_is_newer_than_the_release_of_its_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    about = tmp_path / "site/yt_dlp-2026.11.20.232801.dev0.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.4\nName: yt-dlp\nVersion: 2026.11.20.232801.dev0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    assert installed_version(tmp_path / "yt-dlp") == "2026.11.20.232801"
    put(tmp_path / "yt-dlp", "2026.11.20")
    use_selected(tmp_path / "yt-dlp")
    assert sys.path == [str(tmp_path / "site")]


@pytest.mark.parametrize("version", [INSTALLED, "2020.1.1", None])
def test_an_installed_version_that_is_not_older_is_used(tmp_path: Path, version: str | None):
    before = list(sys.path)
    if version:
        put(tmp_path / "yt-dlp", version)
    use_selected(tmp_path / "yt-dlp")
    assert sys.path == before


def test_a_damaged_version_is_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    before = list(sys.path)
    versions = put(tmp_path / "yt-dlp", "2099.1.1")
    (versions.path("2099.1.1") / "yt_dlp/__init__.py").write_text("broken")
    use_selected(versions.folder)
    assert sys.path == before
    assert "yt-dlp 2099.1.1 is ignored: yt_dlp/__init__.py has changed" in caplog.text


# --- the doctor -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_writable", "is_installed", "expected"),
    [
        (True, True, ["ok: attestations are verified"]),
        (True, False, ["warning: attestations are not verified"]),
        (False, True, ["warning: cannot be written", "ok: attestations are verified"]),
    ],
)
def test_the_doctor_looks_at_folder_and_library(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_writable: bool,
    is_installed: bool,
    expected: list[str],
):
    monkeypatch.setattr("app.doctor.live_updates.may_write", lambda *_: is_writable)
    monkeypatch.setattr(attestation, "can_verify", lambda: is_installed)
    found = list(live_update_findings(tmp_path / "yt-dlp"))
    for finding, sentence in zip(found, expected, strict=True):
        level, _, part = sentence.partition(": ")
        assert finding.level == level
        assert part in finding.text


def test_the_doctor_names_a_damaged_version(tmp_path: Path):
    versions = put(tmp_path / "yt-dlp", "2099.1.1")
    assert len(list(live_update_findings(versions.folder))) == 1
    (versions.path("2099.1.1") / "yt_dlp/__init__.py").unlink()
    first, _ = live_update_findings(versions.folder)
    assert (first.level, "2099.1.1 is ignored" in first.text) == ("warning", True)
