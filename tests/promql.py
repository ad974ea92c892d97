"""What the rules and the dashboard of deploy/ ask Prometheus for, read from their expressions."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from data.config import ROOT

RULES = ROOT / "deploy" / "alerts.yaml"
_DASHBOARD = ROOT / "deploy" / "grafana.json"

_TEXT = r'"(?:[^"\\]|\\.)*"'
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
#: A metric's name and its matchers; no function, and no number such as 1e9.
_SELECTOR = re.compile(
    rf"(?<![\w:.])([a-zA-Z_:][\w:]*+)(?!\s*\()\s*(?:\{{((?:[^}}\"]|{_TEXT})*)\}})?"
)
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_TEXT})")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}
#: {{platform}} in a legend of Grafana, {{ $labels.platform }} in an annotation of Prometheus.
_SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?([a-z]\w*)\s*\}\}")


@dataclass(frozen=True)
class Selector:
    """A metric and the conditions on its labels."""

    metric: str
    #: (label, operator, value), as in `platform!="tiktok"`.
    matchers: tuple[tuple[str, str, str], ...]

    def finds(self, series: Mapping[str, str]) -> bool:
        """Return True for the labels of a series that is selected; its name is `__name__`."""
        return series["__name__"] == self.metric and all(
            _matches(series.get(label, ""), operator, value)
            for label, operator, value in self.matchers
        )


def _matches(text: str, operator: str, value: str) -> bool:
    is_found = bool(re.fullmatch(value, text)) if "~" in operator else text == value
    return is_found != operator.startswith("!")


@dataclass(frozen=True)
class Question:
    """An expression of a rule or a panel."""

    name: str
    expression: str
    #: A rule's annotations, or a panel's legend.
    texts: str

    @property
    def selectors(self) -> list[Selector]:
        """Return what is selected."""
        rest = _RANGE.sub("", _GROUPING.sub("", self.expression))
        return [
            Selector(metric, _matchers(braces or ""))
            for metric, braces in _SELECTOR.findall(rest)
            if metric not in _OPERATORS
        ]

    @property
    def labels(self) -> set[str]:
        """Return the labels by which it groups, and those that its texts show."""
        grouped = ",".join(_GROUPING.findall(self.expression))
        return {*re.findall(r"\w+", grouped), *_SHOWN.findall(self.texts)}


def _matchers(braces: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (label, operator, json.loads(value)) for label, operator, value in _MATCHER.findall(braces)
    )


def rules() -> Iterator[Question]:
    """Yield the expressions of the rules."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield Question(rule["alert"], rule["expr"], str(rule["annotations"]))


def panels() -> Iterator[Question]:
    """Yield the expressions of the dashboard's panels."""
    for panel in json.loads(_DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            name = f"{panel['title']}/{target['refId']}"
            yield Question(name, target["expr"], target["legendFormat"])
