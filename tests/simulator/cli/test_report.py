"""`ringfence report`: a call of a run, shown again."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_a_call_of_a_run_is_shown_with_what_every_rule_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter"]) == 0
    capsys.readouterr()
    assert main(["report", "runs/latest", "--call", "daughter"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("daughter, INVITE on trunk international from +6591234567 to +86138")
    assert "  became    passed" in told
    assert not any("messages.bin" in line for line in told)
    assert any(line.strip().startswith("never_block (enforce) no_match: ") for line in told)
    assert main(["report", "runs/latest", "--call", "dauhter"]) == 2
    assert 'calls.jsonl: found no call "dauhter", expected "daughter"' in capsys.readouterr().err
    assert main(["report", "runs", "--call", "daughter"]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_a_run_is_reported_as_a_page_at_once_and_afterwards(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "--html", "report.html"]) == 0
    assert "Every call was judged as expected." in (desk / "report.html").read_text()
    capsys.readouterr()
    assert main(["report", "runs/latest"]) == 0
    assert capsys.readouterr().out == "runs/latest/report.html\n"
    assert (desk / "runs" / "latest" / "report.html").read_text() == (desk / "report.html").read_text()
    assert main(["report", "runs/latest", "--html", "other.html", "--call", "daughter"]) == 0
    assert 'id="panel-' in (desk / "other.html").read_text()
    assert main(["report", "runs/latest", "--html", "other.html", "--call", "dauhter"]) == 2
    assert 'found no call "dauhter"' in capsys.readouterr().err
    assert main(["report", "runs", "--html", "other.html"]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_told_before_the_calls(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "--html", "nowhere/report.html"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
    assert not (desk / "runs").exists()
