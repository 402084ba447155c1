"""`ringfence sweep` as users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet

from simulator.__main__ import main
from simulator.loopback import free_port
from simulator.offline import dask_engine
from simulator.offline.sweep import Sweep
from tests.plays.compared import written
from tests.plays.dask_cluster import dask_cluster

GRID = """\
sweep: anonymous-and-abroad
parameters:
  anonymous.reject: [enforce, off]
  barred.incoming_international: {from: 0, to: 1, steps: 3}
"""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID, encoding="utf-8")
    return str(written(tmp_path))


def table(path: Path) -> list[tuple[object, ...]]:
    names = ["point", "anonymous.reject", "barred.incoming_international", "calls", "scam_blocked", "scam_recall"]
    return [tuple(row[name] for name in names) for row in parquet.read_table(path).to_pylist()]


def test_the_rows_are_a_table_and_the_trade_off_is_shown(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "grid.yaml", scenario]) == 0
    out = capsys.readouterr().out
    assert "Recall against false blocks" in out
    assert "grid.parquet: 6 rows of 6" in out
    found = table(tmp_path / "grid.parquet")
    assert [row[0] for row in found] == list(range(6))
    assert found[2] == (2, "enforce", 1.0, 72, 35, 1.0)
    assert found[5] == (5, "off", 1.0, 72, 25, 25 / 35)
    assert not (tmp_path / "grid.parquet.part").exists()


def test_an_interrupted_sweep_leaves_what_is_done_and_goes_on(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "grid.yaml", scenario, "-o", "whole.parquet"]) == 0
    whole = (tmp_path / "whole.parquet").read_bytes()
    judge, judged = Sweep._judge, []

    def two_and_no_more(self: Sweep, *arguments: object) -> None:
        judged.append(arguments)
        if len(judged) == 3:
            raise KeyboardInterrupt
        judge(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sweep, "_judge", two_and_no_more)
    assert main(["sweep", "grid.yaml", scenario, "-o", "s.parquet"]) == 130
    assert len(table(tmp_path / "s.parquet")) == 2
    assert "--resume goes on" in capsys.readouterr().out
    judged += [()] * 10
    assert main(["sweep", "grid.yaml", scenario, "-o", "s.parquet", "--resume"]) == 0
    assert len(judged) == 3 + 10 + 4
    assert (tmp_path / "s.parquet").read_bytes() == whole


def test_a_sweep_that_was_cut_off_amid_a_line_goes_on_before_it(scenario: str, tmp_path: Path) -> None:
    assert main(["sweep", "grid.yaml", scenario, "-o", "s.parquet"]) == 0
    whole = (tmp_path / "s.parquet").read_bytes()
    part = tmp_path / "s.parquet.part"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "rows", interrupted_after(3, Sweep.rows))
        assert main(["sweep", "grid.yaml", scenario, "-o", "s.parquet"]) == 130
    part.write_text(part.read_text()[:-20])
    assert main(["sweep", "grid.yaml", scenario, "-o", "s.parquet", "--resume"]) == 0
    assert (tmp_path / "s.parquet").read_bytes() == whole


def interrupted_after(count: int, rows: object) -> object:
    def some(*arguments: object) -> object:
        for place, row in enumerate(rows(*arguments)):  # type: ignore[operator]
            if place == count:
                raise KeyboardInterrupt
            yield row

    return some


def test_another_sweep_is_not_gone_on_with(scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = {"sweep": "another", "begins": 0.0}
    (tmp_path / "grid.parquet.part").write_text(json.dumps(head) + "\n", encoding="utf-8")
    assert main(["sweep", "grid.yaml", scenario, "--resume"]) == 2
    assert "this is the beginning of another sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "told"),
    [("", ":1:1: found , expected"), ("[1]\n", ":1:1: found [1], expected"), ("rubbish\n", ":1:1: found rubbish")],
)
def test_a_part_that_is_none_is_told(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, told: str
) -> None:
    (tmp_path / "grid.parquet.part").write_text(part, encoding="utf-8")
    assert main(["sweep", "grid.yaml", scenario, "--resume"]) == 2
    assert f"grid.parquet.part{told}" in capsys.readouterr().err


def test_the_table_takes_no_scenarios_place(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "grid.yaml", scenario, "-o", scenario]) == 2
    assert "would overwrite the scenario" in capsys.readouterr().err


def test_a_cluster_judges_what_is_left_of_a_sweep_that_was_begun_here(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "grid.yaml", scenario, "-o", "whole.parquet"]) == 0
    whole = (tmp_path / "whole.parquet").read_bytes()
    with dask_cluster(tmp_path) as cluster:
        cluster.having(workers=1)
        arguments = ["sweep", "grid.yaml", scenario, "-o", "s.parquet", "--scheduler", cluster.address]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Sweep, "rows", interrupted_after(2, Sweep.rows))
            assert main(arguments[:-2]) == 130
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dask_engine, "rows", interrupted_after(1, dask_engine.rows))
            assert main([*arguments, "--resume"]) == 130
        assert len(table(tmp_path / "s.parquet")) == 3
        capsys.readouterr()
        assert main([*arguments, "--resume"]) == 0
    assert "216 decisions in" in capsys.readouterr().out
    assert (tmp_path / "s.parquet").read_bytes() == whole


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:99999"])
def test_what_is_no_address_of_a_scheduler_is_told_at_once(
    scenario: str, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sweep", "grid.yaml", scenario, "--scheduler", address])
    assert "expected an address such as tcp://127.0.0.1:8786" in capsys.readouterr().err


def test_a_scheduler_over_tls_takes_certificates(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "grid.yaml", scenario, "--scheduler", "tls://127.0.0.1:8786"]) == 3
    assert "tls://127.0.0.1:8786 takes certificates" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_leaves_what_is_done(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dask_engine, "_CONNECT", 0.2)
    assert main(["sweep", "grid.yaml", scenario, "--scheduler", f"tcp://127.0.0.1:{free_port()}"]) == 3
    assert "no Dask scheduler answers" in capsys.readouterr().err
    assert (tmp_path / "grid.parquet.part").exists()
