"""Results of runs that were played, good and bad, and the summary that the terminal shows of them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from simulator.judging.evidence import CallerSaw
from simulator.judging.figures import Figures
from simulator.judging.result import Result
from simulator.report import terminal
from simulator.scenario.calls import Expect
from simulator.scenario.thresholds import Threshold
from tests.plays.observed import call

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


PART = replace(GOOD, name="part", partial=True)
