"""Which package imports which, from the syntax trees; and a picture of it (`make settings`)."""

import ast
import textwrap
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from data.config import ROOT

PICTURE: Final = ROOT / "docs" / "images" / "architecture.svg"
PACKAGES: Final = {
    "app",
    "core",
    "data",
    "delivery",
    "handlers",
    "media",
    "misc",
    "platforms",
    "services",
    "simulator",
}
#: Sizes of the picture, in pixels.
_BOX_W: Final = 420
_ROW_H: Final = 72
_BOX_H: Final = 56
_MARGIN: Final = 16
_LANE_W: Final = 26
_TEXT_CHARS: Final = 62
_COLOURS: Final = (
    "#b5443c", "#a85c12", "#6f58b8", "#3c7a2e", "#23788a", "#2f6fae", "#a8477c", "#6b7280",
)  # fmt: skip
_STYLE: Final = """
text { font-family: system-ui, sans-serif; fill: #16202a }
.name { font-size: 15px; font-weight: 600 } .about { font-size: 12px }
.paper { fill: #fff } .box { fill: #f1f3f5 } path { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #f3f5f7 } .paper { fill: #17212b } .box { fill: #2b3946 }
path, circle, polygon { filter: brightness(1.5) }
}"""


def modules(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the path, relative to the root, and the syntax tree of every module."""
    for package in packages:
        for file in sorted((ROOT / package).glob("**/*.py")):
            yield file.relative_to(ROOT), ast.parse(file.read_text())


def import_graph() -> dict[str, set[str]]:
    """Return which modules of the bot each module imports, also inside functions."""
    names = {}
    for file, tree in modules(*PACKAGES):
        name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        names[name] = tree
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name, tree in names.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names} & names.keys()
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    graph[name] |= {full if full in names else node.module} & names.keys()
    return graph


def package_graph() -> dict[str, list[str]]:
    """Return which other packages each package imports, both in the order of the layers.

    The simulator, which stands apart, is last.
    """
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in config["contracts"] if c["type"] == "layers")
    order = [name for layer in layers for name in layer.split(" | ")]
    order += sorted(PACKAGES - set(order))
    pairs = {
        (module.partition(".")[0], target.partition(".")[0])
        for module, targets in import_graph().items()
        for target in targets
    }
    return {a: [b for b in order if b != a and (a, b) in pairs] for a in order}


def draw() -> str:
    """Return the picture, an SVG: a box for each package, an arrow for each of its imports."""
    graph = package_graph()
    rows = list(graph)
    importers = [name for name in rows if graph[name]]
    width = 2 * _MARGIN + _BOX_W + _LANE_W * (len(importers) + 1)
    height = 2 * _MARGIN + _ROW_H * len(rows) - (_ROW_H - _BOX_H)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        "<title>The packages of Clipferry, and which imports which</title>",
        f"<style>{_STYLE}\n</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
        *(_box(row, name) for row, name in enumerate(rows)),
        *(_arrows(lane, rows.index(a), [rows.index(b) for b in graph[a]])
          for lane, a in enumerate(importers)),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _box(row: int, name: str) -> str:
    y = _MARGIN + row * _ROW_H
    purpose = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text())) or ""
    purpose = purpose.partition("\n")[0].replace("`", "")
    lines = textwrap.wrap(purpose, _TEXT_CHARS)[:2]
    x = _MARGIN + 12
    texts = [f'<text class="name" x="{x}" y="{y + 20}">{name}</text>'] + [
        f'<text class="about" x="{x}" y="{y + 35 + 14 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    box = f'<rect class="box" x="{_MARGIN}" y="{y}" width="{_BOX_W}" height="{_BOX_H}" rx="8"/>'
    return "\n".join([box, *texts])


def _arrows(lane: int, source: int, targets: list[int]) -> str:
    """Draw one line from a package down to the last that it imports, with arrows to each."""
    colour = _COLOURS[lane % len(_COLOURS)]
    edge = _MARGIN + _BOX_W
    x = edge + _LANE_W * (lane + 1)
    ys = [_MARGIN + row * _ROW_H + 7 + 6 * lane for row in (source, *targets)]
    lines = f"M{edge} {ys[0]}H{x}V{ys[-1]}" + "".join(f"M{x} {y}H{edge + 6}" for y in ys[1:])
    heads = [
        f'<polygon fill="{colour}" points="{edge},{y} {edge + 8},{y - 4} {edge + 8},{y + 4}"/>'
        for y in ys[1:]
    ]
    start = f'<circle fill="{colour}" cx="{edge}" cy="{ys[0]}" r="4"/>'
    return "\n".join([f'<path stroke="{colour}" d="{lines}"/>', start, *heads])
