"""The shipped scenarios that ask most of a softswitch, whole, on either: the same verdicts, and all as expected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.exit_code import ExitCode
from simulator.judging import result
from tests.plays import ROOT
from tests.plays.docker_engine import need_an_engine

SCENARIOS = ROOT / "scenarios"
NAMES = ("what-they-hear", "self-service", "labels-and-detours", "real-phones")


def verdicts(switch: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str, str]]:
    """The outcome of each call, and the rule that made it."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    code = main(["run", *(str(SCENARIOS / f"{name}.yaml") for name in NAMES), "--softswitch", switch])
    assert code == ExitCode.AS_EXPECTED
    lines = [line for path in folder.glob("runs/2*/calls.jsonl") for line in path.read_text().splitlines()]
    calls = map(json.loads, lines)
    return {call["id"]: (call["outcome"], call["proxy_wrote"]["action"], call["proxy_wrote"]["rule"]) for call in calls}


@pytest.mark.docker
@pytest.mark.phones
@pytest.mark.quiet
def test_every_call_is_judged_the_same_on_asterisk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_an_engine()
    monkeypatch.setattr(result, "LATENESS_BOUND", 60.0)  # what is judged matters, however busy the machine
    ours = verdicts("embedded", tmp_path / "embedded", monkeypatch)
    theirs = verdicts("docker", tmp_path / "docker", monkeypatch)
    assert theirs == ours
    assert len(ours) > 100
