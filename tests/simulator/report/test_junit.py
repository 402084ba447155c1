"""The result in JUnit XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from simulator.judging.figures import Figures
from simulator.report import junit
from simulator.scenario.calls import Expect
from tests.plays.left_run import HARD_DAY, leave_run
from tests.plays.observed import call
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


def test_failures_name_the_file_and_line_that_expected_something_else_and_show_the_ladder(tmp_path: Path) -> None:
    (played,) = leave_run(tmp_path, HARD_DAY)
    text = junit.document([played])
    root = ET.fromstring(text)  # noqa: S314 - our own text
    cases = {case.get("name"): case for case in root.iter("testcase")}
    daughter = cases["daughter-in-singapore"]
    line = 1 + HARD_DAY.splitlines().index("    expect: {action: reject, status: 603}")
    assert daughter.get("line") == str(line)
    assert str(daughter.get("file")).endswith("scenario-0.yaml")
    failure = daughter.find("failure")
    assert failure is not None
    said = str(failure.text).splitlines()
    assert said[0] == f"{daughter.get('file')}:{line}: 1 of 1 calls judged wrongly"
    assert any("--INVITE--" in each and "|" in each for each in said)
    assert cases["scam_recall >= 0.95 lower95"].get("line") == str(HARD_DAY.splitlines().index("thresholds:") + 2)
    assert cases["cold-calls"].find("failure") is None


def test_control_characters_that_a_peer_sent_do_not_break_the_document() -> None:
    odd = replace(BROKEN, problems=("a peer said \x00\x1b[1m",))
    (error,) = ET.fromstring(junit.document([odd])).iter("error")  # noqa: S314 - our own text
    assert error.get("message") == "a peer said ??[1m"


def test_what_peers_and_authors_chose_leaves_it_xml() -> None:
    odd = call("r\x1b1", name="ro\x1bamer", truth="legit", expect=Expect(action="allow"))
    invalid = replace(WRONG, figures=Figures((odd,), {}), problems=("said \x00\uffff",), name="\x1b[2J")
    root = ET.fromstring(junit.document([invalid]))  # noqa: S314 - our own text
    assert root[0].get("name") == "?[2J"
    assert [case.get("name") for case in root.iter("testcase")][1] == "ro?amer"
    assert next(root.iter("error")).get("message") == "said ??"
