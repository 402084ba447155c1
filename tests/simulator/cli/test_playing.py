"""`ringfence run` where there is no room for its folder, and with phones that have to prove who they are."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.results.run_folder import RunFolder
from tests.plays.command_desk import SCENARIO, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_a_run_without_room_for_its_events_tells_of_the_calls_that_came_to_their_end(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written_down = 0

    def full(folder: RunFolder, kind: str, **fields: object) -> None:
        nonlocal written_down
        written_down += kind == "call_ended"
        if written_down > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.path / "events.jsonl"))
        note(folder, kind, **fields)

    note = RunFolder.note
    monkeypatch.setattr(RunFolder, "note", full)
    scenario = written(desk / "small.yaml", SCENARIO.replace("rate: 100/s", "rate: 5/s"))
    assert main(["run", scenario, "--json", "r.json", "--html", "r.html", "--pcap", "all", "--parquet"]) == 3
    told = capsys.readouterr()
    assert "events.jsonl: No space left on device; the run ended there, and its folder is not complete" in told.out
    assert "not played to the end: " in told.out
    (played,) = json.loads((desk / "r.json").read_text())["scenarios"]
    confusion = played["confusion"]
    assert sum(confusion[each] for each in ("scam_blocked", "scam_passed", "legit_passed", "legit_blocked")) >= 5
    assert played["unfinished"] >= 1
    assert json.loads(Path("runs/latest/manifest.json").read_text())["state"] == "failed"


def test_a_run_without_room_for_its_calls_in_the_end_tells_of_all_of_them(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("simulator.results.run_folder.write_calls", full)
    assert main(["run", written(desk / "small.yaml")]) == 3
    told = capsys.readouterr().out
    assert "12 calls: 10 scam, 2 legitimate" in told
    assert "INVALID: " in told
    assert "calls.jsonl: No space left on device" in told


TOWN = """\
scenario: town
home: CN
preset: cn
trunks: {phones: {auth: digest}}
subscribers: {alice: {number: "+8613800138001", password: s3cret}, bob: {number: "+8613800138002"}}
mix:
  lasts: 1h
  pace: 1000
  subscribers: {town: {count: 3, numbers: {prefix: "+861380013", length: 13}}}
  traffic: {home-circle: {}}
calls:
  - {call: one, trunk: phones, from: alice, to: bob, truth: legit}
"""


def test_phones_without_a_password_register_where_they_are_asked_for_one(desk: Path) -> None:
    assert main(["run", written(desk / "town.yaml", TOWN)]) == 0
