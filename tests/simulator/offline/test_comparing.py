"""A policy that differs in one rule differs in exactly the calls that the rule decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.judging.accuracy import Confusion
from simulator.judging.paired import Paired
from tests.plays.compared import compared

AS_WRITTEN = Confusion(scam_blocked=35, legit_passed=37)


def test_a_policy_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    same = compared(tmp_path, "own", "own")
    assert same.confusions == (AS_WRITTEN, AS_WRITTEN)
    assert (same.calls, same.verdicts_changed, same.outcomes_changed, same.examples) == (72, 0, 0, [])
    assert same.recall == Paired(35, 0, 0, 0)
    assert same.false_blocks == Paired(0, 0, 0, 37)


@pytest.mark.parametrize(
    ("change", "family", "calls", "rule"),
    [
        ("anonymous.reject=off", "anonymous", 10, "anonymous.reject"),
        ("barring.incoming_international=shadow", "wangiri", 20, "barring.incoming_international"),
        ("scam_list.exact=off", "listed", 5, "scam_list.exact"),
        ("scam_list.min_confidence=0.95", "listed", 5, "scam_list.exact"),
    ],
)
def test_one_rule_less_lets_through_what_it_alone_stopped(
    tmp_path: Path, change: str, family: str, calls: int, rule: str
) -> None:
    found = compared(tmp_path, "own", f"own,{change}")
    assert found.confusions == (AS_WRITTEN, Confusion(35 - calls, calls, 0, 37))
    assert found.recall == Paired(35 - calls, calls, 0, 0)
    assert found.recall.p == pytest.approx(2 * 0.5**calls)
    assert found.false_blocks == Paired(0, 0, 0, 37)
    ((how, count),) = found.changes.items()
    assert (how.family, how.a, how.b[1], count) == (family, ("reject", rule), "default.allow", calls)
    assert how.outcomes == ("blocked", "passed")
    assert {each.family for each in found.examples} == {family}
    assert found.examples[0].a.trace[-1][0] == rule


def test_one_rule_less_stops_whom_it_let_through(tmp_path: Path) -> None:
    found = compared(tmp_path, "own", "own,subscriber.allow=off")
    assert found.confusions[1] == Confusion(35, 0, 7, 30)
    assert found.false_blocks == Paired(0, 0, 7, 30)
    assert [(how.family, how.b) for how in found.changes] == [("family", ("reject", "barring.incoming_international"))]


def test_what_is_only_put_otherwise_is_another_verdict_and_the_same_outcome(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("treatments: {anonymous.reject: {reject: '603'}}\n", encoding="utf-8")
    found = compared(tmp_path, "own", str(policy))
    assert (found.outcomes_changed, found.verdicts_changed) == (0, 10)


def test_a_larger_share_of_subscribers_who_bar_calls_holds_the_smaller(tmp_path: Path) -> None:
    blocked = [
        compared(tmp_path, "own", f"own,barred.incoming_international={share}").confusions[1].scam_blocked
        for share in ("0", "0.2", "0.5", "1")
    ]
    assert blocked == sorted(blocked)
    assert (blocked[0], blocked[-1]) == (15, 35)


def test_only_selected_calls_are_compared(tmp_path: Path) -> None:
    found = compared(tmp_path, "own", "default", selected=lambda name: name == "neighbours/listed")
    assert found.calls == 5
