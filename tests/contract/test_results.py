"""Results of runs and loads with Asterisk, whose socket is not ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.judging import result
from tests.plays.command_desk import SCENARIO, written
from tests.plays.docker_engine import need_an_engine

pytestmark = pytest.mark.docker


def figures() -> dict[str, float]:
    found: dict[str, float] = json.loads(Path("runs/latest/metrics.json").read_text())
    return found


def test_transit_time_is_measured_with_asterisk_too_where_messages_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need_an_engine()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(result, "LATENESS_BOUND", 60.0)
    scenario = written(tmp_path / "small.yaml")
    chosen = ["-k", "daughter", "--softswitch", "docker"]
    assert main(["run", scenario, *chosen]) == 0
    found = figures()
    assert found["transit_time.count"] == found["setup_delay.count"] == 1
    assert 0 < found["transit_time.p50"] < found["setup_delay.p50"]  # it comes to the switch before its phone rings
    assert main(["run", scenario, *chosen, "--messages", "never"]) == 0
    assert "transit_time.count" not in figures()
    assert "transit time was not measured: without messages nothing tells when calls left" in capsys.readouterr().out


def test_asterisk_is_loaded_with_the_proxy_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_an_engine()
    monkeypatch.chdir(tmp_path)
    scenario = written(tmp_path / "small.yaml", SCENARIO.replace("count: 10", "count: 2"))
    easy = ["--hold", "1s", "--ramp", "0.2s", "--p99", "30s", "--failures", "50%", "--processes", "1"]
    assert main(["load", scenario, "--rate", "10", *easy, "--softswitch", "docker"]) == 0
    found = figures()
    assert (found["calls"], found["calls.wrong"]) == (10, 0)
    assert found["setup_delay.count"] > 0
    assert Path("runs/latest/switch-calls.jsonl").exists()
