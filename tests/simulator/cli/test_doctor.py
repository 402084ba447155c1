"""`ringfence doctor`."""

from __future__ import annotations

from importlib import metadata

import pytest

from simulator.__main__ import main
from simulator.agents.pjsua import phones as pjsua
from simulator.cli import doctor

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_doctor_says_what_is_there_and_that_the_lab_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "ok       Python 3." in printed
    assert printed.endswith("The lab can run here.\n")


def test_doctor_says_how_to_get_what_tables_and_comparisons_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("pyarrow", "scipy"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(pjsua, "available", lambda: (False, "not asked for here"))  # takes a second to say,
    monkeypatch.setattr(doctor, "_compose", lambda: doctor.Finding("not asked for either", False, False))  # and two
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for what in ("tables of calls and records in Parquet (pyarrow)", "the exact test of `ringfence compare` (scipy)"):
        assert f"absent   {what}\n         pip install 'ringfence[data]'\n" in printed
