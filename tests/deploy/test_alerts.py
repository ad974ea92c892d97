"""Promtool plays series to every rule of deploy/alerts.yaml: its alarm fires, and in time."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.config import ROOT
from tests.installed import needs
from tests.promql import RULES, Question, Selector

PLAYED = ROOT / "tests" / "deploy" / "alerts.yaml"
(GROUP,) = yaml.safe_load(RULES.read_text())["groups"]
NAMES = [rule["alert"] for rule in GROUP["rules"]]

with_promtool = needs(
    "promtool", "prometheus", "that every alarm fires when it must, and only then"
)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def cases() -> list[dict[str, Any]]:
    played = yaml.safe_load(PLAYED.read_text())["tests"]
    return [case for test in played for case in test["alert_rule_test"]]


def test_every_alarm_has_a_time_when_it_fires_and_one_when_it_does_not():
    for is_firing in (True, False):
        tried = {case["alertname"] for case in cases() if bool(case["exp_alerts"]) == is_firing}
        assert tried == set(NAMES)


@with_promtool
def test_promtool_accepts_the_rules():
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stderr


@with_promtool
def test_the_alarms_fire_when_they_must_and_only_then():
    done = promtool("test", "rules", str(PLAYED))
    assert done.returncode == 0, done.stdout + done.stderr


# --- each of the cases can fail -------------------------------------------------------------------


OPPOSITE = {"==": "!=", ">": "<", "<": ">"}
MILDER = {">": 0.4, "<": 1.6}


def wrong_expressions(expression: str) -> Iterator[str]:
    """Yield an expression with each of its comparisons turned round, and with a milder limit."""
    for found in re.finditer(r"(==|>|<) ([\d.e]+)", expression):
        start, end = expression[: found.start()], expression[found.end() :]
        operator, limit = found.groups()
        yield f"{start}{OPPOSITE[operator]} {limit}{end}"
        if operator in MILDER:
            yield f"{start}{operator} {float(limit) * MILDER[operator]}{end}"


def wrong_rules() -> Iterator[dict[str, Any]]:
    """Yield each rule with one mistake; the last one does not wait."""
    for rule in GROUP["rules"]:
        for expression in wrong_expressions(rule["expr"]):
            yield {**rule, "expr": expression}
        if "for" in rule:
            yield {key: value for key, value in rule.items() if key != "for"}


@with_promtool
@pytest.mark.parametrize("rule", list(wrong_rules()), ids=lambda rule: rule["alert"])
def test_a_wrong_rule_is_found(rule: dict[str, Any], tmp_path: Path):
    file = tmp_path / "alerts.yaml"
    file.write_text(json.dumps({"groups": [{**GROUP, "rules": [rule]}]}))  # JSON is YAML
    tests = [test for test in yaml.safe_load(PLAYED.read_text())["tests"] if plays(test, rule)]
    played = tmp_path / "played.yaml"
    played.write_text(json.dumps({"rule_files": [str(file)], "tests": tests}))
    done = promtool("test", "rules", str(played))
    assert f"alertname: {rule['alert']}," in done.stdout + done.stderr
    assert done.returncode


def plays(test: dict[str, Any], rule: dict[str, Any]) -> bool:
    return any(case["alertname"] == rule["alert"] for case in test["alert_rule_test"])


# --- how an expression is read --------------------------------------------------------------------


def test_all_that_an_expression_asks_for_is_read():
    question = Question(
        "A rule",
        'sum by (le, way) (rate(a_bucket{b="x}",c!~"y|z"}[$__rate_interval])) * 1e9 or vector(0)'
        " and on (job) up / offset:d",
        "{{ $labels.site }} of {{instance}}, {{ $value | humanize }}",
    )
    assert question.selectors == [
        Selector("a_bucket", (("b", "=", "x}"), ("c", "!~", "y|z"))),
        Selector("up", ()),
        Selector("offset:d", ()),
    ]
    assert question.labels == {"le", "way", "job", "site", "instance"}


@pytest.mark.parametrize(
    ("operator", "value", "is_found"),
    [
        ("=", "ab", True),
        ("=", "a", False),
        ("!=", "a", True),
        ("=~", "a.", True),
        ("=~", "a", False),
        ("!~", "a", True),
        ("!~", "a.", False),
    ],
)
def test_a_selector_finds_series_as_prometheus_does(operator: str, value: str, is_found: bool):
    selector = Selector("a", (("label", operator, value),))
    assert selector.finds({"__name__": "a", "label": "ab"}) == is_found
    assert not selector.finds({"__name__": "b", "label": "ab"})
