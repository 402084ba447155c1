"""The reports of a run: on the terminal, in JSON, in JUnit XML and in its folder."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from simulator.judging.evidence import CallerSaw, ProxyWrote
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result
from simulator.report import json_file, junit, terminal
from simulator.results.events import CallEnded, RunEnded
from simulator.results.messages import Recorded
from simulator.results.run_folder import RunFolder
from simulator.scenario.calls import Expect
from simulator.scenario.thresholds import Threshold
from tests.plays.observed import call, changed

GOOD = Result(
    name="wangiri",
    source=Path("wangiri.yaml"),
    home="CN",
    preset="cn",
    seed=7,
    folder=Path("runs/x"),
    figures=Figures(
        (
            call("w1", truth="scam"),
            call(
                "d1", name="daughter", truth="legit", blocked=False, rule="subscriber.allow", family="family", delay=0.5
            ),
        ),
        {"d1": CallerSaw(5.0, sent=5.0, ringing=5.25)},
    ),
    thresholds=(Threshold.parse("added_setup_delay", "p99 < 1s"),),
)
WRONG = replace(
    GOOD,
    name="roamer",
    figures=Figures((call("r1", name="roamer", truth="legit", expect=Expect(action="allow")),), {}),
)
BROKEN = replace(GOOD, name="broken", problems=("the proxy dropped 3 datagrams",))


def shown(*results: Result) -> str:
    out = io.StringIO()
    terminal.summary(Console(file=out, width=terminal.PLAIN_WIDTH), results, Path("runs/x"))
    return out.getvalue()


def test_the_summary_says_what_happened_what_it_cost_and_where_the_files_are() -> None:
    text = shown(GOOD)
    assert "2 calls: 1 scam, 1 legitimate" in text
    assert "Scam calls stopped" in text
    assert "1 of 1" in text
    assert "subscriber.allow" in text
    assert "250.00 ms" in text
    assert "Every call was judged as expected. (exit code 0)" in text
    assert "Files: runs/x/" in text


def test_the_summary_names_wrong_calls_and_missed_thresholds_by_scenario() -> None:
    text = shown(GOOD, WRONG)
    assert "roamer: wrong: r1 from +23224000001 to +8613800138001: action reject instead of allow" in text
    assert "roamer: threshold missed: added_setup_delay p99 < 1s: not measured" in text
    assert "(exit code 1)" in text


def campaign(*calls: CallObservation, **changes: object) -> Result:
    return replace(WRONG, figures=Figures(calls, {}), thresholds=(), **changes)  # type: ignore[arg-type]


def passed(number: int, **changes: object) -> CallObservation:
    made = call(f"w.{number}", blocked=False, rule="default.allow")
    return changed(made, caller=f"+2322400000{number}", **changes)


def test_calls_that_fail_alike_are_told_once_with_the_proxys_reason_and_the_command_that_shows_one() -> None:
    text = shown(campaign(*(passed(number) for number in range(4)), call("w.5")))
    assert text.count("wrong: ") == 1
    assert (
        """
wrong: wangiri, 4 of 5 calls: a scam call was passed
  the proxy on w.0 from +23224000000 to +8613800138001: allow by default.allow
  ringfence report runs/x --call w.0
"""
        in text
    )


def test_each_kind_of_failure_of_a_campaign_is_told_the_most_frequent_first() -> None:
    expect = Expect(status=486)
    odd = changed(passed(1, expect=expect), proxy_wrote=ProxyWrote("allow", None, "subscriber.allow", "listed", 200))
    text = shown(campaign(odd, passed(2, expect=expect), passed(3, expect=expect)))
    assert [line for line in text.splitlines() if line.startswith(("wrong", "  the proxy"))] == [
        "wrong: wangiri, 2 of 3 calls: status 200 instead of 486",
        "  the proxy on w.2 from +23224000002 to +8613800138001: allow by default.allow",
        "wrong: wangiri, 1 of 3 calls: status 200 instead of 486",
        "  the proxy on w.1 from +23224000001 to +8613800138001: allow by subscriber.allow: listed",
    ]


def test_what_was_seen_instead_makes_no_other_kind_of_failure() -> None:
    wanted = "the phone saw no From: *Overseas* (but <sip:+232240000{}@x>;tag=a{}f3c0d1); more"
    calls = [passed(n, expect=Expect(action="allow"), unmet_evidence=(wanted.format(n, n),)) for n in range(3)]
    assert [len(kind.calls) for kind in campaign(*calls).wrong_kinds] == [3]
    statuses = [passed(n, expect=Expect(status=status)) for n, status in enumerate((486, 487, 486))]
    assert [len(kind.calls) for kind in campaign(*statuses).wrong_kinds] == [2, 1]


def test_a_missed_rate_shows_the_calls_that_made_it_so() -> None:
    recall = (Threshold.parse("scam_recall", ">= 0.9"),)
    result = replace(campaign(passed(1), passed(2), call("w.3")), thresholds=recall)
    assert (result.wrong, [len(kind.calls) for kind in result.mistake_kinds]) == ((), [2])
    assert "mistaken: wangiri, 2 of 3 calls: a scam call was passed" in shown(result)
    met = replace(result, thresholds=(Threshold.parse("scam_recall", ">= 0.1"),))
    assert "mistaken" not in shown(met)


def test_disagreements_of_the_witnesses_are_told_by_kind_too() -> None:
    text = shown(campaign(*(changed(passed(n), proxy_wrote=None) for n in range(3))))
    assert "fault: wangiri, 3 of 3 calls: the proxy wrote no call record" in text
    assert "the proxy on w.0 from +23224000000 to +8613800138001: wrote no call record" in text


def test_a_scenario_that_could_not_be_set_up_takes_nothing_from_those_before_it() -> None:
    failed = replace(GOOD, name="later", figures=Figures((), {}), set_up=False, problems=("no port",), unfinished=3)
    text = shown(GOOD, failed)
    assert "later: not set up: no port" in text
    assert "A scenario could not be set up: the figures hold those that were played before. (exit code 3)" in text
    assert "Scam calls stopped                        1 of 1" in text
    document = json_file.document([GOOD, failed])
    assert [(each["set_up"], each["exit_code"]) for each in document["scenarios"]] == [(True, 0), (False, 3)]
    good, broken = ET.fromstring(junit.document([GOOD, failed]))  # noqa: S314 - our own text
    assert [suite.get("errors") for suite in (good, broken)] == ["0", "1"]


def test_the_summary_of_an_invalid_run_says_why_and_not_to_use_it() -> None:
    text = shown(BROKEN)
    assert "INVALID: the proxy dropped 3 datagrams" in text
    assert "do not use these figures" in text


def test_what_was_not_measured_is_not_shown_as_nought() -> None:
    text = shown(replace(WRONG, thresholds=()))
    assert "Scam calls stopped" not in text
    assert "cost of the check was not measured" in text
    assert "0.00 ms" not in text


def test_the_json_result_holds_every_scenario_and_the_total() -> None:
    document = json.loads(json.dumps(json_file.document([GOOD, WRONG])))
    assert document["exit_code"] == 1
    good, wrong = document["scenarios"]
    assert (good["name"], good["exit_code"], good["valid"]) == ("wangiri", 0, True)
    assert good["confusion"]["scam_recall"]["value"] == 1.0
    assert good["latency"]["added_setup_delay"]["p50"] == 0.25
    assert good["thresholds"] == [{"figure": "added_setup_delay", "asked": "p99 < 1s", "met": True, "value": 0.25}]
    assert wrong["wrong"][0]["why"] == "action reject instead of allow"
    assert wrong["thresholds"] == [{"figure": "added_setup_delay", "asked": "p99 < 1s", "met": False}]
    assert "scam_recall" not in wrong["confusion"]
    assert document["total"]["confusion"]["legit_blocked"] == 1


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


PART = replace(GOOD, name="part", partial=True)


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


def test_a_run_folder_holds_manifest_events_calls_and_figures(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "wangiri", {"seed": 7})
    assert json.loads((folder.path / "manifest.json").read_text())["state"] == "running"
    folder.hear(CallEnded(12.5, "d1", True, 200, 0.25))
    lines = (folder.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["started", "call_ended"]
    assert all(event["timestamp"].endswith("Z") for event in events)
    assert (events[1]["call"], events[1]["status"], events[1]["setup_delay"]) == ("d1", 200, 0.25)
    folder.hear(RunEnded(13.0, GOOD, Recorded("failed", dropped=9)))
    manifest = json.loads((folder.path / "manifest.json").read_text())
    assert (manifest["state"], manifest["seed"], manifest["exit_code"]) == ("finished", 7, 0)
    assert manifest["messages"] == {"mode": "failed", "kept": 0, "dropped": 9, "lost": 0}
    assert manifest["versions"]["ringfence"]
    assert manifest["started"].endswith("Z")
    scam, daughter = (json.loads(line) for line in (folder.path / "calls.jsonl").read_text().splitlines())
    assert (scam["id"], scam["outcome"], scam["direct"]) == ("w1", "blocked", None)
    assert (daughter["outcome"], daughter["direct"]["ringing"]) == ("passed", 5.25)
    assert json.loads((folder.path / "metrics.json").read_text())["calls"] == 2


def test_runs_of_one_second_get_folders_of_their_own_and_latest_is_the_newest(tmp_path: Path) -> None:
    folders = [RunFolder(tmp_path, "twice", {}) for _ in range(3)]
    for folder in folders:
        folder.finish("finished")
    assert len({folder.path for folder in folders}) == 3
    assert (tmp_path / "latest").resolve() == folders[-1].path.resolve()
