"""Releases of yt-dlp that nobody has made, and a package index for them at loopback."""

import base64
import hashlib
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yt_dlp
from aiohttp import web

from core.ytdlp_releases import EJS, YTDLP
from data.database import unix_now
from platforms._self_test import self_test

DAY_S = 86_400
#: More than 72 hours.
OLD_S = 4 * DAY_S


def wheel_files(project: str, version: str, package: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a wheel, without RECORD; `package` are those below the package."""
    name = project.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\n"
    if project == YTDLP:
        metadata += f"Requires-Dist: {EJS}==0.9.0; extra == 'default'\n"
    kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return {
        **{f"{name}/{path}": content for path, content in package.items()},
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": kind.encode(),
    }


def write_wheel(
    folder: Path,
    project: str,
    version: str,
    files: Mapping[str, bytes],
    record: Callable[[list[str]], list[str]] = lambda lines: lines,
) -> Path:
    """Write a wheel with these files; `record` may change the lines of RECORD."""
    name = project.replace("-", "_")
    place = f"{name}-{version}.dist-info/RECORD"
    lines = [f"{path},{digest(content)},{len(content)}" for path, content in files.items()]
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
        archive.writestr(place, "\n".join([*record(lines), f"{place},,"]) + "\n")
    return path


def digest(content: bytes) -> str:
    """Return a hash as RECORD has it."""
    hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={hashed.rstrip(b'=').decode()}"


def ytdlp_wheel(folder: Path, version: str, added: Mapping[str, str] | None = None) -> Path:
    """Write a wheel of the installed yt-dlp under another version, with what our sites need of it.

    `added` is code that is appended to modules, by their paths below the package.
    """
    package = dict(_package())
    for path, code in {"version.py": f"\n__version__ = '{version}'\n", **(added or {})}.items():
        package[path] += code.encode()
    return write_wheel(folder, YTDLP, version, wheel_files(YTDLP, version, package))


@cache
def _package() -> dict[str, bytes]:
    """Return the modules of the installed yt-dlp without the extractors that are not used."""
    self_test()  # imports those that are
    root = Path(yt_dlp.__file__).parent
    used = {
        Path(module.__file__ or "")
        for name, module in list(sys.modules.items())
        if name.startswith("yt_dlp.extractor.")
    }
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*.py")
        if path in used or not path.is_relative_to(root / "extractor") or path.stem == "__init__"
    }


@dataclass
class FakeIndex:
    """An index with wheels; an entry is changed to make it lie."""

    url: str = ""
    #: What is listed, by project.
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: What is served, by path.
    bodies: dict[str, bytes] = field(default_factory=dict)
    #: Paths that were requested.
    requested: list[str] = field(default_factory=list)

    def add(self, project: str, wheel: Path, age_s: int = OLD_S) -> dict[str, Any]:
        """List a wheel and return its entry."""
        body = wheel.read_bytes()
        self.bodies[f"/files/{wheel.name}"] = body
        at = datetime.fromtimestamp(unix_now() - age_s, UTC)
        entry = {
            "filename": wheel.name,
            "url": f"../../files/{wheel.name}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            "upload-time": at.isoformat().replace("+00:00", "Z"),
            "yanked": False,
            "provenance": None,
        }
        self.files.setdefault(project, []).append(entry)
        return entry

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer like an index."""
        self.requested.append(request.path)
        if request.path in self.bodies:
            return web.Response(body=self.bodies[request.path])
        if request.path == "/simple/moved/":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        project = request.path.removeprefix("/simple/").strip("/")
        if project not in self.files:
            return web.Response(status=404)
        kind = "application/vnd.pypi.simple.v1+json"
        assert kind in request.headers["Accept"]
        document = {"meta": {"api-version": "1.3"}, "name": project, "files": self.files[project]}
        return web.json_response(document, content_type=kind)


@asynccontextmanager
async def serving_index() -> AsyncIterator[FakeIndex]:
    """Serve an empty index at loopback."""
    index, app = FakeIndex(), web.Application()
    app.router.add_get("/{path:.*}", index.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    index.url = f"http://{host}:{port}"
    try:
        yield index
    finally:
        await runner.cleanup()
