"""Share fixtures: databases, sample media and sites; allow connections to loopback only."""

import ipaddress
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings

from data import database
from simulator.samples import SampleStore
from simulator.sites.instagram import InstagramSite
from simulator.sites.pinterest import PinterestSite
from simulator.sites.proxy import Authority
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import TikTokSite
from simulator.sites.x import XSite
from simulator.telegram.api import BotApi
from tests.contract.watch import ContractWatcher
from tests.ports import free_port
from tests.postgres import running_postgres
from tests.secrets import SecretFinder
from tests.sites import Web

_E2E = Path(__file__).parent / "e2e"
_MEDIA = Path(__file__).parent / "media"
#: Its tests make wrong calls on purpose.
_OF_SIMULATOR = Path(__file__).parent / "simulator"
#: Fixtures that create sample media or serve the simulated sites.
_SIMULATOR = {"samples", "authority", "web"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by path and fixtures: `e2e`, `simulator` and `postgres`."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if _E2E in item.path.parents:
            item.add_marker("e2e")
        elif fixtures & _SIMULATOR or _MEDIA in item.path.parents:
            item.add_marker("simulator")
        callspec = getattr(item, "callspec", None)
        database_kind = callspec.params.get("db_url") if callspec else None
        if "postgres_server" in fixtures or database_kind == "postgresql":
            item.add_marker("postgres")
    _put_long_ones_first(items)


def _put_long_ones_first(items: list[pytest.Item]) -> None:
    """Let each process begin with some of the tests marked `long`.

    One that began at the end would run while all other processes have nothing left to do. At first,
    pytest-xdist gives each process as many tests, from the beginning of the list on.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    ordered: list[pytest.Item] = []
    for number in range(processes):
        size = (len(items) - len(ordered)) // (processes - number)
        ordered += long[number::processes]
        missing = max(size - len(long[number::processes]), 0)
        ordered += others[:missing]
        del others[:missing]
    items[:] = ordered + others


def pytest_xdist_auto_num_workers() -> int:
    """Return two processes more than cores, at most 8: the tests often wait."""
    return min((os.cpu_count() or 2) + 2, 8)


# New examples are hunted on a developer's machine; CI repeats the same ones, so that a red run is
# the doing of the change under test.
hypothesis_settings.register_profile(
    "clipferry", deadline=None, print_blob=True, derandomize="CI" in os.environ
)
hypothesis_settings.load_profile("clipferry")


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Fail every test that connects to anything but loopback."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address):
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            assert ipaddress.ip_address(address[0]).is_loopback, f"a test connects to {address}"
        return connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def secret_finder() -> Iterator[SecretFinder]:
    """Fail the test run if any log line of any level contains a secret."""
    finder = SecretFinder()
    root = logging.getLogger()
    root.addHandler(finder)
    root.setLevel(logging.DEBUG)
    yield finder
    root.removeHandler(finder)
    assert finder.found == []


@pytest.fixture(autouse=True)
def _own_log_lines(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Leave out of `caplog` what a database of the test before may say in this one.

    The thread of a connection logs its end after the connection counts as closed.
    """

    def is_of_this_test(record: logging.LogRecord) -> bool:
        return record.name != "aiosqlite"

    caplog.handler.addFilter(is_of_this_test)
    yield
    caplog.handler.removeFilter(is_of_this_test)


@pytest.fixture(autouse=True)
def _contract(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test if a call of the bot, or what the simulated server sends, is not Telegram's."""
    watcher = ContractWatcher()
    BotApi.watchers.append(watcher)
    yield
    BotApi.watchers.remove(watcher)
    if _OF_SIMULATOR not in request.path.parents:
        assert watcher.in_calls == []
    if not request.node.get_closest_marker("unreadable_updates"):
        assert watcher.in_answers == []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL server for this test run; yield the URL of its maintenance database."""
    with running_postgres() as server:
        yield server.get_uri()


@pytest.fixture
async def new_postgres(postgres_server: str) -> AsyncIterator[str]:
    """Create an empty PostgreSQL database; yield its URL."""
    import asyncpg

    name = f"t{uuid4().hex}"
    admin = await asyncpg.connect(postgres_server)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres_server.replace("/postgres?", f"/{name}?")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    url: str = request.getfixturevalue("new_postgres")
    return url


@pytest.fixture
async def db(db_url: str) -> AsyncIterator[str]:
    """Initialise and migrate the database; yield its URL."""
    async with _migrated(db_url):
        yield db_url


@pytest.fixture
async def postgres_db(new_postgres: str) -> AsyncIterator[str]:
    """Initialise and migrate a database on PostgreSQL; yield its URL."""
    async with _migrated(new_postgres):
        yield new_postgres


@asynccontextmanager
async def _migrated(url: str) -> AsyncIterator[None]:
    database.initialize_database_components(url)
    try:
        await database.init_db()
        yield
    finally:
        await database.close()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this run that all its processes share."""
    base = tmp_path_factory.getbasetemp()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ  # then the folder above belongs to this run
    return base.parent if is_worker else base


@pytest.fixture(scope="session")
def samples(shared_folder: Path) -> SampleStore:
    """Return the store of sample media, shared by the whole run and all its processes."""
    return SampleStore(shared_folder / "samples")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the certificate authority of the simulated sites."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def web(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Web]:
    """Yield the simulated sites, without posts, behind one proxy."""
    web = Web(
        TikTokSite(),
        InstagramSite(),
        XSite(),
        RedditSite(),
        PinterestSite(),
        samples,
        authority,
        tmp_path,
    )
    try:
        await web.add_proxy(name="exit-1")
        yield web
    finally:
        for proxy in web.proxies:
            await proxy.stop()


@pytest.fixture
def unused_tcp_port() -> int:
    """Return a port on loopback; the fixture of pytest-asyncio gives away one that is not held."""
    return free_port()
