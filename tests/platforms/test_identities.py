"""The identities on disk: leases between requests and processes, rests, proxies, files."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.errors import (
    CookieFileError,
    IdentitiesBusyError,
    LoginRequiredError,
    PlatformError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    SettingsError,
)
from core.identities import FROM_SETTING, Identity, IdentityState, Reason
from platforms import Identities, ProxyPool, check_cookies
from platforms._http import HostRule
from platforms._platform import Layer, Need, Platform
from platforms._proxies import DIRECT, Proxy

NOW = 1_800_000_000.0
HOUR = 3_600


def line(domain: str = ".demo.example", value: str = "hunter2", expires: int = 0) -> str:
    return f"{domain}\tTRUE\t/\tTRUE\t{expires}\tsid\t{value}\n"


def platform(name: str = "demo", domain: str = "demo.example", need: Need = Need.COOKIES):
    return Platform(
        name=name,
        title=name.title(),
        examples=(),
        recognise=lambda _: None,
        layers=(Layer("account", None, need),),  # type: ignore[arg-type] # never called here
        page_hosts=HostRule((domain,)),
        media_hosts=HostRule(),
        link_to=str,
    )


DEMO = platform()
ONE, TWO = Proxy("http://a:1", "http://u:1@a:1"), Proxy("http://b:1", "http://u:1@b:1")
#: Two sessions of a provider, which differ in their credentials only.
TWINS = [Proxy("http://t:1", f"http://u-{number}:1@t:1") for number in range(4)]


class Stage:
    """Identities in a folder, with a clock that is set by hand."""

    def __init__(self, folder: Path, *proxies: Proxy, cookies: str = "", wait_s: float = 0) -> None:
        self.now = NOW
        self.folder = folder / "identities"
        self.pool = ProxyPool(list(proxies) or [DIRECT])
        self.file = folder / "cookies.txt" if cookies else None
        if self.file:
            self.file.write_text(cookies)
        self.wait_s = wait_s
        self.identities = self.build()

    def build(self) -> Identities:
        """Return the identities as another process of this machine has them."""
        return Identities(
            self.folder, self.pool, self.file, wait_s=self.wait_s, clock=lambda: self.now
        )

    def add(self, *names: str, exit_: str = "", value: str = "hunter2") -> None:
        for name in names:
            self.identities.add(DEMO, name, exit_, line(value=value).encode())

    def health(self, name: str):
        identity = self.identities.find(DEMO, name)
        assert identity
        return identity.health

    async def use(
        self, error: Exception | None = None, post: str = "1", proxy: Proxy = DIRECT
    ) -> str:
        """Use an identity for a post, which may fail; return the value of its cookie."""
        self.now += 1
        async with self.identities.lease(DEMO, proxy, post) as cookies:
            if error:
                raise error
            return cookies.rstrip("\n").rpartition("\t")[2]

    async def fail(self, error: PlatformError | LoginRequiredError, post: str = "1") -> None:
        with pytest.raises(type(error)):
            await self.use(error, post)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_requests_take_turns_with_the_accounts(stage: Stage):
    for name in "abc":
        stage.add(name, value=f"of-{name}")
    assert [await stage.use() for _ in range(4)] == ["of-a", "of-b", "of-c", "of-a"]


async def test_an_account_is_used_by_one_request_of_all_processes(stage: Stage):
    stage.add("a", "b")
    another = stage.build()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stage.identities.lease(DEMO, DIRECT, "1"))
        await stack.enter_async_context(another.lease(DEMO, DIRECT, "2"))
        for both in (stage.identities, another):
            with pytest.raises(IdentitiesBusyError):
                async with both.lease(DEMO, DIRECT, "3"):
                    pass
    async with another.lease(DEMO, DIRECT, "4") as cookies:
        assert "hunter2" in cookies


async def test_a_request_waits_for_an_account(tmp_path: Path):
    stage = Stage(tmp_path, wait_s=30)
    stage.add("a")
    waiting: asyncio.Task[str] | None = None
    async with stage.identities.lease(DEMO, DIRECT, "1"):
        waiting = asyncio.create_task(stage.use())
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == "hunter2"


async def test_a_request_does_not_wait_for_accounts_that_rest(tmp_path: Path):
    stage = Stage(tmp_path, wait_s=30)
    stage.add("a")
    async with asyncio.timeout(20):
        async with stage.identities.lease(DEMO, DIRECT, "1"):
            (identity,) = stage.identities.listed(DEMO)
            stage.identities.rest(identity)
            with pytest.raises(IdentitiesBusyError):
                await stage.use()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PlatformRefusedError("x"), Reason.REFUSED),
        (PlatformRateLimitedError("x"), Reason.LIMITED),
        (PlatformUnreachableError("x"), ""),
        (LoginRequiredError("x"), ""),  # an answer about the post
    ],
)
async def test_only_a_refusal_puts_to_rest_and_a_restart_knows_it(
    stage: Stage, error: PlatformError, reason: str
):
    stage.add("a")
    await stage.fail(error)
    (identity,) = stage.build().listed(DEMO)
    assert identity.health.reason == reason
    assert stage.identities.state(identity) is (
        IdentityState.RESTS if reason else IdentityState.READY
    )
    assert bool(stage.identities.exits_of(DEMO, DIRECT)) is not bool(reason)
    stage.now += HOUR + 1
    assert stage.build().exits_of(DEMO, DIRECT) == [DIRECT]


async def test_success_ends_what_refusals_have_begun(stage: Stage):
    stage.add("a")
    await stage.fail(PlatformRefusedError("x"))
    stage.now += 2 * HOUR
    await stage.fail(PlatformRefusedError("x"), "2")
    assert stage.health("a").rests_until == stage.now + 2 * HOUR
    stage.now += 2 * HOUR
    assert stage.identities.has_trouble(DEMO) is None
    await stage.use()
    assert stage.health("a").refusals == 0
    assert stage.health("a").worked_at == stage.now
    assert stage.identities.has_trouble(DEMO) is False


async def test_one_strange_post_does_not_put_all_accounts_to_rest(stage: Stage):
    stage.add("a", "b", "c")
    for _ in range(3):
        await stage.fail(PlatformRefusedError("x"), "strange")
    states = [stage.identities.state(one) for one in stage.identities.listed(DEMO)]
    assert states == [IdentityState.RESTS, IdentityState.READY, IdentityState.READY]
    await stage.fail(PlatformRefusedError("x"), "another")
    await stage.fail(PlatformRateLimitedError("x"), "strange")  # which is about the account
    assert stage.identities.has_trouble(DEMO) is True


async def test_the_posts_that_are_remembered_are_limited(stage: Stage):
    stage.add("a", "b")
    await stage.fail(PlatformRefusedError("x"), "strange")
    for number in range(1_000):
        await stage.fail(PlatformRefusedError("x"), f"{number}")
        for identity in stage.identities.listed(DEMO):
            stage.identities.wake(identity)
    (first, _) = stage.identities.listed(DEMO)
    stage.identities.rest(first)
    await stage.fail(PlatformRefusedError("x"), "strange")
    assert stage.health("b").refusals == 1


def test_all_processes_that_share_the_folder_know_it_by_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stage = Stage(tmp_path)
    name = stage.identities.folder_id()
    assert name
    assert stage.build().folder_id() == name
    assert Stage(tmp_path / "elsewhere").identities.folder_id() not in {name, ""}

    def refused(*_args: object, **_kwargs: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    assert stage.build().folder_id() == name
    assert Stage(tmp_path / "read-only").identities.folder_id() == ""


async def test_an_account_uses_its_own_proxy_only(tmp_path: Path):
    stage = Stage(tmp_path, ONE, TWO)
    stage.add("a", exit_=TWO.name, value="of-a")
    stage.add("b", value="of-b")
    stage.add("c", exit_="http://gone:1")
    assert stage.identities.exits_of(DEMO, ONE) == [TWO, ONE]
    assert await stage.use(proxy=ONE) == "of-b"
    assert stage.identities.exits_of(DEMO, ONE) == [TWO, ONE]
    assert await stage.use(proxy=TWO) == "of-a"
    assert stage.identities.exits_of(DEMO, ONE) == [ONE, TWO]
    gone = stage.identities.find(DEMO, "c")
    assert gone
    assert stage.identities.state(gone) is IdentityState.NO_EXIT
    assert stage.identities.exits == [ONE.name, TWO.name]


def test_an_account_keeps_to_one_of_several_sessions_of_a_provider(tmp_path: Path):
    stage = Stage(tmp_path, *TWINS)
    assert stage.identities.exits == ["http://t:1"]
    stage.add("a", exit_="http://t:1")
    found = {stage.identities.exits_of(DEMO, proxy)[0].url for proxy in TWINS}
    assert len(found) == 1


async def test_new_cookies_do_not_rest_for_the_refusal_of_the_old_ones(stage: Stage):
    stage.add("a")
    os.utime(stage.folder / "demo" / "a.txt", (NOW, NOW))

    async def renewed_and_refused() -> None:
        async with stage.identities.lease(DEMO, DIRECT, "1"):
            stage.add("a")
            raise PlatformRefusedError("x")

    with pytest.raises(PlatformRefusedError):
        await renewed_and_refused()
    assert stage.health("a").refusals == 0


# --- files ----------------------------------------------------------------------------------------


async def test_files_can_be_read_by_their_owner_only(stage: Stage):
    stage.add("a")
    await stage.use()
    modes = {path.name: path.stat().st_mode & 0o777 for path in stage.folder.rglob("*")}
    assert modes == {"demo": 0o700, "a.txt": 0o600, "a.json": 0o600, "a.lock": 0o600}


def test_only_the_sites_cookies_are_stored_and_a_new_file_wakes(stage: Stage):
    mixed = line() + line(".bank.example", "hunter2-bank")
    identity = stage.identities.add(DEMO, "", DIRECT.name, mixed.encode())
    assert (identity.name, identity.exit) == ("1", DIRECT.name)
    assert "bank" not in (stage.folder / "demo" / "1.txt").read_text()
    stage.identities.rest(identity)
    stage.identities.add(DEMO, "1", "", line().encode())
    (renewed,) = stage.identities.listed(DEMO)
    assert stage.identities.state(renewed) is IdentityState.READY
    assert stage.identities.add(DEMO, "", "", line().encode()).name == "2"
    with pytest.raises(CookieFileError):
        stage.identities.add(DEMO, "3", "", b"hunter2")
    assert [one.name for one in stage.identities.listed(DEMO)] == ["1", "2"]
    stage.identities.remove(renewed)
    assert [path.name for path in stage.folder.rglob("1.*")] == []


def test_files_that_are_of_no_use_are_left_alone(stage: Stage):
    folder = stage.folder / "demo"
    folder.mkdir(parents=True)
    for name, text in {
        "good.txt": line(),
        "other.txt": line("other.example"),
        "broken.txt": "hunter2",
        "Not a name.txt": line(),
        ".hidden.txt": line(),
        "note.md": line(),
    }.items():
        (folder / name).write_text(text)
    (folder / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "folder.txt").mkdir()
    assert [one.name for one in stage.identities.listed(DEMO)] == ["good"]


def test_the_file_of_the_setting_belongs_to_the_sites_whose_cookies_it_has(tmp_path: Path):
    stage = Stage(tmp_path, cookies=line() + line(".third.example") + "# exit: http://x:1\n")
    stage.add("a")
    assert [one.name for one in stage.identities.listed(DEMO)] == [FROM_SETTING, "a"]
    assert stage.identities.exits_of(DEMO, DIRECT) == [DIRECT]
    assert len(stage.identities.listed(platform("third", "third.example"))) == 1
    assert stage.identities.listed(platform("other", "other.example")) == []
    assert stage.identities.listed(platform(need=Need.NOTHING)) == []
    assert not Identities(None, stage.pool, stage.file).has_any(DEMO)


async def test_the_file_of_the_setting_is_leased_for_each_site_by_itself(tmp_path: Path):
    stage = Stage(tmp_path, cookies=line() + line(".third.example", "of-third"))
    third = platform("third", "third.example")
    async with (
        stage.identities.lease(DEMO, DIRECT, "1") as one,
        stage.identities.lease(third, DIRECT, "1") as other,
    ):
        assert "of-third" not in one
        assert "hunter2" not in other
    assert stage.file
    assert stage.file.read_text() == line() + line(".third.example", "of-third")


@pytest.mark.parametrize("what", ["removed", "put to rest"])
async def test_an_account_that_is_changed_between_listing_and_use_is_not_used(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str
):
    stage.add("a")
    (identity,) = stage.identities.listed(DEMO)
    another, open_ = stage.build(), os.open

    def changed_first(path, *args, **kwargs):
        if str(path).endswith(".lock"):
            (another.remove if what == "removed" else another.rest)(identity)
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", changed_first)
    with pytest.raises(IdentitiesBusyError):
        await stage.use()


async def test_a_folder_that_cannot_be_written_costs_the_account_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    stage = Stage(tmp_path, wait_s=600)
    stage.add("a")

    def refused(*_args: object, **_kwargs: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", refused)
        assert await stage.use() == "hunter2"
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        async with asyncio.timeout(60):
            with pytest.raises(IdentitiesBusyError):
                await stage.use()
    events = {getattr(record, "event", "") for record in caplog.records}
    assert events >= {"identity_not_stored", "identity_unusable"}


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    stage.add("a")

    def refused(*_args: object, **_kwargs: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match="No space"):
        stage.add("b")
    assert sorted(path.name for path in (stage.folder / "demo").iterdir()) == ["a.json", "a.txt"]


def test_the_file_of_the_setting_is_checked_at_the_start(tmp_path: Path):
    file = tmp_path / "cookies.txt"
    head = "# Netscape HTTP Cookie File\n"
    file.write_text(head + line())
    assert len(check_cookies(file)) == 1
    for wrong in ("hunter2", '{"cookies": "hunter2"}', head, head + "hunter2\n", "\udcff"):
        file.write_text(wrong, errors="surrogateescape")
        with pytest.raises(SettingsError) as caught:
            check_cookies(file)
        assert "cookies.txt" in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_a_lease_of_an_unknown_identity_is_none(stage: Stage):
    assert stage.identities.find(DEMO, "nobody") is None
    assert stage.identities.listed(DEMO) == []
    assert not stage.identities.has_any(DEMO)
    assert stage.identities.state(Identity("demo", "a")) is IdentityState.READY


def test_a_folder_that_cannot_be_read_counts_as_empty_and_is_named_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
):
    stage.folder.mkdir(exist_ok=True)
    (stage.folder / DEMO.name).touch()  # no folder, which root could not read either
    assert not stage.identities.has_any(DEMO)
    assert stage.identities.listed(DEMO) == []
    assert caplog.text.count("cannot be read") == 1
