"""A scenario to compare policies on: anonymous and overseas callers, listed ones, and people who are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.judging.paired import Comparison
from simulator.offline.comparing import compare_offline
from simulator.scenario.model import load_scenarios
from simulator.scenario.policies import read_variant
from simulator.traffic.lines import inhabited

BEGIN = 1_780_000_000.0  # epoch seconds
SCENARIO = """\
scenario: neighbours
home: CN
preset: cn
seed: 3
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
  bob: {number: "+8613800138002", barring: {anonymous: on}}
scam_lists: [listed.csv]
calls:
  - campaign: hidden
    trunk: domestic
    from: anonymous
    to: bob
    count: 10
    rate: 100/s
    ring: 50ms
    truth: scam
    family: anonymous
  - campaign: abroad
    trunk: international
    from: {prefix: "+23224", pool: 8}
    to: alice
    count: 20
    rate: 100/s
    ring: 50ms
    truth: scam
    family: wangiri
  - campaign: listed
    trunk: international
    from: "+447700900123"
    to: bob
    count: 5
    rate: 100/s
    ring: 50ms
    truth: scam
    family: listed
  - campaign: daughter
    trunk: international
    from: "+6591234567"
    to: alice
    count: 7
    rate: 100/s
    ring: 50ms
    truth: legit
    family: family
  - campaign: neighbour
    trunk: domestic
    from: "+8613912345678"
    to: bob
    count: 30
    rate: 100/s
    ring: 50ms
    truth: legit
    family: neighbour
"""
LISTED = "number,category,confidence,source,expires\n+447700900123,wangiri,0.9,reports,2099-01-01\n"


def written(folder: Path, scenario: str = SCENARIO) -> Path:
    """The scenario and its list, as files."""
    (folder / "listed.csv").write_text(LISTED, encoding="utf-8")
    path = folder / "neighbours.yaml"
    path.write_text(scenario, encoding="utf-8")
    return path


def compared(folder: Path, a: str, b: str, **more: Any) -> Comparison:
    """Two policies on its calls, offline."""
    ((scenario, _),) = load_scenarios([written(folder)])
    whole = inhabited(scenario, scenario.seed)
    comparison = Comparison()
    compare_offline(read_variant(a).over(whole), read_variant(b).over(whole), scenario.seed, BEGIN, comparison, **more)
    return comparison
