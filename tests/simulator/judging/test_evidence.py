"""The evidence of one call, as its witnesses give it."""

from __future__ import annotations

from simulator.judging.evidence import CallerSaw, ProxyWrote


def test_setup_delay_ends_at_the_first_ringing_or_else_at_the_final_answer() -> None:
    assert CallerSaw(0.0, sent=1.0, ringing=1.25, final=4.0, status=200).setup_delay == 0.25
    assert CallerSaw(0.0, sent=1.0, final=1.5, status=486).setup_delay == 0.5
    assert CallerSaw(0.0, sent=1.0).setup_delay is None
    assert CallerSaw(0.5, sent=1.0).lateness == 0.5


def test_a_call_record_is_read_from_its_json_line() -> None:
    line = {"action": "reject", "status": 603, "rule": "r", "detail": None, "final": 603, "elapsed_us": 37}
    assert ProxyWrote.from_json(line) == ProxyWrote("reject", 603, "r", "", 603, 37)
