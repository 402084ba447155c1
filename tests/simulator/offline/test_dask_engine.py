"""A sweep on a cluster: the rows are those of a sweep here, whatever becomes of the workers."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from proxy.files.yaml_file import load
from simulator.errors import LabError
from simulator.loopback import free_port
from simulator.offline import dask_engine
from simulator.offline.bundle import Bundle
from simulator.offline.grid import Grid, Point
from simulator.offline.sweep import Row, Sweep
from simulator.scenario.model import Scenario, load_scenarios
from tests.plays.compared import BEGIN, SCENARIO, written
from tests.plays.dask_cluster import DaskCluster, dask_cluster

GRID = """\
sweep: s
parameters:
  preset: [cn, default]
  anonymous.reject: [enforce, off]
  scam_lists: [["listed.csv"], ["*.csv"]]
  barred.incoming_international: {from: 0, to: 1, steps: 5}
"""
MORE = "number,category,confidence,source,expires\n+8613912345678,survey,0.9,reports,2099-01-01\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """One for all tests, each of which says how many workers it is to have."""
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def given(folder: Path, calls: int = 30) -> tuple[list[Scenario], list[Point]]:
    """The neighbours, of whom one calls so often, and the points."""
    (folder / "more.csv").write_text(MORE, encoding="utf-8")
    (folder / "grid.yaml").write_text(GRID, encoding="utf-8")
    scenario = written(folder, SCENARIO.replace("count: 30", f"count: {calls}"))
    return [each for each, _ in load_scenarios([scenario])], list(load(folder / "grid.yaml", Grid).points())


def here(scenarios: Sequence[Scenario], points: Sequence[Point]) -> list[Row]:
    return in_order(Sweep(scenarios, None, BEGIN).rows(points))


def in_order(rows: Iterator[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.number)


def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios, points = given(tmp_path)
    monkeypatch.setattr(dask_engine, "_CONNECT", 0.2)
    nowhere = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(LabError, match=f"no Dask scheduler answers at {nowhere}"):
        next(dask_engine.rows(nowhere, Bundle.of(scenarios, points, None, BEGIN), points))


def test_without_dask_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios, points = given(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(LabError, match=r"pip install 'ringfence\[cluster\]'"):
        next(dask_engine.rows("tcp://127.0.0.1:1", Bundle.of(scenarios, points, None, BEGIN), points))


def test_a_cluster_without_workers_is_told(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.having(workers=0)
    scenarios, points = given(tmp_path)
    monkeypatch.setattr(dask_engine, "_WORKERS", 0.2)
    with pytest.raises(LabError, match="has no workers"):
        next(dask_engine.rows(cluster.address, Bundle.of(scenarios, points, None, BEGIN), points))


@pytest.mark.parametrize("parts", [None, 3])
def test_the_rows_are_those_of_a_sweep_here(cluster: DaskCluster, tmp_path: Path, parts: int | None) -> None:
    cluster.having(workers=2)
    scenarios, points = given(tmp_path)
    told: list[tuple[int, float]] = []
    bundle = Bundle.of(scenarios, points, None, BEGIN)
    for path in tmp_path.iterdir():  # the workers have files of their own
        path.unlink()
    found = in_order(dask_engine.rows(cluster.address, bundle, points, lambda *more: told.append(more), parts))
    given(tmp_path)
    assert found == here(scenarios, points)
    assert len({row.confusion for row in found}) > 5
    assert sum(judged for judged, _ in told) == sum(row.confusion.calls for row in found)
    assert all(spent > 0 for _, spent in told)


def test_whoever_has_enough_leaves_the_cluster_idle(cluster: DaskCluster, tmp_path: Path) -> None:
    cluster.having(workers=2)
    scenarios, points = given(tmp_path, calls=1000)
    bundle = Bundle.of(scenarios, points, None, BEGIN)
    rows = dask_engine.rows(cluster.address, bundle, points)
    first = next(rows)
    rows.close()  # as Ctrl-C does
    assert [first] == here(scenarios, [each for each in points if each.number == first.number])
    assert in_order(dask_engine.rows(cluster.address, bundle, points[:1])) == here(scenarios, points[:1])


def test_workers_with_another_ringfence_are_told(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.having(workers=2)
    scenarios, points = given(tmp_path)
    monkeypatch.setattr("simulator.offline.bundle.code", lambda: "another")
    bundle = Bundle.of(scenarios, points, None, BEGIN)
    with pytest.raises(LabError, match="a worker failed: it has another Ringfence than the one that sweeps"):
        list(dask_engine.rows(cluster.address, bundle, points))


def test_what_a_lost_worker_had_in_hand_is_done_by_another(cluster: DaskCluster, tmp_path: Path) -> None:
    cluster.having(workers=2)
    scenarios, points = given(tmp_path, calls=1000)
    rows = dask_engine.rows(cluster.address, Bundle.of(scenarios, points, None, BEGIN), points)
    found = [next(rows)]
    lost = cluster.workers[0]
    lost.send_signal(signal.SIGKILL)
    lost.wait()
    found += rows
    assert in_order(iter(found)) == here(scenarios, points)


def test_a_scheduler_that_ends_amid_a_sweep_is_told_in_a_line(
    cluster: DaskCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.having(workers=1)
    scenarios, points = given(tmp_path, calls=1000)
    rows = dask_engine.rows(cluster.address, Bundle.of(scenarios, points, None, BEGIN), points)
    next(rows)
    cluster.scheduler.kill()
    with pytest.raises(LabError, match="the scheduler gave the sweep up"):
        list(rows)
    assert capsys.readouterr().err == ""
