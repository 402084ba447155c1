"""The dashboard and the alert rules under docker/monitoring ask for metrics and labels that there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.events import Judged, PeerNoticed, Shadowed
from proxy.observability.metrics import DataFile, Looks, Metrics
from proxy.policy.engine import Policy
from proxy.policy.remote import RemoteSource
from proxy.policy.verdict import Step
from tests.plays import ROOT
from tests.plays.dialogue import BARRED, INVITE, STRANGER, new_core, play, request

FOLDER = ROOT / "docker" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana/dashboards/ringfence.json").read_text())
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
OF_PROMETHEUS = {"instance", "job", "le"}  # labels


def expressions() -> list[str]:
    """All queries of the dashboard, and those of the rules."""
    targets = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*targets, *(each["expr"] for each in DASHBOARD["annotations"]["list"]), *(rule["expr"] for rule in RULES)]


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Names of samples, and their labels, of a proxy that did a bit of everything."""
    core = new_core()
    metrics = Metrics(core, "1")
    on = play(core)
    on.receive(INVITE).forget_sent()
    on.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", call_id="2")).forget_sent()
    on.receive(request("REGISTER")).forget_sent()
    on.receive(request("OPTIONS", STRANGER), STRANGER).forget_sent()
    core.outputs.append(Shadowed("1", 1.8e9, Step("x", "shadow", "reject", "")))
    files = (DataFile("l.csv", "scam_list", 1, 1.8e9, kept=False),)
    metrics.looks = Looks(lambda: 0, lambda: 0, lambda: files, lambda: 1.8e9)
    events = on.events()
    assert {Judged, PeerNoticed, Shadowed} <= {type(event) for event in events}
    for event in events:
        metrics(event)
    asked = RemoteSource("registry", "http://127.0.0.1/{e164}")
    core.policy = Policy(replace(core.policy.snapshot, sources=(asked,)))
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_what_there_is(expression: str, known: dict[str, set[str]]) -> None:
    names = re.findall(r"(?:ringfence|process)_[a-z_]+|\bup\b", expression)
    assert names
    assert set(names) <= {*known, "up"}
    labels = {*re.findall(r'(\w+)(?:=|!=|=~)"', expression)}
    for group in re.findall(r"by \(([^)]*)\)", expression):
        labels |= {label.strip() for label in group.split(",")}
    assert labels <= OF_PROMETHEUS | set().union(*(known.get(name, set()) for name in names))


def test_each_label_that_is_shown_is_one_of_the_query() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            shown = re.findall(r"{{(\w+)}}", target["legendFormat"])
            grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
            if grouped:
                assert set(shown) <= {label.strip() for label in grouped[0].split(",")}, target


def test_panels_lie_side_by_side_and_have_ids_of_their_own() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_each_rule_says_what_is_wrong_and_is_told_of_in_the_reference() -> None:
    reference = (ROOT / "docker" / "README.md").read_text()
    for rule in RULES:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert f"`{rule['alert']}`" in reference
