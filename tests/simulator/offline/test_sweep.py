"""A sweep counts for each point what a comparison with its policy counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import load
from simulator.offline import sweep
from simulator.offline.grid import Grid
from simulator.offline.sweep import Row, Sweep
from simulator.scenario.model import load_scenarios
from tests.plays.compared import BEGIN, compared, written

MIX = """\
scenario: town
home: CN
preset: cn
mix:
  lasts: 1d
  subscribers:
    people: {count: 40, numbers: {prefix: "+861380013", length: 13}}
  traffic: {home-circle: {}, wangiri: {calls_per_line: 1}}
"""
GRID = """\
sweep: s
parameters:
  preset: [cn, default]
  anonymous.reject: [enforce, off]
  scam_list.exact: [enforce, shadow]
  barred.incoming_international: [0, 0.5, 1]
"""


def rows(folder: Path, scenario: Path) -> list[Row]:
    path = folder / "grid.yaml"
    path.write_text(GRID, encoding="utf-8")
    scenarios = [each for each, _ in load_scenarios([scenario])]
    judged: list[int] = []
    found = list(Sweep(scenarios, None, BEGIN, judged.append).rows(list(load(path, Grid).points())))
    assert sum(judged) == sum(row.confusion.calls for row in found)
    return sorted(found, key=lambda row: row.number)


def test_every_point_is_what_its_policy_does_alone(tmp_path: Path) -> None:
    found = rows(tmp_path, written(tmp_path))
    assert [row.number for row in found] == list(range(24))
    for row in found:
        chosen = row.parameters
        policy = f"{chosen['preset']}," + ",".join(f"{key}={value}" for key, value in chosen.items())
        assert row.confusion == compared(tmp_path, "own", policy).confusions[1], chosen


def test_calls_that_are_too_many_to_keep_are_judged_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "town.yaml"
    path.write_text(MIX, encoding="utf-8")
    kept = rows(tmp_path, path)
    assert kept[0].confusion.calls > 50
    monkeypatch.setattr(sweep, "_KEPT", 10)
    assert rows(tmp_path, path) == kept
