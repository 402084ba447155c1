"""`ringfence ladder`: the messages of a call, drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import SCENARIO, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_the_ladder_of_a_failed_call_is_drawn_after_the_run_and_later(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["run", written(desk / "wrong.yaml", SCENARIO.replace("rule: subscriber.allow", "rule: default.allow"))])
        == 1
    )
    after = capsys.readouterr().out
    assert "|------INVITE----->|" in after
    assert main(["ladder", "runs/latest", "daughter", "--messages"]) == 0
    later = capsys.readouterr().out.splitlines()
    assert later[0].startswith("daughter: INVITE from +6591234567")
    assert len(later) > 30
    assert "\n".join(later[3:9]) in after
    assert any(line.startswith("INVITE sip:") for line in later)
    assert main(["ladder", "runs/latest", "daughter", "--direct"]) == 0
    assert main(["ladder", "runs/latest", "dauhter"]) == 2
    assert 'found no call "dauhter", expected "daughter"' in capsys.readouterr().err
