"""A load on the terminal: how it goes, live, and what came of it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live as LiveDisplay
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.exit_code import ExitCode
from simulator.judging.latency import Distribution
from simulator.load.drive import Asked, Live, Told
from simulator.load.plateau import Plateau
from simulator.load.result import LoadResult
from simulator.report.terminal import shown_path, times
from simulator.wording import counted

_STYLES = {
    ExitCode.AS_EXPECTED: "green",
    ExitCode.WRONG_VERDICT: "red",
    ExitCode.THRESHOLD_MISSED: "red",
}
_SHOWN = 5  # reasons why calls failed


class LoadProgress:
    """A listener that shows each plateau as it ends, and on a terminal the latest second as well."""

    def __init__(self, out: Console, asked: Asked, calls: int, processes: int) -> None:
        self._out = out
        what = f"from {asked.lowest:g} to {asked.highest:g}" if asked.find else f"{asked.lowest:g}"
        out.print(
            f"{what} calls/s of {counted(calls, 'call')} in rounds, by {counted(processes, 'process', 'processes')}"
        )
        self._live = LiveDisplay(console=out, auto_refresh=False, transient=True) if out.is_terminal else None

    def hear(self, told: Told) -> None:
        """Show what is new."""
        if isinstance(told, Plateau):
            self._out.print(_ended(told), markup=False, soft_wrap=True)
        elif self._live is not None:
            self._live.update(_second(told), refresh=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def _ended(plateau: Plateau) -> str:
    delay = plateau.delay
    said = "held" if plateau.held else "did not hold: " + "; ".join(plateau.missed)
    p99 = f", p99 {_ms(delay.p99)}" if delay is not None else ""
    return f"  {plateau.rate:g} calls/s: {counted(plateau.calls, 'call')}, {plateau.failed} failed{p99}: {said}"


def _second(live: Live) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    delay, late = live.delay, live.lateness
    table.add_row(
        f"asked {live.rate:g}/s",
        f"heard {live.heard_rate:.0f}/s",
        f"p50 {_ms(delay.p50) if delay else '-'}",
        f"p99 {_ms(delay.p99) if delay else '-'}",
        Text(f"failed {live.failed} of {live.placed}", style="red" if live.failed else ""),
        f"lag {_ms(late.p99) if late else '-'}",
        f"under way {live.under_way}",
        f"proxy {live.proxy * 100:.0f} %" if live.proxy is not None else "",
    )
    return table


def summary(out: Console, result: LoadResult, code: ExitCode) -> None:
    """Print the plateaus, the rate that was found, what the times were there, where the files are, and how it ends."""
    if result.plateaus:
        out.print()
        out.print(_plateaus(result))
    if (shown := result.shown) is not None:
        out.print()
        out.print(Text(f"Times at {shown.rate:g} calls/s", style="bold"))
        named = {name: each for name, one in result.times.items() if (each := one.distribution) is not None}
        if named:
            times(out, named)
        for why, count in list(shown.failures.items())[:_SHOWN]:
            out.print(Text(f"  failed: {counted(count, 'call')}: {why}", style="red"), soft_wrap=True)
    for note in result.told:
        out.print(Text(f"note: {note}", style="dim"), soft_wrap=True)
    for reason in result.invalid_because:
        out.print(Text(f"INVALID: {reason}", style="yellow"), soft_wrap=True)
    out.print()
    out.print(Text(closing(result), style=f"bold {_STYLES.get(code, 'yellow')}"), Text(f"(exit code {int(code)})"))
    contents = {"load.json": "all plateaus", "histograms.hlog": "the times"}
    there = "; ".join(f"{name}: {what}" for name, what in contents.items() if (result.folder / name).is_file())
    folder = f"{shown_path(result.folder)}{os.sep}"
    out.print(f"Files: {folder}  ({there})" if there else f"Files: {folder}", markup=False, soft_wrap=True)


def closing(result: LoadResult) -> str:
    """The outcome in a sentence."""
    code, best, asked = result.exit_code, result.best, result.asked
    if code is ExitCode.INTERRUPTED:
        return "Interrupted: the figures hold what was measured until then."
    if code is ExitCode.ENVIRONMENT:
        return "INVALID: do not use these figures."
    if code is ExitCode.WRONG_VERDICT:
        return "Some calls got another answer than the scenario expects."
    if not asked.find:
        return f"{asked.lowest:g} calls/s {'held' if code is ExitCode.AS_EXPECTED else 'did not hold'}."
    if best is None:
        return f"Not even {asked.lowest:g} calls/s held."
    beyond = f"{result.above.rate:g} did not" if result.above is not None else "no more was asked for"
    return f"The highest rate that held was {best.rate:g} calls/s; {beyond}."


def _plateaus(result: LoadResult) -> Padding:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("calls/s", "Calls", "Failed", "p50", "p99", "p99.9", "Slowest", "Lag p99", "Proxy"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for plateau in sorted(result.plateaus, key=lambda each: each.rate):
        delay, late = plateau.delay, plateau.tally.distribution("send_lateness")
        proxy = plateau.processors.get("proxy")
        table.add_row(
            f"{plateau.rate:g}",
            f"{plateau.calls:,}",
            Text(f"{plateau.failed:,}", style="red" if plateau.failed else ""),
            *_delays(delay),
            _ms(late.p99) if late else "",
            f"{proxy * 100:.0f} %" if proxy is not None else "",
            Text("held", style="green") if plateau.held else Text("cut" if plateau.cut else "missed", style="red"),
        )
    return Padding(table, (0, 0, 0, 0))


def _delays(delay: Distribution | None) -> tuple[str, ...]:
    return ("",) * 4 if delay is None else tuple(map(_ms, (delay.p50, delay.p99, delay.p999, delay.max)))


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
