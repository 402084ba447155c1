"""`ringfence doctor`."""

from __future__ import annotations

import pytest

from simulator.__main__ import main

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_doctor_says_what_is_there_and_that_the_lab_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "ok       Python 3." in printed
    assert printed.endswith("The lab can run here.\n")
