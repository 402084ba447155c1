"""The words for what would have become of a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.counterfactual import Counterfactual
from simulator.report.html.counterfactuals import Counterfactuals, words

BARRED = "barring.incoming_international"
REFUSED = {"method": "INVITE", "action": "reject", "rule": BARRED, "call_id": "1"}


@pytest.mark.parametrize(
    ("found", "record", "told"),
    [
        (("allow", None, "default.allow"), REFUSED, "would have rung, by default.allow"),
        (("label", None, "default.allow"), REFUSED, "would have rung with a label, by default.allow"),
        (("allow", None, "x"), REFUSED | {"method": "MESSAGE"}, "would have reached the phone, by x"),
        (("reject", 608, "x"), REFUSED, "would have been refused with 608 all the same, by x"),
        (("reject", 608, "x"), REFUSED | {"action": "label"}, "would have been refused with 608, by x"),
        (("divert", None, "x"), REFUSED, "would have been diverted, by x"),
    ],
)
def test_the_next_rule_is_told_with_what_it_would_have_done(
    found: tuple[str, int | None, str], record: dict[str, Any], told: str
) -> None:
    assert words(Counterfactual(BARRED, *found), record) == f"Without {BARRED}: {told}"


def test_a_source_that_would_have_been_asked_is_named() -> None:
    found = Counterfactual(BARRED, "allow", None, "default.allow", asks="desk")
    assert words(found, REFUSED).endswith("would have rung, by default.allow, if desk had nothing against the caller")


def test_what_shadowed_rules_wanted_is_told_and_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    shadowed = [["scam_list.exact", "shadow", "reject", "listed"], ["never_block", "shadow", "no_match", "no"]]
    (tmp_path / "manifest.json").write_text("{}")
    told = Counterfactuals(tmp_path).told(REFUSED | {"trace": shadowed}, [])
    assert told.startswith(f"Without {BARRED}: not known, the files that the proxy decided by cannot be read: ")
    assert told.endswith(". scam_list.exact, in shadow mode, would have said reject")
    assert Counterfactuals(tmp_path).told({}, []) == ""


def test_nothing_is_decided_anew_by_pseudonyms(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"pseudonyms": "0123abcd"}')
    told = Counterfactuals(tmp_path).told(REFUSED, [])
    assert told == f"Without {BARRED}: not known, numbers are pseudonyms, by which calls may be decided otherwise"
