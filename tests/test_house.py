"""The rules of the house, checked: rooms, imports, wiring, twins."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiogram import Dispatcher, Router

from data.config import ROOT
from handlers import setup
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import Registration
from misc.middlewares.update_acks import UpdateAcks
from misc.ui.texts import load_texts
from platforms import load_registry

ROOMS = {
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
OTHERS = {"benchmarks", "docs", "locale", "tests"}

#: What a handler may ask for: what main hands over, what filters find, what aiogram gives.
GIVERS = {
    "sender",
    "texts",
    "registry",
    "intake",
    "running_buttons",
    "request_queue",
    "ack",
    "bans",
    "inline",
    "inline_buttons",
    "deduplicator",
    "broadcast",
    "broadcasts",
    "statistics",
    "pseudonyms",
    "exports",
    "spool",
    "command",
    "chat",
    "links",
    "bot",
}


def sources(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for file in sorted((ROOT / room).glob("**/*.py")):
            yield file.relative_to(ROOT), ast.parse(file.read_text())


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listing.stdout.splitlines()


def test_no_room_that_the_architecture_does_not_name():
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    assert {f for f in folders if not f.startswith(".")} <= ROOMS | OTHERS


def test_no_room_hides_a_module_of_python():
    assert not (ROOT / "locale" / "__init__.py").exists()
    files = {Path(name).stem for name in tracked() if "/" not in name and name.endswith(".py")}
    assert not (ROOMS | files | OTHERS - {"locale"}) & set(sys.stdlib_module_names)


def test_nobody_imports_main():
    for file, tree in sources(*ROOMS, "tests", "benchmarks"):
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert "main" not in {*names, module}, file


def all_handlers() -> Iterator[tuple[str, object]]:
    dispatcher = Dispatcher()
    setup(
        dispatcher,
        UpdateAcks(),
        BanList(frozenset()),
        Registration(load_texts(), load_registry(), 0),
    )

    def walk(router: Router) -> Iterator[tuple[str, object]]:
        for kind, observer in router.observers.items():
            for handler in observer.handlers:
                yield kind, handler.callback
        for sub in router.sub_routers:
            yield from walk(sub)

    return walk(dispatcher)


def test_every_handler_gets_what_it_asks_for():
    handlers = list(all_handlers())
    assert len(handlers) > 10
    for _, callback in handlers:
        assert callable(callback)
        if callback.__module__.startswith("aiogram"):
            continue  # the dispatcher's own
        _, *asked = inspect.signature(callback).parameters
        assert set(asked) <= GIVERS, callback


def test_the_givers_are_what_is_given():
    """The names above are really handed over by the application, or found by filters."""
    application = (ROOT / "app" / "application.py").read_text()
    filters = (ROOT / "misc" / "filters.py").read_text()
    middleware = (ROOT / "misc/middlewares/registration.py").read_text()
    middleware += (ROOT / "misc/middlewares/update_acks.py").read_text()
    for name in GIVERS - {"bot", "command"}:
        given = f"{name}=" in application or f'"{name}"' in filters or f'"{name}"' in middleware
        assert given, name


def test_handlers_are_short():
    for file, tree in sources("handlers"):
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("on_"):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1
                assert length <= 15, f"{file}:{node.name} has {length} lines"


#: Files whose behaviour is tested elsewhere, and where.
TWINS = {
    "core/ads.py": "tests/data/test_db_service.py",
    "core/errors.py": "tests/core/test_rules.py",
    "data/ads.py": "tests/e2e/test_ads.py",
    "data/error_reports.py": "tests/e2e/test_admin.py",
    "data/key_values.py": "tests/e2e/test_monitoring.py",
    "data/statistics.py": "tests/data/test_rollups.py",
    "core/pseudonyms.py": "tests/app/test_logging_config.py",
    "services/alarms.py": "tests/e2e/test_monitoring.py",
    "services/botstat.py": "tests/e2e/test_statistics.py",
    "services/charts.py": "tests/e2e/test_statistics.py",
    "services/metrics.py": "tests/e2e/test_monitoring.py",
    "services/statistics.py": "tests/e2e/test_statistics.py",
    "data/exports.py": "tests/e2e/test_admin.py",
    "services/exports.py": "tests/e2e/test_admin.py",
    "data/lifespan.py": "tests/e2e/test_lifecycle.py",
    "data/privacy.py": "tests/e2e/test_privacy.py",
    "data/bans.py": "tests/data/test_requests.py",
    "data/broadcasts.py": "tests/e2e/test_broadcasts.py",
    "services/broadcasts.py": "tests/e2e/test_broadcasts.py",
    "data/inline_messages.py": "tests/e2e/test_inline.py",
    "data/requests.py": "tests/data/test_requests.py",
    "misc/middlewares/update_acks.py": "tests/e2e/test_crash.py",
    "app/periodic_tasks.py": "tests/e2e/test_crash.py",
    "services/requests/store.py": "tests/e2e/test_crash.py",
    "delivery/api_requests.py": "tests/e2e/test_main_job.py",
    "services/requests/file_id_cache.py": "tests/e2e/test_cache.py",
    "media/processor.py": "tests/e2e/test_files.py",
    "data/downloads.py": "tests/data/test_db_service.py",
    "data/errors.py": "tests/e2e/test_main_job.py",
    "delivery/sender.py": "tests/e2e/test_main_job.py",
    "delivery/status_indicator.py": "tests/e2e/test_main_job.py",
    "services/requests/posts.py": "tests/e2e/test_main_job.py",
    "services/requests/queue.py": "tests/e2e/test_queue.py",
    "services/requests/pipeline.py": "tests/e2e/test_main_job.py",
    "services/requests/audio.py": "tests/e2e/test_audio.py",
    "media/audio.py": "tests/e2e/test_audio.py",
}


def test_every_public_file_of_the_lower_rooms_has_its_test():
    tests = {name for name in tracked() if name.startswith("tests/")}
    for room in ("core", "data", "delivery", "platforms", "services"):
        for file in sorted((ROOT / room).glob("*.py")):
            name = f"{room}/{file.name}"
            is_value = room == "platforms" and "YtdlpSite(" in file.read_text()
            if file.name.startswith("_") or is_value:
                continue  # a site that is only a value is tested in test_more_sites.py
            twin = f"tests/{room}/test_{file.name}"
            words_only = name in {"core/media.py", "core/clock.py"}
            is_rule = room == "core" and "tests/core/test_rules.py" in tests
            is_wiring = name in {"delivery/client.py", "delivery/targets.py"}
            has_test = twin in tests or TWINS.get(name) in tests
            assert has_test or words_only or is_rule or is_wiring, f"{name} has no {twin}"


def test_platforms_are_values_with_examples():
    registry = load_registry()
    assert registry.by_name
    for name, platform in registry.by_name.items():
        assert platform.name == name == name.lower()
        assert (ROOT / "platforms" / f"{name}.py").exists()
        assert platform.examples
        assert platform.page_hosts.domains
        assert platform.media_hosts.domains


def test_platform_files_do_not_know_each_other():
    public = {p.stem for p in (ROOT / "platforms").glob("[a-z]*.py")}
    for file, tree in sources("platforms"):
        if file.stem not in public:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.removeprefix("platforms.") not in public, file


def test_no_chat_is_logged_by_its_id():
    """Ids go into the log as ChatName, about which the log itself decides."""
    ids = {"chat_id", "user_id", "admin_id", "new_chat_id"}
    owners = {"chat", "from_user", "user", "person"}
    lines = 0
    for file, tree in sources(*ROOMS - {"simulator"}):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger.")):
                continue
            lines += 1
            for argument in node.args:
                *owner, name = ast.unparse(argument).split(".")
                is_id = name in ids or (name == "id" and owner and owner[-1] in owners)
                assert not is_id, f"{file}:{node.lineno}"
    assert lines > 50


def test_nothing_is_committed_that_must_not_be():
    for name in tracked():
        assert not name.endswith(("uv.lock", "poetry.lock", "Pipfile.lock")), name
        assert not name.startswith(("var/", ".env")) or name == ".env.example", name
        assert (ROOT / name).stat().st_size < 2_000_000, name


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-demo.txt", "requirements-dev.txt"]
)
def test_requirements_are_pinned_with_hashes_and_without_addresses(name: str):
    text = (ROOT / name).read_text()
    assert "://" not in text
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    assert all("==" in entry for entry in entries)
    assert text.count("--hash=sha256:") >= len(entries)
