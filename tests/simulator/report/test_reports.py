"""All reports of a run say the same of what does not count."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from simulator.judging.figures import Figures
from simulator.judging.result import Result
from simulator.report import json_file, junit
from tests.plays.played import BROKEN, GOOD, PART, shown


def test_every_report_of_a_part_says_that_no_threshold_was_held() -> None:
    assert "note: a part of the scenario is held to no threshold (1 threshold left out)" in shown(PART)
    (part,) = json_file.document([PART])["scenarios"]
    assert (part["partial"], part["thresholds"]) == (True, [])
    assert part["thresholds_not_held"] == [{"figure": "added_setup_delay", "asked": "p99 < 1s"}]
    suite = ET.fromstring(junit.document([PART]))[0]  # noqa: S314 - our own text
    assert suite.get("skipped") == "1"
    assert [case.get("name") for case in suite.iter("testcase") if case.find("skipped") is not None] == [
        "added_setup_delay p99 < 1s"
    ]
    assert "part of the scenario" not in shown(GOOD)


@pytest.mark.parametrize(
    ("result", "why"),
    [(BROKEN, "the run is invalid"), (replace(GOOD, interrupted=True, unfinished=3), "the run was interrupted")],
)
def test_a_run_that_does_not_count_passes_nothing(result: Result, why: str) -> None:
    assert "as expected" not in shown(result)
    suite = ET.fromstring(junit.document([result]))[0]  # noqa: S314 - our own text
    cases = suite.findall("testcase")
    assert [case[0].tag for case in cases] == ["error", "skipped", "skipped", "skipped"]
    assert {case[0].get("message") for case in cases[1:]} == {why}


def test_a_run_of_no_call_passes_nothing() -> None:
    nothing = replace(GOOD, figures=Figures((), {}), partial=True)
    assert "No call could be played, so nothing was judged. (exit code 5)" in shown(nothing)
    assert "as expected" not in shown(nothing)
    suite = ET.fromstring(junit.document([nothing]))[0]  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("skipped")) == ("2", "2")
