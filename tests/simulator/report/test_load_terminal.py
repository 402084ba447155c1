"""A load on the terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from simulator.load.drive import Asked, Live
from simulator.load.result import LoadResult
from simulator.report.load_terminal import LoadProgress, summary
from tests.plays.loaded import LIMITS, plateau

ASKED = Asked(100.0, 1000.0, 1.0, 10.0, LIMITS)


def test_elsewhere_than_on_a_terminal_each_plateau_is_a_line() -> None:
    out = Console(width=160, record=True, file=StringIO())
    with LoadProgress(out, ASKED, 141, 2) as progress:
        progress.hear(Live(1.0, 0, 100.0, 50, 1, 7, 98.0, plateau().delay, plateau().delay, 0.4))
        progress.hear(plateau(100.0))
        progress.hear(plateau(200.0, rang=0.5))
    assert out.export_text().splitlines() == [
        "from 100 to 1000 calls/s of 141 calls in rounds, by 2 processes",
        "  100 calls/s: 100 calls, 0 failed, p99 20.0 ms: held",
        "  200 calls/s: 100 calls, 0 failed, p99 500.2 ms: did not hold: p99 was 500.2 ms (limit 100 ms)",
    ]


def test_on_a_terminal_the_latest_second_is_shown() -> None:
    out = Console(width=160, force_terminal=True, record=True, file=StringIO())
    with LoadProgress(out, ASKED, 141, 2) as progress:
        progress.hear(Live(1.0, 0, 100.0, 50, 1, 7, 98.0, plateau().delay, plateau().delay, 0.4))
    shown = out.export_text()
    for each in ("asked 100/s", "heard 98/s", "p50 20.0 ms", "p99 20.0 ms", "failed 1 of 50", "under way 7", "40 %"):
        assert each in shown


def test_the_summary_has_the_plateaus_the_times_and_the_sentence() -> None:
    out = Console(width=120, record=True, file=StringIO())
    held = plateau(100.0)
    result = LoadResult("town", Path("t.yaml"), Path("runs/x"), ASKED, 2, (held, plateau(200.0, failing=9)), held)
    summary(out, result, result.exit_code)
    shown = out.export_text()
    assert "Times at 100 calls/s" in shown
    assert "The highest rate that held was 100 calls/s; 200 did not. (exit code 0)" in shown
