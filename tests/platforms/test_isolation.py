"""What reading a site costs and touches: no extractor before it is needed, no file, no network."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from platforms import load_registry
from platforms._ytdlp_site import YtdlpSite
from tests.platforms import js_stand_ins

ROOT = Path(__file__).resolve().parents[2]
#: How yt-dlp would colour a terminal, and where curl_cffi looks for authorities.
VARIABLES = {"TERM", "NO_COLOR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
#: How yt-dlp asks the JavaScript runtimes for their versions, and runs the first one.
PROBES = ("deno --version", "qjs --help")
RUN = (
    "deno run --ext=js --no-code-cache --no-prompt --no-remote --no-lock --node-modules-dir=none"
    " --no-config --no-npm --cached-only -"
)
LISTING = """
import json, sys
import app.application
from platforms import load_registry
load_registry()
print(json.dumps(sorted(sys.modules)))
"""


def test_no_extractor_of_a_site_is_imported_before_its_first_link():
    command = [sys.executable, "-c", LISTING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    readers = [platform.recognise for platform in load_registry().by_name.values()]
    lazy = [found for found in (getattr(r, "__self__", None) for r in readers) if found]
    modules = {site.extractor[0] for site in lazy if isinstance(site, YtdlpSite)}
    assert {"soundcloud", "dailymotion", "vk", "bilibili", "youtube"} <= modules
    # Reddit's own file extends the extractor.
    assert modules & {name.removeprefix("yt_dlp.extractor.") for name in loaded} <= {"reddit"}
    assert not {"platforms._po_tokens", "yt_dlp_ejs", "yt_dlp_plugins"} & loaded


async def audited(kind: str, *folders: Path) -> dict[str, Any]:
    """Return what was heard while examples were read; see `audited_reads`."""
    command = [sys.executable, "-m", "tests.platforms.audited_reads", kind, *map(str, folders)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=-1, stderr=-1)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(output)
    assert "page-reader" in found["threads"]
    assert set(found["environment"]) <= VARIABLES
    return found


@pytest.mark.long
async def test_a_read_opens_no_file_and_connects_to_the_proxy_only(
    shared_folder: Path, tmp_path: Path
):
    found = await audited("visitors", shared_folder, tmp_path)
    # libcurl connects to the proxy without Python.
    assert found["events"] == []
    assert {"ok.ru", "www.facebook.com", "www.threads.com"} <= set(found["hosts"])


@pytest.mark.long
async def test_a_read_with_an_account_opens_no_file_but_those_of_the_account(
    shared_folder: Path, tmp_path: Path
):
    found = await audited("accounts", shared_folder, tmp_path)
    assert found["events"] == []
    accounts, samples = tmp_path / "identities", shared_folder / "samples"
    opened = {(example.partition(",")[0], Path(path)) for example, _, path in found["files"]}
    # The simulated sites, which run in the same process, read their files.
    ours = {(site, path) for site, path in opened if not path.is_relative_to(samples)}
    others = {(site, path) for site, path in ours if not is_of(accounts / site, path)}
    assert others == set()
    read = {path for _, path in ours if path.suffix == ".txt"}
    assert read == {accounts / site / "anna.txt" for site, _ in ours}
    assert len(read) > 10


def is_of(folder: Path, path: Path) -> bool:
    """Return True if a path is that of a site's accounts, or of the only one that it has.

    Its state is written to a file with another name first.
    """
    names = {"anna.txt", "anna.json", "anna.lock"}
    is_own = path.name in names or path.name.startswith(".")
    return path == folder or (path.parent == folder and is_own)


@pytest.mark.long
async def test_youtube_is_read_with_the_runtime_and_the_files_of_the_solver_only(
    shared_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    javascript = tmp_path / "javascript"
    monkeypatch.setenv("PATH", str(js_stand_ins.install(javascript)))
    monkeypatch.setenv("PYTHONPATH", str(javascript))
    found = await audited("youtube", shared_folder, tmp_path)
    assert "n=yrref" in found["videos"]["youtube"]
    solver = javascript / "yt_dlp_ejs" / "yt" / "solver"
    assert Counter((event, argument) for _, event, argument in found["events"]) == {
        ("open", str(solver / "core.min.js")): 1,
        ("open", str(solver / "lib.min.js")): 1,
        **{("subprocess.Popen", command): 1 for command in (*PROBES, RUN)},
    }


async def test_without_a_runtime_youtube_is_only_asked_whether_there_is_one(
    shared_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    found = await audited("no-runtime", shared_folder, tmp_path)
    assert found["videos"]["youtube"]
    assert {(event, argument) for _, event, argument in found["events"]} == {
        ("subprocess.Popen", command) for command in PROBES
    }
