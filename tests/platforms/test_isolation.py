"""What reading a site costs and touches: no extractor before it is needed, no file, no network."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from platforms import load_registry
from platforms._ytdlp_site import YtdlpSite

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.long
async def test_a_read_opens_no_file_and_connects_to_the_proxy_only(
    shared_folder: Path, tmp_path: Path
):
    folders = (str(shared_folder), str(tmp_path))
    command = [sys.executable, "-m", "tests.platforms.audited_reads", *folders]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=-1, stderr=-1)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    # The certificates of the simulated sites. libcurl connects to the proxy without Python.
    assert {tuple(event) for event in found["events"]} <= {("open", found["ca_file"])}
    # How yt-dlp would colour a terminal, and where curl_cffi looks for authorities.
    assert set(found["environment"]) <= {
        *("TERM", "NO_COLOR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    }
    assert "page-reader" in found["threads"]
    assert {"ok.ru", "www.facebook.com", "www.threads.com"} <= set(found["hosts"])
