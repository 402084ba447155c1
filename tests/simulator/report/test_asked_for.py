"""The report files that a run is asked for."""

from __future__ import annotations

from pathlib import Path

from simulator.report import asked_for
from tests.plays.played import GOOD


def test_a_page_of_a_run_that_left_no_folder_is_told_and_no_other_report_suffers(tmp_path: Path) -> None:
    reports = {"--html": tmp_path / "report.html", "--json": tmp_path / "result.json"}
    (told,) = asked_for.write(reports, [GOOD], tmp_path / "gone")
    assert told.startswith(f"{tmp_path / 'report.html'}: not written: ")
    assert told.endswith("this is no folder of a run")
    assert (tmp_path / "result.json").exists()
    assert not (tmp_path / "report.html").exists()
