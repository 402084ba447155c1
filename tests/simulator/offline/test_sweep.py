"""A sweep counts for each point what a comparison with its policy counts."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from proxy.files.yaml_file import load
from simulator.judging.accuracy import Confusion
from simulator.offline import sweep
from simulator.offline.grid import Grid
from simulator.offline.sweep import Part, Row, Sweep
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


# Her orders, and his call for help, change what becomes of the calls of others.
ORDERS = """\
scenario: orders
home: CN
preset: default
subscribers:
  wei: {number: "+8613800138005", pin: "2580"}
  jun: {number: "+8613800138006", barring: {all_incoming: on}}
calls:
  - campaign: before
    trunk: international
    from: {prefix: "+23224", pool: 9}
    to: wei
    count: 40
    truth: scam
    rate: 10/s
  - {call: order, trunk: phones, from: wei, to: "*354*2580", truth: legit, start: 2s}
  - {call: help, trunk: phones, from: jun, to: "110", truth: legit, start: 1s}
  - campaign: back
    trunk: domestic
    from: ["+8613900139001", "+8613900139002"]
    to: jun
    count: 30
    truth: legit
    rate: 10/s
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


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_parts_by_caller_add_up_to_the_whole_whatever_calls_leave_to_remember(tmp_path: Path, parts: int) -> None:
    (tmp_path / "orders.yaml").write_text(ORDERS, encoding="utf-8")
    (tmp_path / "grid.yaml").write_text("sweep: s\nparameters: {preset: [default, cn]}\n", encoding="utf-8")
    scenarios = [each for each, _ in load_scenarios([tmp_path / "orders.yaml"])]
    points = list(load(tmp_path / "grid.yaml", Grid).points())
    whole = [row.confusion for row in Sweep(scenarios, None, BEGIN).rows(points)]
    assert 0 < whole[0].scam_blocked < 40  # before her order they pass
    assert 0 < whole[0].legit_blocked < 30  # after his call they pass
    found = [[0] * 6 for _ in points]
    for number in range(parts):
        judged: list[int] = []
        for row in Sweep(scenarios, None, BEGIN, judged.append, Part(number, parts)).rows(points):
            found[row.number] = [sum(both) for both in zip(found[row.number], astuple(row.confusion), strict=True)]
        assert sum(judged) < 2 * whole[0].calls
    assert [Confusion(*cells) for cells in found] == whole
