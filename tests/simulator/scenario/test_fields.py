"""Values of scenarios' fields: durations, rates, thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.fields import header_check
from simulator.scenario.thresholds import Threshold
from tests.plays.scenario_files import errors_of, read, with_call


@pytest.mark.parametrize(
    ("written", "seconds"), [("1.5s", 1.5), ("250ms", 0.25), ("2m", 120.0), ("0", 0.0), ("0s", 0.0)]
)
def test_durations_are_seconds(folder: Path, written: str, seconds: float) -> None:
    entry = f"call: a, trunk: domestic, from: anonymous, to: bob, truth: legit, talk: {written}"
    assert read(folder, with_call(entry)).calls[0].talk == seconds


@pytest.mark.parametrize(("written", "per_second"), [("20/s", 20.0), ("90/min", 1.5), ("1800/h", 0.5)])
def test_rates_are_calls_per_second(folder: Path, written: str, per_second: float) -> None:
    entry = f"campaign: a, trunk: domestic, from: anonymous, to: bob, truth: legit, rate: {written}"
    assert read(folder, with_call(entry)).calls[0].rate == per_second


def test_a_single_threshold_needs_no_list(folder: Path) -> None:
    text = with_call("call: a, trunk: domestic, from: anonymous, to: bob, truth: legit")
    assert read(folder, text + 'thresholds: {precision: ">= 90%"}\n').thresholds == (
        Threshold("precision", None, ">=", 0.9, ">= 90%"),
    )


def test_a_figure_without_a_condition_is_refused(folder: Path) -> None:
    text = with_call("call: a, trunk: domestic, from: anonymous, to: bob, truth: legit")
    found = errors_of(folder, text + "thresholds: {scam_recall: []}\n")
    assert found == ["5:27: found a list, expected at least one condition"]


@pytest.mark.parametrize("text", ["Reason", "Reason:", ": x", "Re ason: x"])
def test_what_no_line_can_ever_match_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a header and a pattern"):
        header_check(text)
