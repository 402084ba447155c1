"""`ringfence messages`: the recorded messages of a run, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_recorded_messages_are_printed_in_order_of_time_all_or_of_a_call(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter or emergency", "--messages", "all"]) == 0
    capsys.readouterr()
    assert main(["messages", "runs/latest"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    moments = [each["at"] for each in told]
    assert moments == sorted(moments)
    assert [each["timestamp"] for each in told] == sorted(each["timestamp"] for each in told)
    assert main(["messages", "runs/latest", "--call", "daughter"]) == 0
    of_call = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["call_id"] for each in of_call} > {"daughter"}
    assert [each for each in told if each in of_call] == of_call != told
    assert {each.get("proxied") for each in of_call} == {None, False}


def test_where_none_are_recorded_it_is_told_how_they_are(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "emergency"]) == 0
    capsys.readouterr()
    assert main(["messages", "runs/latest"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "runs/latest/messages.bin: none recorded; `ringfence run --messages all` records them\n"


def test_a_folder_of_no_run_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["messages", str(desk)]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err
