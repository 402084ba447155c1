"""The summary of a run on the terminal."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.table import Table

from simulator.judging.accuracy import wilson
from simulator.judging.evidence import ProxyWrote
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result
from simulator.report import json_file, junit, terminal
from simulator.scenario.calls import Expect
from simulator.scenario.thresholds import Threshold
from tests.plays.observed import call, changed
from tests.plays.played import BROKEN, GOOD, PART, WRONG, shown


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


def test_calls_of_unknown_truth_are_shown_by_the_rule_that_decided() -> None:
    recorded = (call("a", truth="unknown"), call("b", truth="unknown"), call("c", truth="unknown", blocked=False))
    text = shown(replace(GOOD, figures=Figures(recorded, {}), thresholds=()))
    assert "3 of unknown truth" in text
    assert "Of unknown" in text
    assert re.search(r"^barring\.incoming_international +3$", text, re.MULTILINE)
    assert "In brackets" not in text
    assert "Of unknown" not in shown(GOOD)


@pytest.mark.parametrize(
    ("hits", "of", "text"),
    [
        (0, 50_000, "0.00 %  (0.00 to 0.01 %)"),
        (50_000, 50_000, "100.00 %  (99.99 to 100.00 %)"),
        (10, 10, "100.0 %  (72.2 to 100.0 %)"),
        (0, 5_000_000, "0.0000 %  (0.0000 to 0.0001 %)"),
    ],
)
def test_an_interval_has_as_many_digits_as_tell_its_ends_apart(hits: int, of: int, text: str) -> None:
    rate = wilson(hits, of)
    assert rate is not None
    assert terminal.with_interval(rate) == text


def test_the_precision_in_real_life_is_told_where_the_scenario_says_how_much_of_it_is_scam() -> None:
    figures = replace(GOOD.figures, calls=(*GOOD.figures.calls, *WRONG.figures.calls), prevalence=0.01)
    assert "the same where 1 % of calls are scam" in shown(replace(GOOD, figures=figures))
    assert "precision_at_prevalence" in json_file.document([replace(GOOD, figures=figures)])["scenarios"][0]


def test_a_run_that_left_calls_out_says_so_where_it_closes_instead_of_every_call() -> None:
    assert "Every call was judged as expected. (exit code 0)" in shown(GOOD)
    assert "Every selected call was judged as expected. (exit code 0)" in shown(PART)
    some = replace(PART, left_out=("3 calls of part for want of real phones",))
    text = " ".join(shown(GOOD, some).split())
    assert "Every call was" not in text
    assert (
        "Every call that was played was judged as expected. Left out: 3 calls of part for want of real phones. "
        "(exit code 0)"
    ) in text


def test_no_line_ends_in_spaces_where_a_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("left", "right")
    table.add_row("a", "a much longer cell")
    table.add_row("b", "c")
    terminal.console().print(table, "end  \n  begin")
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    assert out.endswith("end\n  begin\n")
