"""Runs that are played again from their folders, wherever these have gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from simulator.results.inputs import Inputs
from simulator.scenario.model import load_scenarios
from tests.plays.command_desk import SCENARIO, lines, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")

LISTS = """\
  bob: {number: "+8613800138002"}
scam_lists: ["../lists/*.csv",  # of the shop
  "ELSEWHERE/more.csv"]
calls:
"""
LISTED = (
    SCENARIO.replace("calls:\n", LISTS, 1)
    + """\
  - campaign: lottery
    trunk: international
    from: {prefix: "+6590", pool: 3}
    to: bob
    count: 3
    rate: 50/s
    truth: scam
    expect: {action: reject, rule: scam_list.prefix, status: 603}
"""
)
HEADER = "number,category,confidence,source,expires\n"
_TIMES = {"due", "sent", "ringing", "final", "first_invite", "switch_received", "elapsed_us"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with scenarios that name lists beside them and elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "played").mkdir()
    (tmp_path / "lists" / "a.csv").write_text(HEADER + "+658*,scam,1,test,\n")
    (tmp_path / "lists" / "b[1].csv").write_text(HEADER + "+6590*,scam,1,test,\n")
    (tmp_path / "elsewhere" / "more.csv").write_text(HEADER + "+6591*,scam,1,test,\n")
    listed = LISTED.replace("ELSEWHERE", str(tmp_path / "elsewhere"))
    written(tmp_path / "played" / "small.yaml", listed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name not in _TIMES}
    return value


def verdicts(run: Path) -> str:
    """The calls and verdicts of a run, without times."""
    return "\n".join(json.dumps(without_times(call)) for call in lines(run / "calls.jsonl"))


def test_a_run_is_played_again_elsewhere_with_the_same_calls_and_verdicts_to_the_byte(desk: Path) -> None:
    assert main(["run", "played/small.yaml", "--seed", "11"]) == 0
    first = (desk / "runs" / "latest").resolve()
    before = verdicts(first)
    moved = desk / "far" / "away"
    shutil.copytree(first, moved)
    for gone in ("played", "lists", "elsewhere", "runs"):
        shutil.rmtree(desk / gone)
    assert main(["run", "far/away"]) == 0
    again = desk / "runs" / "latest"
    assert verdicts(again) == before
    assert main(["run", "runs/latest"]) == 0  # a copy of a copy
    assert (again / "inputs" / "scenario.yaml").read_bytes() == (moved / "inputs" / "scenario.yaml").read_bytes()
    assert verdicts(again) == before
    assert json.loads((again / "manifest.json").read_text())["seed"] == 11
    assert main(["run", "far/away", "--seed", "12"]) == 0
    assert verdicts(again) != before


def test_copies_keep_the_lines_of_the_scenario_and_name_the_lists_relative_to_themselves(desk: Path) -> None:
    assert main(["run", "played/small.yaml"]) == 0
    run = (desk / "runs" / "latest").resolve()
    copy, original = ((run / "inputs" / "scenario.yaml"), (desk / "played" / "small.yaml"))
    changed = [
        pair
        for pair in zip(copy.read_text().splitlines(), original.read_text().splitlines(), strict=True)
        if pair[0] != pair[1]
    ]
    assert [here.strip() for here, _ in changed] == [
        'scam_lists: ["lists/1/*",  # of the shop',
        '"lists/2/more.csv"]',
    ]
    manifest = json.loads((run / "manifest.json").read_text())
    assert list(manifest["files"]) == [
        "inputs/scenario.yaml",
        "inputs/lists/1/a.csv",
        "inputs/lists/1/b[1].csv",
        "inputs/lists/2/more.csv",
    ]
    assert str(desk) not in (run / "proxy.yaml").read_text()


def test_a_part_of_a_suite_is_played_again_as_that_part(desk: Path) -> None:
    written(desk / "played" / "second.yaml", SCENARIO.replace("scenario: small", "scenario: second"))
    assert main(["run", "played", "-k", "daughter or emergency"]) == 0
    suite = (desk / "runs" / "latest").resolve()
    parts = {each["name"]: each for each in json.loads((suite / "manifest.json").read_text())["scenarios"]}
    assert parts["small"]["only"] == ["daughter", "emergency"]
    before = {name: verdicts(desk / "runs" / each["folder"]) for name, each in parts.items()}
    moved = desk / "suite"
    shutil.copytree(suite, moved)
    shutil.rmtree(desk / "runs")
    assert main(["run", "suite"]) == 0
    again = json.loads((desk / "runs" / "latest" / "manifest.json").read_text())["scenarios"]
    assert {each["name"]: verdicts(desk / "runs" / each["folder"]) for each in again} == before


def test_a_folder_without_its_copies_is_told_from_one_that_can_be_played(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = desk / "old"
    old.mkdir()
    (old / "manifest.json").write_text('{"scenario": "small", "seed": 7, "softswitch": "embedded"}')
    assert main(["run", "old"]) == 2
    assert capsys.readouterr().err == "old: it cannot be played again: inputs/scenario.yaml is not in it\n"


def test_runs_of_different_softswitches_are_not_played_together_unasked(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "played/small.yaml", "-k", "daughter"]) == 0
    run = (desk / "runs" / "latest").resolve()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"softswitch": "docker"}))
    second = written(desk / "second.yaml", SCENARIO.replace("scenario: small", "scenario: second"))
    capsys.readouterr()
    assert main(["run", str(run), second]) == 2
    assert "different softswitches" in capsys.readouterr().err


def test_runs_of_another_policy_have_its_lists_and_are_not_played_again_as_if_it_were_their_own(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(desk / "other.yaml", "scam_lists: [elsewhere/more.csv]\n")
    assert main(["compare", "own", other, "played/small.yaml", "-k", "lottery"]) == 0
    folders = [path for path in sorted((desk / "runs").iterdir()) if not path.is_symlink()]
    played = {json.loads((each / "manifest.json").read_text())["policy"]: each for each in folders}
    assert main(["run", str(played["own"])]) == 0
    assert (played[other] / "inputs" / "lists" / "2" / "more.csv").exists()
    capsys.readouterr()
    assert main(["run", str(played[other])]) == 2
    assert 'it was played with the policy "' in capsys.readouterr().err


def test_lists_that_the_scenario_does_not_name_are_copied_too(desk: Path) -> None:
    ((scenario, source),) = load_scenarios([desk / "played" / "small.yaml"])
    third = desk / "third.csv"
    third.write_text(HEADER)
    inputs = Inputs.of(scenario.model_copy(update={"scam_lists": (third,)}), source)
    assert inputs.lists_in(Path("run"), scenario.model_copy(update={"scam_lists": (third,)})) == (
        Path("run/inputs/lists/0/third.csv"),
    )


def test_records_of_calls_are_played_again_from_their_copy(desk: Path) -> None:
    rows = "2026-11-01T10:00:00Z,+6591234567,+8613800138001\n2026-11-01T10:00:01Z,+6591234568,13800138002\n"
    (desk / "played" / "records of [May].csv").write_text(f"when,a,b\n{rows}")
    mapped = 'records: {file: "records of [May].csv", map: {start: when, caller: a, callee: b}, pace: 10}\n'
    scenario = written(desk / "played" / "records.yaml", f"scenario: records\nhome: CN\npreset: cn\n{mapped}")
    assert main(["run", scenario]) == 0
    run = (desk / "runs" / "latest").resolve()
    shutil.rmtree(desk / "played")
    assert main(["run", str(run)]) == 0
    assert verdicts(desk / "runs" / "latest") == verdicts(run)
