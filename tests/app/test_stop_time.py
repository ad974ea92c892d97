"""The time for a stop: every step has its own limit, and all of them one deadline."""

import re

import pytest

from app.stop_time import ACKNOWLEDGE_S, HANDLERS_S, RELEASE_S, StopStep, StopTime
from data.config import ROOT
from tests.stops import stop_begun


@pytest.mark.parametrize("drain_s", [0, 5, 60, 600])
def test_a_stop_whose_steps_all_take_as_long_as_they_may_ends_at_the_deadline(drain_s: float):
    elapsed_s = ACKNOWLEDGE_S
    elapsed_s += max(stop_begun(elapsed_s, drain_s).requests_s, RELEASE_S)
    elapsed_s += stop_begun(elapsed_s, drain_s).handlers_s
    for step in StopStep:
        elapsed_s += stop_begun(elapsed_s, drain_s).left_s(step)
    assert elapsed_s == StopTime(drain_s).longest_s


def test_steps_that_begin_late_do_not_end_late():
    elapsed_s = 75.0  # something that nobody could cut off has lasted
    for step in StopStep:
        elapsed_s += stop_begun(elapsed_s).left_s(step)
    assert elapsed_s == StopTime(60).longest_s
    assert {stop_begun(1_000).left_s(step) for step in StopStep} == {0}


def test_every_step_has_its_whole_time_although_all_before_have_used_theirs():
    elapsed_s = 60.0
    for step in StopStep:
        left_s = stop_begun(elapsed_s).left_s(step)
        assert left_s == stop_begun(0).left_s(step)
        elapsed_s += left_s


def test_an_early_step_does_not_use_the_time_that_others_have_left():
    assert (
        stop_begun(1).left_s(StopStep.HAND_BACK) == stop_begun(60).left_s(StopStep.HAND_BACK) < 10
    )


def test_requests_and_handlers_have_what_is_left_of_their_time():
    assert (stop_begun(0).requests_s, stop_begun(0).handlers_s) == (60, HANDLERS_S)
    assert (stop_begun(4).requests_s, stop_begun(4).handlers_s) == (56, HANDLERS_S - 4)
    assert (stop_begun(100).requests_s, stop_begun(100).handlers_s) == (0, 0)


def test_without_a_signal_every_step_has_its_whole_time():
    stop_time = StopTime(60, lambda: 1_000_000)
    assert (stop_time.requests_s, stop_time.handlers_s) == (60, HANDLERS_S)
    assert all(stop_time.left_s(step) == stop_begun(0).left_s(step) for step in StopStep)


def test_a_stop_after_the_end_of_polling_has_its_own_time():
    now = [0.0]
    stop_time = StopTime(60, lambda: now[0])
    stop_time.begin()
    now[0] = 1_000_000
    stop_time.begin()
    assert stop_time.left_s(StopStep.HAND_BACK) == stop_begun(0).left_s(StopStep.HAND_BACK)


@pytest.mark.parametrize(
    "name", ["docs/operating/running.md", "docker-compose.yml", "deploy/clipferry.service"]
)
def test_operators_read_how_much_longer_than_the_drain_a_stop_may_take(name: str):
    (stated,) = re.findall(r"drain_s`? and (\d+) s", (ROOT / name).read_text())
    assert int(stated) == StopTime(60).longest_s - 60
