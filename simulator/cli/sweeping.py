"""`ringfence sweep`: read the grid, judge by every point's policy, and keep the rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.files.yaml_file import FileError, FileErrors, load
from simulator.cli.complaints import complain
from simulator.exit_code import ExitCode
from simulator.offline import dask_engine
from simulator.offline.bundle import Bundle
from simulator.offline.grid import NUMBERS, Grid, Point
from simulator.offline.sweep import Row, Sweep
from simulator.report import asked_for, terminal
from simulator.report.compare import sweep_terminal
from simulator.report.html import tradeoff
from simulator.report.progress import Steps
from simulator.results import parquet
from simulator.results.sweep_table import Journal, fingerprint, write_sweep
from simulator.scenario.model import Scenario, check_lists, load_scenarios
from simulator.wording import counted


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for."""

    grid: Path
    paths: Sequence[Path]
    output: Path | None
    seed: int | None
    resume: bool
    html: Path | None
    scheduler: str | None = None


class _Spent:
    """The calls judged, and the seconds of CPU that it took, here or elsewhere."""

    def __init__(self) -> None:
        self.judged = 0
        self.seconds = 0.0

    def add(self, judged: int, seconds: float = 0.0) -> None:
        self.judged += judged
        self.seconds += seconds


def sweep(arguments: Arguments) -> int:
    """Try all points that have no row yet; returns the exit code."""
    grid = load(arguments.grid, Grid)
    scenarios = load_scenarios(arguments.paths)
    table = arguments.output or Path(arguments.grid.with_suffix(".parquet").name)
    asked = {"-o": table, "--html": arguments.html}
    reports = {option: path for option, path in asked.items() if path is not None}
    sources = [arguments.grid, *(source for _, source in scenarios)]
    if complain("sweep", asked_for.objections(reports, sources)):
        return ExitCode.USAGE
    if not parquet.is_available():  # told before anything is tried
        raise FileErrors([FileError.whole(table, parquet.MISSING)])
    points = list(grid.points())
    played = [scenario for scenario, _ in scenarios]
    check_lists(each for scenario in played for each in _with_all_lists(scenario, points))
    journal = Journal(table, fingerprint(_files(sources, played, points), arguments.seed))
    now, done = journal.begin(time.time(), resume=arguments.resume)
    rows = [Row(*entry) for entry in done]
    known = {row.number for row in rows}
    missing = [point for point in points if point.number not in known]
    started, interrupted, spent = time.process_time(), False, _Spent()
    out = terminal.console()
    with Steps(out, f"points of {grid.size:,}", grid.size) as steps:
        steps.done(len(rows))
        try:
            for row in _rows(played, arguments, now, missing, spent):
                journal.add((row.number, row.parameters, row.confusion))
                rows.append(row)
                steps.done(1)
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            journal.end(complete=False)
            raise
    if arguments.scheduler is None:
        spent.seconds = time.process_time() - started
    rows.sort(key=lambda row: row.number)
    write_sweep(table, [(row.number, row.parameters, row.confusion) for row in rows], NUMBERS)
    journal.end(complete=not interrupted)
    sweep_terminal.summary(out, rows)
    out.print()
    if spent.judged:
        rate = f", {spent.judged / spent.seconds:,.0f} a second of CPU" if spent.seconds else ""
        out.print(f"{spent.judged:,} decisions in {spent.seconds:.1f} s of CPU{rate}", markup=False)
    out.print(f"{table}: {counted(len(rows), 'row')} of {grid.size:,}", markup=False, soft_wrap=True)
    if arguments.html is not None:
        names = [scenario.name for scenario in played]
        arguments.html.write_text(tradeoff.document(grid.name, rows, grid.size, names), encoding="utf-8")
    if interrupted:
        out.print("Interrupted: the same command with --resume goes on.")
        return ExitCode.INTERRUPTED
    return ExitCode.AS_EXPECTED if rows and rows[0].confusion.calls else ExitCode.NOTHING_SELECTED


def _rows(
    scenarios: Sequence[Scenario], arguments: Arguments, now: float, points: Sequence[Point], spent: _Spent
) -> Iterator[Row]:
    """The rows of the points, judged here or on the cluster."""
    if arguments.scheduler is None:
        yield from Sweep(scenarios, arguments.seed, now, spent.add).rows(points)
    elif points:
        bundle = Bundle.of(scenarios, points, arguments.seed, now)
        yield from dask_engine.rows(arguments.scheduler, bundle, points, spent.add)


def _with_all_lists(scenario: Scenario, points: Sequence[Point]) -> list[Scenario]:
    """The scenario with each set of scam lists that a point has."""
    lists = dict.fromkeys(point.variant.scam_lists for point in points)
    return [scenario if each is None else scenario.model_copy(update={"scam_lists": each}) for each in lists]


def _files(sources: Sequence[Path], scenarios: Sequence[Scenario], points: Sequence[Point]) -> list[Path]:
    """All files that rows depend on."""
    found = dict.fromkeys(sources)
    for scenario in scenarios:
        found |= dict.fromkeys(scenario.scam_lists)
        if scenario.records is not None:
            found[scenario.records.file] = None
    for point in points:
        found |= dict.fromkeys(Path(each) for each in point.variant.scam_lists or ())
    return list(found)
