"""Stand-ins for what YouTube is read with: the package `yt_dlp_ejs`, and the runtime deno.

The package has the interface of the real one; of the challenges, both only reverse the text.
"""

import hashlib
import sys
from pathlib import Path

from yt_dlp.extractor.youtube.jsc._builtin.ejs import EJSBaseJCP, ScriptType, ScriptVariant

from platforms import wanted_js_solver

_CORE = """
const solved = (all) => Object.fromEntries(all.map((one) => [one, [...one].reverse().join("")]));
const answer = (request) => ({type: "result", data: solved(request.challenges)});
const jsc = (asked) => ({type: "result", responses: asked.requests.map(answer)});
"""
_LIB = "const lib = {};\n"
_MODULE = """
import importlib.resources


def _read(name):
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def core():
    return _read("core.min.js")


def lib():
    return _read("lib.min.js")
"""
_RUNTIME = f"""#!{sys.executable}
import json, re, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("deno 2.9.8"))
asked = json.loads(re.search(r"jsc\\((.*)\\)\\)\\);", sys.stdin.read())[1])
answers = [
    {{"type": "result", "data": {{one: one[::-1] for one in request["challenges"]}}}}
    for request in asked["requests"]
]
print(json.dumps({{"type": "result", "responses": answers}}))
"""


def install(folder: Path) -> Path:
    """Write both to a folder, from which the package is imported; return that of the runtime."""
    solver, runtime = folder / "yt_dlp_ejs" / "yt" / "solver", folder / "bin" / "deno"
    for path, text in (
        (folder / "yt_dlp_ejs" / "__init__.py", f'version = "{wanted_js_solver()}"\n'),
        (folder / "yt_dlp_ejs" / "yt" / "__init__.py", ""),
        (solver / "__init__.py", _MODULE),
        (solver / "core.min.js", _CORE),
        (solver / "lib.min.js", _LIB),
        (runtime, _RUNTIME),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    runtime.chmod(0o700)
    return runtime.parent


def accept() -> None:
    """Make yt-dlp, which only runs scripts that it knows, take these."""
    for kind, text in ((ScriptType.CORE, _CORE), (ScriptType.LIB, _LIB)):
        known = hashlib.sha3_512(text.encode()).hexdigest()
        EJSBaseJCP._ALLOWED_HASHES[kind][ScriptVariant.MINIFIED] = known
