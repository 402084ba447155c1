"""The summary on the terminal, for someone who meets the lab for the first time."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proxy.files.visible import visible
from simulator.exit_code import ExitCode, worst
from simulator.judging.accuracy import Confusion, Estimate, Rate
from simulator.judging.curves import Curve
from simulator.judging.failure_kinds import FailureKind, proxys_reason
from simulator.judging.figures import Figures, combine
from simulator.judging.latency import Distribution
from simulator.judging.result import Result, as_expected
from simulator.judging.shadow import ALL
from simulator.wording import counted

# Files and pipes get this many columns.
PLAIN_WIDTH = 100
_SHOWN = 10
_AT_THE_END = re.compile(r" +(?=\n)")

_VERDICTS = {
    ExitCode.AS_EXPECTED: ("as expected", "green"),
    ExitCode.WRONG_VERDICT: ("wrong verdict", "red"),
    ExitCode.ENVIRONMENT: ("INVALID", "yellow"),
    ExitCode.THRESHOLD_MISSED: ("threshold missed", "red"),
    ExitCode.INTERRUPTED: ("interrupted", "yellow"),
    ExitCode.NOTHING_SELECTED: ("not played", "yellow"),
}
_CLOSINGS = {
    ExitCode.WRONG_VERDICT: "Some calls were judged wrongly.",
    ExitCode.ENVIRONMENT: "INVALID: do not use these figures, the run went wrong.",
    ExitCode.THRESHOLD_MISSED: "No call went against its own expect, but a threshold was missed.",
    ExitCode.INTERRUPTED: "Interrupted: the figures hold only the calls that were played to their end.",
    ExitCode.NOTHING_SELECTED: "No call could be played, so nothing was judged.",
}

_NOT_SET_UP = "A scenario could not be set up: the figures hold those that were played before."
_TOLERATED = "A mistake is as expected where its scenario says so: some show what a measure cannot do."
_UNHELD = "a part of the scenario is held to no threshold ({} left out): calls are judged by `expect` or truth"
_CONTENTS = {
    False: "metrics.json: all figures; calls.jsonl: every call",
    True: "metrics.json: all figures together; each scenario has a folder beside it, with every call",
}

_MOST_THRESHOLDS = 8  # of a curve that are shown
_IN_BRACKETS = "  In brackets: the 95 % interval, where the true rate lies given so many calls (Wilson)."
_TIMES = {
    "setup_delay_from_due": "ringing, from when it was due",
    "setup_delay": "with the proxy",
    "direct_setup_delay": "straight to the softswitch",
    "added_setup_delay": "added by the proxy, call by call",
    "time_to_refusal_from_due": "refusal, from when it was due",
    "time_to_refusal": "until the caller hears a refusal",
    "transit_time": "INVITE from caller to softswitch",
    "decision_time": "the decision in it",
    "send_lateness": "late from the generator",
}


class _Trimmed:
    """A file that gets no spaces at the ends of lines, as tables have them."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(_AT_THE_END.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Output(Console):
    """Standard output; when its reader has seen enough, the run goes on and ends with the code it would have."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        let_go_of_output()


def console() -> Console:
    """Standard output, in colour on a terminal and of a fixed width elsewhere."""
    file = cast(TextIO, _Trimmed(sys.stdout))
    out = _Output(highlight=False, file=file)
    return out if out.is_terminal else _Output(highlight=False, file=file, width=PLAIN_WIDTH)


def let_go_of_output() -> None:
    """Nobody reads standard output any more: what is still written to it goes nowhere, and is no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def summary(out: Console, results: Sequence[Result], folder: Path, ladder: Iterable[str] = ()) -> None:
    """Print what happened, why, what it cost in time, the verdict, and where the files are; with the ladder of a call
    that went wrong."""
    total = combine((result.folder.name, result.figures) for result in results)
    out.print()
    out.print(_scenarios(results))
    if any(result.exit_code is ExitCode.AS_EXPECTED and _mistakes(result) for result in results):
        out.print(_TOLERATED, style="dim")
    out.print()
    _confusion(out, total)
    if total.accuracy.by_rule:
        out.print()
        out.print(_split("Decided by rule", total.accuracy.by_rule))
    families = total.accuracy.by_family
    if len(results) > 1:  # dozens of kinds: only those with a mistake to look at
        families = {name: row for name, row in families.items() if row.scam_passed or row.legit_blocked}
    if len(families) > 1:
        out.print()
        out.print(_split("Kinds of call with mistakes" if len(results) > 1 else "By kind of call", families))
    if len(segments := total.accuracy.by_segment) > 1:
        out.print()
        out.print(_split("By profile of the callee", segments))
    if total.shadow:
        out.print()
        _shadow(out, total)
    for kind, curve in total.curves.items():
        if len(curve.points) > 1:
            out.print()
            _curve(out, kind, curve)
    out.print()
    _latency(out, total)
    for result in results:
        _complaints(out, result, named=len(results) > 1)
    for number, line in enumerate(ladder):
        out.print(*([] if number else [""]), line, sep="\n", markup=False, soft_wrap=True)
    code = worst(result.exit_code for result in results)
    out.print()
    broken = [result for result in results if result.exit_code is ExitCode.ENVIRONMENT]
    said = _NOT_SET_UP if broken and not any(result.set_up for result in broken) else closing(results)
    out.print(Text(said, style=f"bold {_VERDICTS[code][1]}"), Text(f"(exit code {int(code)})"))
    out.print(f"Files: {shown_path(folder)}{os.sep}  ({_CONTENTS[len(results) > 1]})", markup=False, soft_wrap=True)


def closing(results: Sequence[Result]) -> str:
    """The verdict on a run in a sentence, which tells what was left out where all else was as expected."""
    if (code := worst(result.exit_code for result in results)) is not ExitCode.AS_EXPECTED:
        return _CLOSINGS[code]
    left_out = [each for result in results for each in result.left_out]
    return as_expected(left_out, any(result.partial for result in results))


def _scenarios(results: Sequence[Result]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Scenario", overflow="fold")
    for heading in ("Calls", "Scam\nstopped", "Scam\nmissed", "Legit\nlet through", "Legit wrongly\nstopped"):
        table.add_column(heading, justify="right")
    table.add_column("Result")
    for result in results:
        total = result.figures.accuracy.total
        text, style = _VERDICTS[result.exit_code] if result.set_up else ("not set up", "yellow")
        table.add_row(
            Text(result.name),
            str(total.calls),
            str(total.scam_blocked),
            _alarming(total.scam_passed),
            str(total.legit_passed),
            _alarming(total.legit_blocked),
            Text(text, style=style),
        )
    return table


def _confusion(out: Console, figures: Figures) -> None:
    total = figures.accuracy.total
    scam, legit = total.scam_blocked + total.scam_passed, total.legit_blocked + total.legit_passed
    out.print(Text(f"{counted(total.calls, 'call')}: {scam} scam, {legit} legitimate", style="bold"), end="")
    out.print(Text(f", {total.unknown} of unknown truth" if total.unknown else ""), end="")
    out.print(Text(f", {total.faults} unclear (a fault of the lab)" if total.faults else ""))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column()
    rows = (
        ("Scam calls stopped", total.scam_recall),
        ("Legitimate calls wrongly stopped", total.false_block_rate),
        ("Stopped calls that were scam (precision)", total.precision),
    )
    for label, rate in rows:
        if rate is not None:
            table.add_row(label, f"{rate.hits} of {rate.of}", with_interval(rate))
    if (estimate := figures.precision_at_prevalence) is not None and figures.prevalence is not None:
        table.add_row(f"the same where {figures.prevalence * 100:g} % of calls are scam", "", with_interval(estimate))
    if table.row_count:
        out.print(Padding(table, (0, 0, 0, 2)))
        out.print(_IN_BRACKETS, style="dim")


def _split(title: str, rows: dict[str, Confusion]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    for heading in ("Scam\nstopped", "Scam\nmissed", "Legit\nlet through", "Legit wrongly\nstopped"):
        table.add_column(heading, justify="right")
    with_unknown = any(row.unknown for row in rows.values())
    if with_unknown:
        table.add_column("Of unknown\ntruth", justify="right")
    for name, row in rows.items():
        table.add_row(
            Text(name),
            _or_blank(row.scam_blocked),
            _alarming(row.scam_passed, blank=True),
            _or_blank(row.legit_passed),
            _alarming(row.legit_blocked, blank=True),
            *([_or_blank(row.unknown)] if with_unknown else []),
        )
    return table


def _shadow(out: Console, total: Figures) -> None:
    """Print the would-be verdicts of rules in shadow mode, and what the figures would have been."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("In shadow mode", overflow="fold")
    for heading in ("Matched", "Scam it\nwould stop", "Legit it\nwould stop"):
        table.add_column(heading, justify="right")
    for heading in ("Scam stopped,\nhad it counted", "Legit wrongly stopped,\nhad it counted"):
        table.add_column(heading, justify="right")
    for name, found in total.shadow.items():
        stops = (found.would_stop_scam - found.would_pass_scam, found.would_stop_legit - found.would_pass_legit)
        rates = (found.enforced.scam_recall, found.enforced.false_block_rate)
        table.add_row(
            Text("all of them" if name == ALL else name),
            f"{found.matched} of {found.asked}",
            *(f"{count:+}" if count else "0" for count in stops),
            *("" if rate is None else f"{rate.hits} of {rate.of}" for rate in rates),
        )
    out.print(table)


def _curve(out: Console, kind: str, curve: Curve) -> None:
    """Print what thresholds of a score would stop, by the rule alone."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(f"{kind}, or more", justify="right")
    for heading in ("Scam it\nwould stop", "Of what it stops,\nscam"):
        table.add_column(heading, justify="right")
    step = max(1, len(curve.points) // _MOST_THRESHOLDS)
    for point in curve.points[::step]:
        table.add_row(f"{point.threshold:.2f}", f"{point.hits} of {curve.scam}", f"{point.hits} of {point.stopped}")
    out.print(table)
    out.print(f"  Average precision {curve.average_precision:.3f}, over {counted(curve.calls, 'call')}", style="dim")


def _latency(out: Console, total: Figures) -> None:
    added = total.latency.added
    if added is None:
        out.print("Time: the cost of the check was not measured (no call was played both with and without it).")
        return
    out.print(Text("What the check costs in time", style="bold"), Text("(until the caller hears ringing)"))
    times(out, {name: each for name, each in total.distributions.items() if name != "send_lateness"})
    again, again_direct = total.metrics["retransmissions"], total.metrics["direct_retransmissions"]
    out.print(
        f"  {counted(added.count, 'call')} played both ways; "
        f"INVITEs sent again: {again:.0f} with the proxy, {again_direct:.0f} without.",
        style="dim",
    )


def times(out: Console, distributions: Mapping[str, Distribution]) -> None:
    """Print the percentiles of times, by their names."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in ("half of the\ncalls within", "95 %\nwithin", "99 %\nwithin", "99.9 %\nwithin", "slowest"):
        table.add_column(heading, justify="right")
    for name, delay in distributions.items():
        table.add_row(_TIMES.get(name, name), *(f"{value * 1e3:.2f} ms" for value in delay.figures.values()))
    out.print(Padding(table, (0, 0, 0, 2)))


def _complaints(out: Console, result: Result, named: bool) -> None:
    prefix = f"{result.name}: " if named else ""
    lines = [("note", note, "dim") for note in result.notes]
    if result.not_applied:
        lines.append(("note", _UNHELD.format(counted(len(result.not_applied), "threshold")), "yellow"))
    if result.unfinished:
        lines.append(("not played to the end", counted(result.unfinished, "call"), "yellow"))
    lines += [("INVALID" if result.set_up else "not set up", reason, "yellow") for reason in result.invalid_because]
    lines += _failed("fault", "yellow", result, result.fault_kinds)
    lines += _failed("wrong", "red", result, result.wrong_kinds)
    lines += [
        ("threshold undecided" if held.undecided else "threshold missed", str(held), "red") for held in result.missed
    ]
    lines += _failed("mistaken", "red", result, result.mistake_kinds)
    if lines:
        out.print()
    for kind, text, style in lines:
        said = visible(f"{prefix}{kind}: {text}" if kind else f"  {text}")
        out.print(Text(said, style=style), soft_wrap=True)


def _failed(word: str, style: str, result: Result, kinds: Sequence[FailureKind]) -> Iterator[tuple[str, str, str]]:
    """Each kind of failure once: how many calls, what the proxy did with one of them and why, and how to see that."""
    played = Counter(call.name for call in result.calls)
    for kind in kinds[:_SHOWN]:
        call = kind.example
        who = f"{call.id} from {call.planned.caller} to {call.planned.callee}"
        if played[kind.name] == 1:
            yield word, f"{who}: {kind.why}", style
            yield "", f"the proxy: {proxys_reason(call)}", "dim"
        else:
            yield word, f"{kind.name}, {len(kind.calls)} of {counted(played[kind.name], 'call')}: {kind.why}", style
            yield "", f"the proxy on {who}: {proxys_reason(call)}", "dim"
        yield "", f"ringfence report {shlex.quote(str(shown_path(result.folder)))} --call {call.id}", "dim"
    if (left := len(kinds) - _SHOWN) > 0:
        yield word, f"and {counted(left, 'more kind')} of failure (see calls.jsonl)", style


def _mistakes(result: Result) -> int:
    total = result.figures.accuracy.total
    return total.scam_passed + total.legit_blocked


def with_interval(rate: Rate | Estimate) -> str:
    """The share in percent and its interval, to as many digits as tell the ends of it apart."""
    ends = (rate.lower95 * 100, rate.upper95 * 100)
    digits = next((digits for digits in range(1, 6) if len({f"{end:.{digits}f}" for end in ends}) > 1), 6)
    value, lower, upper = (f"{each:.{digits}f}" for each in (rate.value * 100, *ends))
    return f"{value} %  ({lower} to {upper} %)"


def _or_blank(count: int) -> str:
    return str(count) if count else ""


def _alarming(count: int, blank: bool = False) -> Text:
    return Text(str(count), style="red") if count else Text("" if blank else "0")


def shown_path(path: Path) -> Path:
    """A path as seen from where the user stands."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def say(text: str) -> None:
    """One line about what takes its time before a run, on standard error."""
    print(text, file=sys.stderr, flush=True)
