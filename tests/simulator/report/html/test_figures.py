"""The figures of the page, out of flat metrics."""

from __future__ import annotations

from simulator.report.html import figures
from simulator.report.html.reading import CELLS

METRICS = {
    "calls": 50_100,
    "calls.scam_blocked": 90,
    "calls.scam_passed": 10,
    "calls.legit_blocked": 0,
    "calls.legit_passed": 50_000,
    "scam_recall": 0.9,
    "scam_recall.lower95": 0.825,
    "scam_recall.upper95": 0.945,
    "false_block_rate": 0.0,
    "false_block_rate.lower95": 0.0,
    "false_block_rate.upper95": 7.7e-5,
    "rule.barring.incoming_international.scam_blocked": 90,
    "rule.default.allow.legit_passed": 50_000,
    "rule.default.allow.scam_passed": 10,
    "setup_delay.count": 2,
    "setup_delay.p50": 0.001,
    "setup_delay.p95": 0.002,
    "setup_delay.p99": 0.002,
    "setup_delay.p99.9": 0.002,
    "setup_delay.max": 0.0025,
}


def test_a_rate_of_nothing_shows_where_it_may_lie() -> None:
    recall, false_blocks = figures.shares(METRICS)
    assert (recall.shown, recall.interval, recall.counted) == ("90.0 %", "82.5 to 94.5 %", "90 of 100")
    assert (false_blocks.shown, false_blocks.interval) == ("0.00 %", "0.00 to 0.01 %")
    assert false_blocks.counted == "0 of 50,000"


def test_rules_have_dots_in_their_names() -> None:
    rows = figures.split(METRICS, "rule")
    assert list(rows) == ["barring.incoming_international", "default.allow"]
    assert rows["default.allow"] == dict.fromkeys(CELLS, 0) | {"legit_passed": 50_000, "scam_passed": 10}
    assert figures.split(METRICS, "segment") == {}


def test_delays_are_told_in_milliseconds_also_those_with_a_name_of_later() -> None:
    later = {key.replace("setup_delay", "later"): value for key, value in METRICS.items() if "setup" in key}
    told = list(figures.delays(METRICS | later))
    assert [(delay.title, delay.count) for delay in told] == [("Ringing, with the proxy", 2), ("Later", 2)]
    assert told[0].percentiles == ("1.00", "2.00", "2.00", "2.00", "2.50")
