"""Which yt-dlp is chosen, used and rolled back, and what administrators are told."""

import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.ytdlp_update.decider import Decider
from app.ytdlp_update.follower import Follower, Switch
from app.ytdlp_update.trials import Trials
from app.ytdlp_update.wheel import unpack
from core.errors import ReleaseRefusedError, UpdateError
from core.facts import Fact
from core.statistics import SLOT_S, slot_of
from core.ytdlp_plan import Plan
from core.ytdlp_releases import MIN_AGE_S, YTDLP, Release
from data import database
from data.config import load_settings
from data.database import unix_now
from data.statistics import add_outcomes
from data.ytdlp_plan import (
    begin_requested_update,
    change_plan,
    end_requested_update,
    load_plan,
    request_newest,
)
from platforms import load_registry, reader_version
from services.alarms import Change
from tests.fakes import FakeFetcher
from tests.ytdlp_releases import wheel_files, write_wheel

INSTALLED, _ = reader_version()
REGISTRY = load_registry()
NEW = Release(YTDLP, "2099.1.1", "w.whl", "https://a.example/w.whl", "ab" * 32, 1)
NEWER = replace(NEW, version="2099.2.2")


class FakeTrials(Trials):
    """Trials that end as planned, without an index and without processes."""

    def __init__(self, folder: Path) -> None:
        environment = {"YTDLP_FOLDER": str(folder / "yt-dlp")}
        settings = load_settings(folder / "none.ini", folder / "none.env", environment)
        super().__init__(settings, FakeFetcher(), ())  # type: ignore[arg-type]
        self.release: Release | None = NEW
        self.failure: BaseException | None = None
        #: What was asked for: newer than, refused, uploaded until.
        self.asked: list[tuple[str, tuple[str, ...], float]] = []
        self.tried: list[str] = []
        self.ensured: list[str] = []

    async def newest(
        self, newer_than: str, refused: Sequence[str], uploaded_until: float
    ) -> Release | None:
        self.asked.append((newer_than, tuple(refused), uploaded_until))
        return self.release

    async def try_release(self, release: Release, uploaded_until: float) -> tuple[Release, ...]:
        self.tried.append(release.version)
        if self.failure:
            raise self.failure
        return (release,)

    async def ensure(self, wheels: tuple[Release, ...]) -> None:
        if self.failure:
            raise self.failure
        self.ensured += [wheel.version for wheel in wheels]


class FakeNotifier:
    """Records what administrators are told."""

    def __init__(self, telling: asyncio.Lock) -> None:
        self.told: list[tuple[str, dict[str, Fact]]] = []
        #: Texts during which this process may start anew.
        self.interruptible: set[str] = set()
        self._telling = telling

    async def notify(self, key: str, **facts: Fact) -> None:
        raise AssertionError("what is decided must not be lost")

    async def report(self, change: Change, key: str, **facts: Fact) -> bool:
        if not await change(lambda _: None):
            return False
        self.told.append((key, facts))
        if not self._telling.locked():
            self.interruptible.add(key)
        return True

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.told]


class Live:
    """A process with live updates; it does not start anew, but counts how often it would."""

    def __init__(self, folder: Path, installed: str = INSTALLED) -> None:
        self.restarts = 0
        self.telling = asyncio.Lock()
        self.trials, self.notifier = FakeTrials(folder), FakeNotifier(self.telling)
        self.decider = Decider(self.trials, installed, REGISTRY, self.notifier, self.telling)
        switch = Switch(self._restart, self.telling, "host")
        self.follower = Follower(self.trials, installed, self.notifier, switch)

    def _restart(self) -> None:
        self.restarts += 1

    @property
    def selected(self) -> str | None:
        return self.trials.versions.selected()


async def until_selected(live: Live) -> None:
    """Wait until the selection was written."""
    async with asyncio.timeout(60):
        while live.selected is None:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)


@pytest.fixture
def live(tmp_path: Path, sqlite_db: None, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Return a process with live updates and an empty database, in the middle of a half-hour."""
    now = slot_of(unix_now()) + SLOT_S / 2
    monkeypatch.setattr(database, "clock", lambda: now)
    return Live(tmp_path)


async def plan_with(**values: Any) -> Plan:
    """Store a plan that was looked at now, and return it."""
    plan = replace(Plan(looked_at=unix_now()), **values)
    assert await change_plan(await load_plan(), plan)
    return plan


# --- looking --------------------------------------------------------------------------------------


async def test_a_release_that_works_is_chosen_and_told(live: Live):
    await add_outcomes([("tiktok", "fetched", 40), ("tiktok", "PlatformChangedError", 2)])
    await add_outcomes([("tiktok", "MediaDeletedError", 7), ("tiktok", "known", 9)])
    await live.decider.look()
    plan = await load_plan()
    assert plan.chosen == (NEW,)
    assert plan.before == plan.at_switch == {"tiktok": (40, 2)}
    assert unix_now() - plan.switched_at < 60
    assert live.notifier.told == [("ytdlp_switched", {"version": "2099.1.1", "current": INSTALLED})]
    assert live.notifier.interruptible == set()
    ((newer_than, refused, until),) = live.trials.asked
    assert (newer_than, refused) == (INSTALLED, ())
    assert abs(unix_now() - MIN_AGE_S - until) < 60
    # The next look is hours later.
    await live.decider.look()
    assert len(live.trials.asked) == 1


async def test_a_release_that_is_refused_is_told_once_and_the_next_one_looked_for(live: Live):
    live.trials.failure = ReleaseRefusedError("it is broken")
    await live.decider.look()
    assert live.notifier.told == [
        (
            "ytdlp_refused",
            {"version": "2099.1.1", "current": INSTALLED, "reason": "it is broken"},
        )
    ]
    live.trials.release = None
    await live.decider.look()
    assert live.trials.asked[-1][1] == ("2099.1.1",)
    await live.decider.look()
    assert len(live.trials.asked) == 2
    assert live.notifier.keys == ["ytdlp_refused"]


async def test_an_index_that_does_not_answer_is_asked_again_later(live: Live):
    live.trials.failure = UpdateError("no route")
    await live.decider.look()
    await live.decider.look()
    assert len(live.trials.asked) == 1
    assert (await load_plan()).refused == ()
    assert live.notifier.told == []


async def test_a_look_while_the_clock_was_ahead_does_not_put_off_the_next(live: Live):
    await plan_with(looked_at=unix_now() + 90_000_000)
    for _ in range(2):
        await live.decider.look()
    assert len(live.trials.asked) == 1


async def test_an_administrators_request_ignores_age_and_refusals(live: Live):
    await plan_with(refused=("2099.1.1",))
    await live.decider.look()
    assert live.trials.asked == []
    await request_newest()
    await live.decider.look()
    assert live.trials.asked == [(INSTALLED, (), math.inf)]
    assert (await load_plan()).refused == ()
    assert not await begin_requested_update()


async def test_a_requested_update_that_was_interrupted_is_begun_again_but_not_for_ever(live: Live):
    """The process ends while the index is read; so does the next one, and the one after that."""
    await plan_with()
    await request_newest()
    for _ in range(3):
        live.trials.failure = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await live.decider.look()
    assert live.notifier.told == []
    await live.decider.look()
    assert live.notifier.keys == ["ytdlp_unreachable"]
    assert len(live.trials.asked) == 3
    assert not await begin_requested_update()


async def test_a_requested_update_is_answered_in_any_case(live: Live):
    await plan_with()
    for release, failure in ((None, None), (NEW, UpdateError("no route"))):
        live.trials.release, live.trials.failure = release, failure
        await request_newest()
        await live.decider.look()
    assert live.notifier.told == [
        ("ytdlp_current", {"version": INSTALLED}),
        ("ytdlp_unreachable", {"reason": "no route"}),
    ]


async def test_two_processes_do_not_decide_twice(live: Live, tmp_path: Path):
    other = Live(tmp_path)
    await asyncio.gather(live.decider.look(), other.decider.look())
    assert len(live.trials.tried + other.trials.tried) == 1
    assert len(live.notifier.told + other.notifier.told) == 1


# --- watching -------------------------------------------------------------------------------------


async def test_a_version_with_which_downloads_get_worse_is_taken_back(live: Live):
    now = unix_now()
    plan = await plan_with(
        chosen=(NEWER,),
        previous=(NEW,),
        switched_at=now,
        before={"tiktok": (90, 10)},
        at_switch={"tiktok": (5, 0)},
    )
    await add_outcomes([("tiktok", "fetched", 5 + 11), ("tiktok", "PlatformChangedError", 8)])
    await live.decider.watch()
    assert await load_plan() == plan
    await add_outcomes([("tiktok", "PlatformUnreachableError", 1)])
    await live.decider.watch()
    await live.decider.watch()
    assert await load_plan() == Plan((NEW,), refused=("2099.2.2",), looked_at=plan.looked_at)
    assert live.notifier.told == [
        (
            "ytdlp_rolled_back",
            {
                "version": "2099.2.2",
                "current": "2099.1.1",
                "site": "TikTok",
                "before": 90,
                "after": 55,
            },
        )
    ]
    assert live.notifier.interruptible == set()


async def test_a_proven_version_is_not_watched_any_more(live: Live):
    plan = await plan_with(
        chosen=(NEW,), switched_at=unix_now() - 3 * 86_400, before={"tiktok": (90, 10)}
    )
    await add_outcomes([("tiktok", "PlatformChangedError", 99)])
    await live.decider.watch()
    assert await load_plan() == plan


async def test_downloads_of_the_half_hour_before_the_switch_do_not_count(live: Live):
    await add_outcomes([("tiktok", "PlatformChangedError", 99)])
    now = unix_now()
    plan = await plan_with(
        chosen=(NEW,),
        switched_at=max(now, slot_of(now)),
        before={"tiktok": (90, 10)},
        at_switch={"tiktok": (0, 99)},
    )
    await live.decider.watch()
    assert await load_plan() == plan


# --- following ------------------------------------------------------------------------------------


async def test_without_a_plan_nothing_happens(live: Live):
    await live.follower.follow()
    assert (live.restarts, live.trials.ensured, live.selected) == (0, [], None)


async def test_a_chosen_version_is_got_selected_and_started(live: Live):
    live.trials.versions.path("2098.1.1").mkdir(parents=True)
    await plan_with(chosen=(NEW,))
    await live.follower.follow()
    assert (live.restarts, live.trials.ensured, live.selected) == (1, ["2099.1.1"], "2099.1.1")
    assert not live.trials.versions.path("2098.1.1").exists()


async def test_while_the_last_requests_end_nothing_is_followed_anew(live: Live):
    await plan_with(chosen=(NEW,))
    await live.follower.follow()
    await live.follower.follow()
    assert (live.restarts, live.trials.ensured, live.selected) == (1, ["2099.1.1"], "2099.1.1")


async def test_the_restart_waits_until_the_administrators_know(live: Live):
    await plan_with(chosen=(NEW,))
    async with live.telling:
        following = asyncio.ensure_future(live.follower.follow())
        await until_selected(live)
        assert live.restarts == 0
    await following
    assert live.restarts == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [(UpdateError("no route"), 0), (ReleaseRefusedError("the self-test failed"), 1)],
)
async def test_a_machine_that_cannot_use_a_version_remains_with_its_own(
    live: Live, error: UpdateError, told: int, tmp_path: Path
):
    live.trials.failure = error
    await plan_with(chosen=(NEW,))
    await live.follower.follow()
    live.trials.failure = None
    await live.follower.follow()  # not at once
    assert (live.restarts, live.selected) == (0, None)
    assert [facts["reason"] for _, facts in live.notifier.told] == [
        "host: the self-test failed"
    ] * told
    # A restart forgets the pause, but not that it was told.
    again = Live(tmp_path)
    again.trials.failure = error
    await again.follower.follow()
    assert again.notifier.told == []
    # Another version is tried at once.
    live.trials.failure = None
    await plan_with(chosen=(NEWER,))
    await live.follower.follow()
    assert (live.restarts, live.selected) == (1, "2099.2.2")


async def test_an_installed_version_that_is_newer_is_used(
    tmp_path: Path, sqlite_db: None, monkeypatch: pytest.MonkeyPatch
):
    live = Live(tmp_path, installed="2100.1.1")
    live.trials.versions.path("2099.1.1").mkdir(parents=True)
    live.trials.versions.select("2099.1.1")
    monkeypatch.setattr(sys, "path", [str(live.trials.versions.path("2099.1.1")), *sys.path])
    await plan_with(chosen=(NEW,))
    await live.follower.follow()
    assert (live.restarts, live.selected, live.trials.ensured) == (1, None, [])


@pytest.mark.parametrize("installed", ["2026.11.20.232801", "2020.1.1", ""])
async def test_an_installed_version_that_calls_itself_otherwise_is_no_reason_to_start_anew(
    tmp_path: Path, sqlite_db: None, installed: str
):
    """Each start would end in the next one: a nightly build, or one without metadata."""
    live = Live(tmp_path, installed=installed)
    await live.follower.follow()
    assert live.restarts == 0


async def test_a_version_that_this_process_uses_is_not_started_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "path", [str(live.trials.versions.path("2099.1.1")), *sys.path])
    await plan_with(chosen=(NEW,))
    await live.follower.follow()
    assert live.restarts == 0


async def test_what_was_taken_back_is_left(live: Live):
    """This process still runs the installed version: nothing to do but to forget the selection."""
    await plan_with(refused=("2099.1.1",))
    await live.follower.follow()
    assert live.restarts == 0


# --- the plan in the database ---------------------------------------------------------------------


@pytest.mark.usefixtures("db")
async def test_a_plan_and_a_request_are_stored():
    assert await load_plan() == Plan()
    plan = Plan((NEW,), before={"x": (1, 2)}, looked_at=3)
    assert await change_plan(Plan(), plan)
    assert await load_plan() == plan
    assert not await change_plan(Plan(), Plan((NEWER,)))
    assert not await begin_requested_update()
    await request_newest()
    assert [await begin_requested_update(), await begin_requested_update()] == [1, 2]
    assert not await end_requested_update(1)
    assert await end_requested_update(2)
    assert not await begin_requested_update()


# --- what is in a version's folder ----------------------------------------------------------------


async def test_an_intact_version_is_not_got_again(tmp_path: Path):
    settings = load_settings(
        tmp_path / "none.ini",
        tmp_path / "none.env",
        {"YTDLP_FOLDER": str(tmp_path / "yt-dlp"), "YTDLP_INDEX_URL": "http://127.0.0.1:9"},
    )
    trials = Trials(settings, FakeFetcher(), ())  # type: ignore[arg-type]
    with pytest.raises(UpdateError):
        await trials.ensure((replace(NEW, url="http://127.0.0.1:9/w.whl"),))
    files = wheel_files(YTDLP, NEW.version, {"__init__.py": b""})
    unpack(write_wheel(tmp_path, YTDLP, NEW.version, files), NEW, trials.versions.path(NEW.version))
    await trials.ensure((NEW,))
