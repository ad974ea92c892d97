"""The scripted conversation of the demo has each site that is simulated."""

import ast
import inspect
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from platforms import Platform, load_registry
from simulator import script
from simulator.catalogue import SITES
from simulator.shapes import SHAPES, Shape
from tests.sites import Web

REGISTRY = load_registry()
ONLY_COBALT = "only cobalt reads it, and cobalt is not simulated"
FEW_ANSWERS = "yt-dlp reads it alone; nothing of ours is between its result and the post"
#: Sites without a simulation, and why.
NOT_SIMULATED = {
    **dict.fromkeys(("vimeo", "newgrounds", "xiaohongshu"), ONLY_COBALT),
    **dict.fromkeys(("snapchat", "streamable", "twitch"), FEW_ANSWERS),
}


def _said() -> Iterator[str]:
    """Yield the texts in the script's source, with the values of its constants."""
    for node in ast.walk(ast.parse(inspect.getsource(script))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(map(_part, node.values))


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
        return str(getattr(script, part.value.id, ""))
    return ""


URLS = [*_said(), *(shape.url for shape in SHAPES)]
LINKS = REGISTRY.find_all("\n".join(URLS))
LISTS = list(filter(None, map(REGISTRY.find_list, URLS)))


@pytest.mark.parametrize("name", SITES)
def test_the_script_has_a_post_of_each_simulated_site(name: str):
    assert name in {link.platform for link in LINKS}


@pytest.mark.parametrize("name", [name for name in SITES if REGISTRY[name].lists])
def test_the_script_has_a_list_of_each_simulated_site_with_lists(name: str):
    assert name in {link.platform for link in LISTS}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.title)
def test_a_shape_is_a_post_or_a_list_as_its_answer_says(shape: Shape):
    is_list = isinstance(shape.answer, str)
    assert (REGISTRY.find(shape.url) is None) is is_list
    assert (REGISTRY.find_list(shape.url) is not None) is is_list


@pytest.mark.parametrize("start", ["stories.", "stories:", "highlights:"])
def test_the_script_has_each_kind_of_stories(start: str):
    ids = [link.post_id or "" for link in LINKS if link.platform == "instagram"]
    assert any(post_id.startswith(start) for post_id in ids), ids


def test_each_site_is_simulated_or_named_with_a_reason(web: Web):
    def is_served(platform: Platform) -> bool:
        hosts = (urlsplit(url).hostname or "" for url in platform.examples)
        return any(map(web.sites().serves, hosts))

    served = {name for name, platform in REGISTRY.by_name.items() if is_served(platform)}
    assert served == set(SITES)
    assert REGISTRY.by_name.keys() - served == NOT_SIMULATED.keys()
