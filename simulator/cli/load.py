"""`ringfence load SCENARIO`: how much the proxy carries."""

from __future__ import annotations

import re
from typing import Any

import click

from simulator.cli.grammar import FILE, Command, OneOf, WholeNumber
from simulator.cli.pseudonym_option import pseudonym_option

_HELP = """\
Place a scenario's calls through the proxy, again and again, at a rate that never waits for answers, and say how much
the proxy carries. With --rate A..B, or without --rate, find the highest rate at which it holds: 99 of 100 callers hear
ringing, or a refusal, within --p99 from when their call was due, and no more calls fail than --failures allows. Rates
double from A on until one does not hold, twice; then the distance is halved. With --rate N, hold that rate. Each
plateau follows a ramp, which does not count.

Several generator processes place the calls, and a far end stands in for softswitch and phones: none of them has more
to do than the proxy. Where they, or this machine, were the limit, the summary says so: the figures are invalid or, in a
search, the proxy may carry more. The folder of the run has load.json, load-seconds.jsonl, metrics.json and
histograms.hlog.
"""
_EXAMPLES = """\
examples:
  ringfence load scenarios/wangiri.yaml
  ringfence load scenarios/wangiri.yaml --rate 50..800 --hold 20s --p99 50ms --html load.html
  ringfence load scenarios/wangiri.yaml --rate 100 --hold 5m --failures 0.01%
  ringfence histograms runs/latest
"""
_RATE = "hold N calls a second, or find the highest rate that holds from A to B (default: 20..5000)"
_FAILURES = "share of calls that may fail: no answer, 408, 5xx, or another status than expected (default: 0.1%)"
_SWITCH = "load the whole chain, with this softswitch behind the proxy and phones registered with it (default: neither)"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_LONGEST = 3650 * 86_400.0  # seconds


class _Rate(click.ParamType[tuple[float, float]]):
    """N, or A..B."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(rf"({_NUMBER})(?:\.\.({_NUMBER}))?(?:/s)?", value.strip())
        if match is None or not 0 < float(match[1]) <= float(match[2] or match[1]) <= 1e6:
            self.fail(f'found "{value}", expected calls a second: N, or A..B where A is the less', param, ctx)
        return float(match[1]), float(match[2] or match[1])


class _Duration(click.ParamType[float]):
    """Seconds, as 10s, 250ms or 2m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(rf"({_NUMBER})(ms|s|m|h)", value.strip())
        if match is None:
            self.fail(f'found "{value}", expected a duration such as "10s", "250ms" or "2m"', param, ctx)
        seconds = float(match[1]) * {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]
        if seconds > _LONGEST:
            self.fail(f'found "{value}", expected a duration of at most {_LONGEST / 86_400:.0f} days', param, ctx)
        return seconds


class _Share(click.ParamType[float]):
    """A share, as 0.1% or 0.001."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(rf"({_NUMBER})(%?)", value.strip())
        share = float(match[1]) / (100 if match[2] else 1) if match is not None else 2.0
        if share > 1:
            self.fail(f'found "{value}", expected a share such as "0.1%" or "0.001"', param, ctx)
        return share


@click.command("load", Command, help=_HELP, epilog=_EXAMPLES, short_help="find how much the proxy carries")
@click.argument("source", type=FILE, metavar="SCENARIO")
@click.option("--rate", type=_Rate(), default=(20.0, 5000.0), metavar="N|A..B", help=_RATE)
@click.option("--hold", type=_Duration(), default=10.0, metavar="T", help="length of a plateau (default: 10s)")
@click.option("--ramp", type=_Duration(), default=2.0, metavar="T", help="length of the ramp before it (default: 2s)")
@click.option(
    "--p99", type=_Duration(), default=0.1, metavar="T", help="limit of the p99 of the delay (default: 100ms)"
)
@click.option("--failures", type=_Share(), default=0.001, metavar="SHARE", help=_FAILURES)
@click.option("--processes", type=click.IntRange(1, 64), metavar="N", help="generators (default: half the processors)")
@click.option("--softswitch", type=OneOf(("embedded", "docker")), help=_SWITCH)
@click.option("-k", "select", metavar="EXPR", help="only calls with names that match, such as 'wangiri and not family'")
@click.option("--seed", type=WholeNumber(), metavar="N", help="plan the calls from this seed, not the scenario's")
@click.option("--json", type=FILE, metavar="F", help="write the result as JSON to this file")
@click.option("--html", type=FILE, metavar="F", help="write the report as one page to this file")
@pseudonym_option
@click.pass_obj
def load(forks: Any, /, **options: Any) -> int:
    """Drive a load."""
    from simulator.cli import loading  # which imports the lab

    return loading.load(loading.Arguments(forks=forks, **options))
