"""The shipped suite, whole, on Asterisk (on the embedded softswitch it is what `make demo` plays): all as expected, and
of the scenarios that ask most of a softswitch each call is judged the same on either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.exit_code import ExitCode
from simulator.judging import result
from tests.plays import ROOT
from tests.plays.docker_engine import need_an_engine

SUITE = ROOT / "scenarios"
HARD = [SUITE / f"{name}.yaml" for name in ("what-they-hear", "self-service", "labels-and-detours", "real-phones")]

Verdicts = dict[tuple[str, str], tuple[str, str, str]]


def verdicts(switch: str, played: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Verdicts:
    """The outcome of each call, by scenario and name, and the rule that made it."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main(["run", *map(str, played), "--softswitch", switch]) == ExitCode.AS_EXPECTED
    return {
        (path.parent.name.partition("-")[2], call["id"]): (call["outcome"], wrote["action"], wrote["rule"])
        for path in folder.glob("runs/2*/calls.jsonl")
        for call in map(json.loads, path.read_text().splitlines())
        if (wrote := call["proxy_wrote"])
    }


@pytest.mark.docker
@pytest.mark.phones
def test_every_call_is_judged_the_same_on_asterisk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_an_engine()
    monkeypatch.setattr(result, "LATENESS_BOUND", 60.0)  # what is judged matters, however busy the machine
    ours = verdicts("embedded", HARD, tmp_path / "embedded", monkeypatch)
    theirs = verdicts("docker", [SUITE], tmp_path / "docker", monkeypatch)
    assert {call: theirs[call] for call in ours} == ours
    assert len(ours) > 100
    assert len(theirs) > 2000
