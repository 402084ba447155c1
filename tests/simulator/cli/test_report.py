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
