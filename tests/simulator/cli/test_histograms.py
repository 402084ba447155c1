"""`ringfence histograms`: the times of several runs together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.judging.latency import TIMES
from tests.plays.command_desk import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_the_times_of_two_runs_are_added_up(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["run", written(desk / "small.yaml")]) == 0
    assert "INVITE from caller to softswitch" in capsys.readouterr().out
    runs = sorted(map(str, Path("runs").glob("2*")))
    alone = json.loads((Path(runs[0]) / "metrics.json").read_text())
    assert {name for name in TIMES if f"{name}.p99.9" in alone} == set(TIMES)
    assert main(["histograms", *runs, "-o", "both.hlog", "--json", "both.json"]) == 0
    assert "INVITE from caller to softswitch" in capsys.readouterr().out
    both = json.loads(Path("both.json").read_text())
    assert both["decision_time.count"] == 2 * alone["decision_time.count"]
    assert main(["histograms", *runs, "runs/latest", "--json", "latest-too.json"]) == 0
    assert json.loads(Path("latest-too.json").read_text()) == both
    assert main(["histograms", "both.hlog", "--json", "again.json"]) == 0
    assert json.loads(Path("again.json").read_text()) == both


def test_a_folder_of_no_run_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["histograms", str(desk)]) == 2
    assert "histograms.hlog: No such file or directory" in capsys.readouterr().err


def test_files_that_cannot_be_written_are_told_first(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, told in (
        (["--json", "no/where.json"], "there is no folder no"),
        (["-o", "same", "--json", "same"], "--json would overwrite the file of --output"),
        (["-o", str(desk)], "this is a folder"),
    ):
        assert main(["histograms", "not-even-read", *options]) == 2
        assert told in capsys.readouterr().err
