"""Circuit breakers open after failures, let one attempt through, and close or open again."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from core.errors import (
    ClipferryError,
    IdentitiesBusyError,
    LoginRequiredError,
    MediaDeletedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.media import Access, Link, Post
from platforms._circuit_breaker import BreakerPolicy, CircuitBreaker
from platforms._fetcher import Attempt, Fetcher, FetchPolicy
from platforms._http import HostRule
from platforms._platform import FetchContext, Layer, Need, Platform
from platforms._proxies import Proxy, ProxyPool
from platforms._registry import Registry
from tests.records import changed
from tests.sites import identities_with


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock, failures: int = 3) -> CircuitBreaker:
    return CircuitBreaker(BreakerPolicy(failures, pause_s=60), clock)


def test_a_breaker_opens_half_opens_and_closes():
    clock = Clock()
    circuit = breaker(clock)
    for post in "12":
        circuit.record_failure("a", post)
    assert circuit.allows("a")
    circuit.record_failure("a", "3")
    assert not circuit.allows("a")
    assert circuit.allows("b")
    clock.now = 60
    assert circuit.allows("a")  # half-open: one attempt
    assert not circuit.allows("a")  # no second attempt at the same time
    circuit.record_failure("a", "1")
    clock.now = 119
    assert not circuit.allows("a")
    clock.now = 120
    assert circuit.allows("a")
    circuit.record_success("a")
    assert circuit.allows("a")
    circuit.record_failure("a", "4")
    assert circuit.allows("a")  # the count starts again


def test_one_broken_post_requested_repeatedly_does_not_open_the_circuit():
    circuit = breaker(Clock())
    for _ in range(50):
        circuit.record_failure("a", "broken")
    assert circuit.allows("a")


def test_only_failures_in_a_row_count():
    circuit = breaker(Clock())
    for number in range(5):
        circuit.record_failure("a", f"{number}")
        circuit.record_failure("a", f"{number + 100}")
        circuit.record_success("a")
    assert circuit.allows("a")


def test_an_attempt_that_never_ends_does_not_block_the_route_for_good():
    clock = Clock()
    circuit = breaker(clock)
    for post in "123":
        circuit.record_failure("a", post)
    clock.now = 60
    assert circuit.allows("a")
    clock.now = 120
    assert circuit.allows("a")


#: The outcome of a route that never answers.
SILENT = PlatformUnreachableError("never raised")


class Stage:
    """A fetcher with two proxies and scripted layers; records the routes that were used."""

    def __init__(self, *layers: Layer, folder: Path | None = None, **policy) -> None:
        """Build it; `folder` is where the operator's cookie file is written, if there is one."""
        self.asked: list[str] = []
        self.outcomes: dict[str, ClipferryError | None] = {}
        platform = Platform(
            name="demo",
            title="Demo",
            examples=("https://demo.example/1",),
            recognise=lambda _: None,
            layers=tuple(replace(layer, fetch=partial(self.read, layer.name)) for layer in layers),
            page_hosts=HostRule(("demo.example",)),
            media_hosts=HostRule(("demo.example",)),
            link_to=str,
        )
        proxies = ProxyPool(
            [Proxy("one", "http://127.0.0.1:1"), Proxy("two", "http://127.0.0.1:2")]
        )
        terms = changed(FetchPolicy(attempts=2, budget_s=10, stall_s=1), **policy)
        identities = identities_with(folder, proxies, COOKIES) if folder else None
        self.fetcher = Fetcher(Registry([platform]), proxies, terms, identities=identities)

    @property
    def platform(self) -> Platform:
        """Return the only platform."""
        return self.fetcher.registry["demo"]

    async def run(self, post: str = "1", *, may_sign_in: bool = True) -> str:
        """Read a post; return the layer and the proxy that provided it."""

        async def work(attempt: Attempt) -> str:
            return (await attempt.read()).access.proxy

        link = Link("demo", f"https://demo.example/{post}", post)
        try:
            return await self.fetcher.attempt(link, work, may_sign_in=may_sign_in)
        finally:
            await self.fetcher.close()

    async def read(self, layer: str, link: Link, context: FetchContext) -> Post:
        route = f"{layer} {context.pages.proxy.name}"
        self.asked.append(route)
        outcome = self.outcomes.get(layer)
        if outcome is SILENT:
            await asyncio.sleep(60)
        if outcome:
            raise outcome
        return Post("demo", "1", link.url, Access(proxy=route))


def layer(name: str, need: Need = Need.NOTHING) -> Layer:
    return Layer(name, None, need)  # type: ignore[arg-type] # never called here


COOKIES = "# Netscape HTTP Cookie File\n.demo.example\tTRUE\t/\tTRUE\t0\tsession\tx\n"
LAYERS = (layer("page"), layer("account", Need.COOKIES), layer("cobalt", Need.COBALT))


async def test_the_first_layer_uses_every_proxy_before_the_next_layer_is_used(tmp_path: Path):
    stage = Stage(*LAYERS, folder=tmp_path, cobalt_url="http://c")
    stage.outcomes = {"page": PlatformRefusedError(), "account": PlatformRefusedError()}
    assert await stage.run() == "cobalt two"
    assert stage.asked == ["page one", "page two", "account one", "cobalt two"]


async def test_a_layer_that_is_not_configured_is_never_asked():
    stage = Stage(*LAYERS)
    stage.outcomes = {"page": PlatformRefusedError()}
    with pytest.raises(PlatformRefusedError):
        await stage.run()
    assert stage.asked == ["page one", "page two"]


async def test_what_members_see_is_asked_of_members_at_once(tmp_path: Path):
    stage = Stage(*LAYERS, folder=tmp_path, cobalt_url="http://c")
    stage.outcomes = {"page": LoginRequiredError()}
    assert await stage.run() == "account one"
    assert stage.asked == ["page one", "account one"]


async def test_what_the_site_has_said_weighs_more_than_trouble_of_a_helper(tmp_path: Path):
    stage = Stage(*LAYERS, folder=tmp_path, cobalt_url="http://c")
    stage.outcomes = {
        "page": LoginRequiredError(),
        "account": PlatformUnreachableError(),
        "cobalt": PlatformUnreachableError(),
    }
    with pytest.raises(LoginRequiredError):
        await stage.run()


async def test_deleted_is_believed_only_if_another_proxy_confirms_it():
    stage = Stage(layer("page"), attempts=3)
    stage.outcomes = {"page": MediaDeletedError()}
    with pytest.raises(MediaDeletedError):
        await stage.run()
    assert stage.asked == ["page one", "page two"]


async def test_a_route_with_an_open_circuit_is_skipped():
    stage = Stage(*LAYERS, cobalt_url="http://c", failure_threshold=1)
    stage.outcomes = {"page": PlatformRefusedError()}
    for _ in range(2):
        await stage.run()
    assert stage.asked.count("page one") == stage.asked.count("page two") == 1
    assert stage.asked.count("cobalt two") + stage.asked.count("cobalt one") == 2


async def test_a_route_that_never_answers_fails_too():
    stage = Stage(layer("page"), failure_threshold=1, attempts=1, budget_s=0.05)
    stage.outcomes = {"page": SILENT}
    with pytest.raises(PlatformUnreachableError, match="no result within"):
        await stage.run()
    assert stage.fetcher.open_routes() == ["demo/page by one"]


async def test_what_the_site_has_said_outlives_the_time_limit(tmp_path: Path):
    stage = Stage(*LAYERS, folder=tmp_path, attempts=1, budget_s=0.05)
    stage.outcomes = {"page": LoginRequiredError(), "account": SILENT}
    with pytest.raises(LoginRequiredError):
        await stage.run()


async def test_if_all_circuits_are_open_the_site_counts_as_refusing():
    stage = Stage(layer("page"), failure_threshold=1)
    stage.outcomes = {"page": PlatformUnreachableError()}
    with pytest.raises(PlatformUnreachableError):
        await stage.run()
    with pytest.raises(PlatformRefusedError, match="circuit breakers of all routes are open"):
        await stage.run()


# --- accounts -------------------------------------------------------------------------------------


def signed_out_is_not_enough(tmp_path: Path, **policy) -> Stage:
    """Return a stage where posts need an account, and the operator has one."""
    stage = Stage(*LAYERS, folder=tmp_path, cobalt_url="http://c", **policy)
    stage.outcomes = {"page": LoginRequiredError(), "cobalt": PlatformUnreachableError()}
    return stage


async def test_a_refused_account_is_left_alone_by_later_requests(tmp_path: Path):
    stage = signed_out_is_not_enough(tmp_path)
    stage.outcomes["account"] = PlatformRefusedError()
    for post in "12":
        with pytest.raises(LoginRequiredError):
            await stage.run(post)
    assert [route.split()[0] for route in stage.asked].count("account") == 1


async def test_without_a_free_account_the_next_layer_is_tried(tmp_path: Path):
    stage = signed_out_is_not_enough(tmp_path)
    del stage.outcomes["cobalt"]
    async with stage.fetcher.identities.lease(stage.platform, Proxy("one"), "other"):
        assert (await stage.run()).startswith("cobalt")
    assert not any(route.startswith("account") for route in stage.asked)


async def test_if_only_a_free_account_is_missing_the_bot_is_busy(tmp_path: Path):
    stage = Stage(*LAYERS[:2], folder=tmp_path, failure_threshold=1)
    stage.outcomes = {"page": LoginRequiredError()}
    async with stage.fetcher.identities.lease(stage.platform, Proxy("one"), "other"):
        with pytest.raises(IdentitiesBusyError) as caught:
            await stage.run()
    assert (caught.value.retryable, caught.value.text_key) == (True, "busy")
    assert stage.fetcher.open_routes() == []
    assert (await stage.run()).startswith("account")


async def test_a_missing_account_says_nothing_about_its_route(tmp_path: Path):
    stage = Stage(*LAYERS[:2], folder=tmp_path, attempts=1, failure_threshold=2)
    stage.outcomes = {"page": LoginRequiredError(), "account": PlatformUnreachableError()}
    # Each request begins with the next proxy, so every second one uses the account over "two".
    with pytest.raises(LoginRequiredError):
        await stage.run("1")
    async with stage.fetcher.identities.lease(stage.platform, Proxy("one"), "other"):
        for post in "23":
            with pytest.raises(IdentitiesBusyError):
                await stage.run(post)
    for post in "45":
        with pytest.raises(LoginRequiredError):
            await stage.run(post)
    assert stage.fetcher.open_routes() == ["demo/account by two"]


async def test_a_test_of_a_site_uses_no_account(tmp_path: Path):
    stage = signed_out_is_not_enough(tmp_path)
    with pytest.raises(LoginRequiredError):
        await stage.run(may_sign_in=False)
    assert not any(route.startswith("account") for route in stage.asked)


async def test_an_account_is_read_through_its_own_proxy(tmp_path: Path):
    stage = signed_out_is_not_enough(tmp_path, failure_threshold=1)
    stage.fetcher.identities.add(stage.platform, "far", "two", COOKIES.encode())
    found = {await stage.run(f"{number}") for number in range(4)}
    assert "account two" in found
    stage.outcomes["account"] = PlatformUnreachableError()
    for number in range(4):
        with pytest.raises(LoginRequiredError):
            await stage.run(f"{number}")
    # The circuits of both proxies are open: no account is used for nothing.
    stage.asked.clear()
    with pytest.raises(LoginRequiredError):
        await stage.run("9")
    assert not any(route.startswith("account") for route in stage.asked)
