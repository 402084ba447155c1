"""The outcome of a load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.exit_code import ExitCode
from simulator.load.drive import Asked
from simulator.load.plateau import Plateau
from simulator.load.result import LoadResult
from simulator.report.load_terminal import closing
from tests.plays.loaded import LIMITS, plateau

BUSY = {"proxy": 0.4, "far_end": 0.2, "generators": 0.2, "idle": 0.0}


def came_to(*plateaus: Plateau, best: Plateau | None, highest: float = 1000.0, **more: Any) -> LoadResult:
    asked = Asked(100.0, highest, 1.0, 10.0, LIMITS)
    return LoadResult("town", Path("town.yaml"), Path("runs/x"), asked, 2, plateaus, best, **more)


def test_a_search_that_found_a_rate_is_as_expected() -> None:
    held, missed = plateau(200.0), plateau(400.0, rang=0.5)
    result = came_to(held, missed, best=held)
    assert (result.exit_code, result.metrics["load.highest_rate"]) == (ExitCode.AS_EXPECTED, 200.0)
    assert closing(result) == "The highest rate that held was 200 calls/s; 400 did not."
    assert result.told == ()


def test_a_search_that_ended_at_this_machine_says_that_the_proxy_may_carry_more() -> None:
    held = plateau(200.0)
    result = came_to(held, plateau(400.0, rang=0.5, processors=BUSY), best=held)
    assert result.exit_code is ExitCode.AS_EXPECTED
    (told,) = result.told
    assert told.startswith("the proxy may carry more: at 400 calls/s the load measured itself (this machine had no")


def test_where_no_rate_holds_it_is_the_proxy_or_the_load_itself() -> None:
    assert came_to(plateau(rang=0.5), best=None).exit_code is ExitCode.THRESHOLD_MISSED
    result = came_to(plateau(rang=0.5, processors=BUSY), best=None)
    assert result.exit_code is ExitCode.ENVIRONMENT
    assert "this machine had no processor left" in result.invalid_because[0]


def test_a_rate_that_was_to_be_held_misses_its_limits_or_not() -> None:
    missed = came_to(slow := plateau(rang=0.5), best=slow, highest=100.0)
    assert (missed.exit_code, closing(missed)) == (ExitCode.THRESHOLD_MISSED, "100 calls/s did not hold.")
    held = came_to(quick := plateau(), best=quick, highest=100.0)
    assert (held.exit_code, closing(held)) == (ExitCode.AS_EXPECTED, "100 calls/s held.")
    assert "load.highest_rate" not in held.metrics


def test_a_wrong_verdict_under_load_is_one() -> None:
    assert came_to(wrong := plateau(wrong=1), best=wrong).exit_code is ExitCode.WRONG_VERDICT
    busy = came_to(plateau(wrong=9, failing=9, processors=BUSY), best=None)  # which no busy machine explains
    assert (busy.exit_code, busy.invalid_because) == (ExitCode.WRONG_VERDICT, ())


def test_an_interruption_and_a_fault_go_first() -> None:
    held = plateau()
    assert came_to(held, best=held, interrupted=True).exit_code is ExitCode.INTERRUPTED
    broken = came_to(held, best=held, problems=("the proxy ended",))
    assert (broken.exit_code, broken.invalid_because) == (ExitCode.ENVIRONMENT, ("the proxy ended",))
