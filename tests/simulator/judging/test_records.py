"""The proxy's own records, as its call log has them."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.judging.evidence import ProxyWrote
from simulator.judging.records import read_records


def test_a_proxy_that_wrote_no_log_recorded_nothing(tmp_path: Path) -> None:
    assert read_records(tmp_path / "none.jsonl") == {}


def test_records_of_calls_go_by_call_id_and_other_lines_are_left_out(tmp_path: Path) -> None:
    call = {"event": "call", "call_id": "c1", "action": "reject", "status": 603, "rule": "r", "final": 603}
    log = tmp_path / "proxy-calls.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in ({"event": "call_refused", "call_id": "c2"}, call)))
    assert read_records(log) == {"c1": ProxyWrote("reject", 603, "r", "", 603)}


def test_what_a_shadowed_rule_had_to_ask_first_is_what_it_would_have_done(tmp_path: Path) -> None:
    trace = [["anonymous.reject", "shadow", "no_match", ""], ["reputation.remote", "shadow", "asked", "reports"]]
    call = {"event": "call", "call_id": "c1", "action": "allow", "rule": "default.allow", "trace": trace}
    late = {"event": "shadow", "call_id": "c1", "rule": "reputation.remote", "mode": "shadow", "outcome": "reject"}
    late["detail"] = "desk rates +23224123456 as fraud (0.80)"
    log = tmp_path / "proxy-calls.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in (late, call)))
    wrote = read_records(log)["c1"]
    assert wrote.shadow == (("anonymous.reject", "no_match"), ("reputation.remote", "reject"))
    assert wrote.scores == (("reputation", 0.8),)
