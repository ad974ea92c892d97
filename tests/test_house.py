"""Project-wide rules: layout, imports, wiring, words, sizes."""

import ast
import inspect
import io
import re
import statistics
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from data.config import ROOT
from handlers.injected import Injected, PerUpdate
from platforms import load_registry
from tests.architecture import PACKAGES, import_graph, modules
from tests.dispatcher import real_dispatcher, routers

OTHERS = {"benchmarks", "deploy", "docs", "locale", "tests"}


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.splitlines() if (ROOT / name).exists()]


# --- layout and imports ---------------------------------------------------------------------------


def test_there_is_no_folder_that_the_architecture_does_not_name():
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    assert {f for f in folders if not f.startswith(".")} <= PACKAGES | OTHERS


def test_no_package_hides_a_module_of_python():
    assert not (ROOT / "locale" / "__init__.py").exists()
    files = {Path(name).stem for name in tracked() if "/" not in name and name.endswith(".py")}
    assert not (PACKAGES | files | OTHERS - {"locale"}) & set(sys.stdlib_module_names)


def test_nothing_imports_main():
    for file, tree in modules(*PACKAGES, "tests", "benchmarks"):
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert "main" not in {*names, module}, file


def test_there_is_no_import_cycle():
    graph = {name: targets - {name} for name, targets in import_graph().items()}
    assert sum(map(len, graph.values())) > 500
    while leaves := {name for name, targets in graph.items() if not targets}:
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    assert graph == {}


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of every module that a module imports, also inside functions."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


#: What `core` may not use of the standard library: files, processes, networks, logs.
IO = {
    *("http", "logging", "os", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys"),
    *("tempfile", "threading"),
}


def test_core_uses_the_standard_library_only_and_no_input_or_output():
    allowed = {"core", *sys.stdlib_module_names} - IO
    found = {name for _, tree in modules("core") for name in imported(tree)}
    assert len(found) > 20
    assert {name for name in found if name.partition(".")[0] not in allowed} == set()
    assert "urllib.request" not in found


def test_no_package_imports_private_modules_of_another():
    # It replaces a function of a library, and is loaded in the process of a trial only.
    allowed = {("app", "platforms._self_test")}
    found = {
        (file.parts[0], name)
        for file, tree in modules(*PACKAGES)
        for name in imported(tree)
        if is_ours(name) and "._" in name and name.partition(".")[0] != file.parts[0]
    }
    assert found == allowed


def test_the_bot_does_not_import_what_belongs_to_tests():
    for file, tree in modules(*PACKAGES - {"simulator"}):
        tools = {name.partition(".")[0] for name in imported(tree)} & {
            "unittest",
            "pytest",
            "tests",
        }
        assert not tools, file


def test_files_of_sites_do_not_import_each_other():
    public = {p.stem for p in (ROOT / "platforms").glob("[a-z]*.py")}
    for file, tree in modules("platforms"):
        if file.stem not in public:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.removeprefix("platforms.") not in public, file


def test_every_site_is_a_value_with_examples_in_a_file_of_its_own():
    registry = load_registry()
    assert registry.by_name
    for name, platform in registry.by_name.items():
        assert platform.name == name == name.lower()
        assert (ROOT / "platforms" / f"{name}.py").exists()
        assert platform.examples
        assert platform.page_hosts.domains
        assert platform.media_hosts.domains


# --- handlers -------------------------------------------------------------------------------------


def all_handlers(folder: Path) -> list[Callable[..., Any]]:
    """Return all handlers of the bot's own dispatcher."""
    return [
        handler.callback
        for router in routers(real_dispatcher(folder))
        for observer in router.observers.values()
        for handler in observer.handlers
        if not handler.callback.__module__.startswith("aiogram")
    ]


def test_every_handler_gets_what_it_asks_for_in_the_right_type(tmp_path: Path):
    known = {**get_type_hints(Injected), **get_type_hints(PerUpdate)}
    handlers = all_handlers(tmp_path)
    assert len(handlers) > 30
    for callback in handlers:
        hints = get_type_hints(callback)
        _, *names = inspect.signature(callback).parameters
        for name in names:
            assert name in known, f"{callback} asks for {name}, which nothing provides"
            assert hints[name] == known[name], f"{callback} expects another type of {name}"


def test_the_dispatcher_has_exactly_what_is_declared(tmp_path: Path):
    data = real_dispatcher(tmp_path).workflow_data
    assert set(data) == set(get_type_hints(Injected))
    for name, hint in get_type_hints(Injected).items():
        assert isinstance(data[name], getattr(hint, "__origin__", hint)), name


def test_everything_injected_is_used_by_a_handler_or_filter(tmp_path: Path):
    asked = {name for call in all_handlers(tmp_path) for name in inspect.signature(call).parameters}
    filters = {
        name
        for router in routers(real_dispatcher(tmp_path))
        for observer in router.observers.values()
        for handler in observer.handlers
        for condition in handler.filters or []
        for name in inspect.signature(condition.callback).parameters
    }
    assert set(get_type_hints(Injected)) <= asked | filters


def test_handlers_are_short():
    for file, tree in modules("handlers"):
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("on_"):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1
                assert length <= 15, f"{file}:{node.name} has {length} lines"


# --- sizes ----------------------------------------------------------------------------------------

#: Classes whose fields are fixed by something else than our own design.
MAY_BE_LONG = {
    # One field for each section, and for each key of a section: they are the file's.
    "Settings",
    "LimitsSection",
    # The composition root holds what it has built, to start and stop it.
    "Container",
    # aiogram passes its data to handlers by parameter name, and a type checker reads those names
    # from one flat TypedDict only: a nested one would be one parameter.
    "Injected",
    # A method of the Bot API: aiogram serialises a field for each of its parameters.
    "SendByFileId",
}


def test_functions_stay_short():
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
        for _, tree in modules(*PACKAGES - {"simulator"})
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lengths) <= 5
    assert lengths[int(len(lengths) * 0.9)] <= 20


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1


def test_no_class_has_more_than_ten_fields():
    for file, tree in modules(*PACKAGES - {"simulator"}):
        if file.parts[:2] == ("data", "models"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in MAY_BE_LONG:
                fields = _fields(node)
                assert len(fields) <= 10, f"{file}:{node.name} has {len(fields)}: {sorted(fields)}"


def _fields(node: ast.ClassDef) -> set[str]:
    """Return the names of a class's instance attributes."""
    declared = {
        statement.target.id
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and "ClassVar" not in ast.unparse(statement.annotation)
    }
    assigned = {
        target.attr
        for child in ast.walk(node)
        if isinstance(child, ast.Assign | ast.AnnAssign)
        for target in (child.targets if isinstance(child, ast.Assign) else [child.target])
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }
    return declared | assigned


# --- words ----------------------------------------------------------------------------------------

#: Private metaphors. Names use the field's standard terms, see docs/decisions/0018.
BANNED = {
    "desk",
    "shelf",
    "workshop",
    "studio",
    "workbench",
    "bell",
    "worry",
    "errand",
    "ferry",
    "doubles",
    "chore",
    "voice",
}

#: Names of Telegram with such a word: ContentType.VOICE.
TELEGRAMS = {"VOICE"}


def split_words(text: str) -> set[str]:
    """Split snake and camel case and ordinary text into lower-case words."""
    return {
        word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text.replace("_", " "))
    }


@cache
def banned_words(text: str) -> frozenset[str]:
    """Return the words of a text that are banned, also as plurals."""
    return frozenset(
        word
        for word in split_words(text)
        for end, singular in (("", ""), ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"))
        if word.endswith(end) and word.removesuffix(end) + singular in BANNED
    )


def named_things(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every identifier, and of every literal in a call of a logger."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger."):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.lineno, part.value


def test_names_and_log_texts_use_standard_terms():
    found = []
    for file in sorted({*ROOT.glob("*.py")} | {ROOT / n for n in tracked() if n.endswith(".py")}):
        name = file.relative_to(ROOT)
        found += [f"{name}: {word}" for word in banned_words(str(name.with_suffix("")))]
        if name.parts[:2] == ("tests", "compatibility"):
            continue
        for line, text in named_things(file.read_text()):
            if text not in TELEGRAMS:
                found += [f"{name}:{line}: {word}" for word in banned_words(text)]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "class OrderDesk: ...",
        "my_shelf = 1",
        "logger.info('on the shelf')",
        "def ring_bell(): ...",
        "class Voice: ...",
        "desks = 1",
        "two_shelves = 2",
        "def run_errands(): ...",
        "import worries",
        "class Ferries: ...",
    ],
)
def test_a_planted_metaphor_is_found(planted: str):
    assert any(banned_words(text) for _, text in named_things(planted))


#: Ways to say something that read as if they were translated.
TRANSLATED = re.compile(
    r"\b(so many|so often|for so long)\b|^(give|tell|say) whether\b"
    r"|^(#:? )?who (comes|holds|writes|has)\b"
    r"|[.;:,]\s+(#:? )?who (is|has|asked|holds|waits|writes)\b",
    re.IGNORECASE | re.MULTILINE,
)


def explanations(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every comment and every docstring."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each paragraph of a page, which is one line of its file."""
    yield from enumerate(text.splitlines(), start=1)


def test_comments_docstrings_and_docs_are_plain_english():
    readers = {".py": explanations, ".md": lines_of}
    files = [ROOT / name for name in tracked()]
    assert {file.suffix for file in files} >= set(readers)
    found = [
        f"{file.relative_to(ROOT)}:{line}: {match[0]}"
        for file in sorted(file for file in files if file.suffix in readers)
        for line, text in readers[file.suffix](file.read_text())
        for match in [TRANSLATED.search(text)]
        if match
    ]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        '"""Tell whether it may be sent."""',
        "# Who comes second waits.",
        "#: Given up after so many failures.",
        "# Tried so often.",
        '"""Send the answer.\n\nWho asked may cancel it.\n"""',
        "# It ends; who waits is cancelled.",
    ],
)
def test_planted_translations_are_found(planted: str):
    assert any(TRANSLATED.search(text) for _, text in explanations(planted))


def test_no_two_classes_share_a_name():
    """Otherwise a reader has to look at the imports to know what a name means."""
    homes: dict[str, list[Path]] = {}
    for file, tree in modules(*PACKAGES - {"simulator"}):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(file)
    assert len(homes) > 300
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


# --- logs -----------------------------------------------------------------------------------------


def log_calls() -> Iterator[tuple[Path, ast.Call]]:
    for file, tree in modules(*PACKAGES - {"simulator"}):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger."):
                yield file, node


def test_no_chat_is_logged_by_its_id():
    """Ids are logged as LoggedChat, and the log's configuration decides how it is written."""
    ids = {"chat_id", "user_id", "admin_id", "new_chat_id"}
    owners = {"chat", "from_user", "user", "person"}
    calls = list(log_calls())
    assert len(calls) > 50
    for file, call in calls:
        for argument in call.args:
            *owner, name = ast.unparse(argument).split(".")
            is_id = name in ids or (name == "id" and owner and owner[-1] in owners)
            assert not is_id, f"{file}:{call.lineno}"


def test_every_log_line_has_an_event():
    """A stable name to search for, however the sentence changes."""
    missing = [
        f"{file}:{call.lineno}"
        for file, call in log_calls()
        if not any(
            keyword.arg == "extra" and "'event'" in ast.unparse(keyword.value)
            for keyword in call.keywords
        )
    ]
    assert missing == []


# --- the repository -------------------------------------------------------------------------------


def test_no_test_touches_private_attributes_of_the_bot():
    """Tests use what users of a class may use."""
    found = []
    for file, tree in modules("tests"):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
                continue
            owner = ast.unparse(node.value)
            if owner not in {"self", "cls", "super()", "os", "sys"}:
                found.append(f"{file}:{node.lineno}: {owner}.{node.attr}")
    assert found == []


def private_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything private in a module of the bot that a test uses."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if is_ours(module):
                for alias in names:
                    is_module = (ROOT / module.replace(".", "/") / f"{alias.name}.py").exists()
                    if alias.name.startswith("_") and not is_module:
                        yield node.lineno, f"{module}.{alias.name}"
            case ast.Constant(value=str(name)) if re.fullmatch(r"[a-z_]+(\.\w+)*\._\w+", name):
                if is_ours(name) and not (ROOT / f"{name.replace('.', '/')}.py").exists():
                    yield node.lineno, name


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def test_no_test_imports_or_replaces_private_names_of_the_bot():
    found = [
        f"{file}:{line}: {name}"
        for file, tree in modules("tests")
        if file != Path("tests/test_house.py")  # the samples below
        for line, name in private_names(tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from platforms._fetcher import _Route", ["platforms._fetcher._Route"]),
        ("patch.setattr('data.runners._READ_S', 1)", ["data.runners._READ_S"]),
        ("from platforms import _cobalt", []),
        ("from platforms._spool import Spool", []),
        ("patch.setattr('data.runners.WRITE_S', 1)", []),
        ("import_module('platforms._spool')", []),
        ("from tests.data import _x", []),
    ],
)
def test_private_names_are_found(source: str, expected: list[str]):
    assert [name for _, name in private_names(ast.parse(source))] == expected


def test_only_programs_of_their_own_install_audit_hooks():
    """A hook cannot be removed: it would see every later test of its process."""
    programs = {
        file.name
        for file, tree in modules("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "addaudithook"
    }
    assert programs == {"killed_restores.py", "audited_reads.py"}


def test_nothing_is_committed_that_must_not_be():
    for name in tracked():
        assert not name.endswith(("uv.lock", "poetry.lock", "Pipfile.lock")), name
        assert not name.startswith(("var/", ".env")) or name == ".env.example", name
        assert (ROOT / name).stat().st_size < 2_000_000, name


@pytest.mark.parametrize(
    "name",
    [
        f"requirements{name}.txt"
        for name in ("", "-attestations", "-demo", "-fleet", "-youtube", "-dev")
    ],
)
def test_requirements_are_pinned_with_hashes_and_without_addresses(name: str):
    text = (ROOT / name).read_text()
    assert "://" not in text
    pins = re.findall(r"^[A-Za-z0-9._\[\],-]+==", text, re.MULTILINE)
    assert len(pins) > 3
    assert text.count("--hash=sha256:") >= len(pins)


def test_every_python_gets_the_same_versions_of_what_the_bot_imports():
    """The tests run on one Python; another version of a package elsewhere would be untested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {
        re.split(r"[\[<>=]", one)[0].lower().replace("_", "-") for one in project["dependencies"]
    }
    pins = re.findall(
        r"^([\w.-]+)(?:\[\S*\])?==(.+?) ?\\$", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert direct <= {name for name, _ in pins}
    assert [(name, pin) for name, pin in pins if name in direct and ";" in pin] == []
