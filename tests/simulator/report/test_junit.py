"""The result in JUnit XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from simulator.report import junit
from tests.plays.played import BROKEN, GOOD, WRONG


def test_the_junit_result_fails_wrong_calls_and_missed_thresholds_and_errs_on_invalid_runs() -> None:
    root = ET.fromstring(junit.document([GOOD, WRONG, BROKEN]))  # noqa: S314 - our own text
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "11",
        "failures": "2",
        "errors": "1",
    }
    good, wrong, broken = root.findall("testsuite")
    assert [case.get("name") for case in good.findall("testcase")] == [
        "the run is valid",
        "wangiri",
        "daughter",
        "added_setup_delay p99 < 1s",
    ]
    messages = [failure.get("message") for failure in wrong.iter("failure")]
    assert messages == ["1 of 1 calls judged wrongly", "added_setup_delay p99 < 1s: not measured"]
    (error,) = broken.iter("error")
    assert error.get("message") == "the proxy dropped 3 datagrams"
