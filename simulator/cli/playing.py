"""`ringfence run`: play scenarios, and say how they went."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator.errors import LabError
from simulator.judging.result import ExitCode, Result, worst
from simulator.lab.proxy_forks import ProxyForks
from simulator.play.runner import Job, Runner, not_set_up, spare_the_collector
from simulator.report import asked_for, terminal
from simulator.report.progress import RunProgress
from simulator.results.run_folder import write_suite
from simulator.scenario.model import check_lists, load_scenarios
from simulator.softswitch.kinds import Kind, prepare
from simulator.traffic.plan import plan
from simulator.traffic.selection import compile_expression
from simulator.wording import counted

RUNS = Path("runs")
_ENDED = "a process of the lab ended while it was needed"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for."""

    paths: Sequence[Path]
    select: str | None
    seed: int | None
    softswitch: Kind
    json: Path | None
    junit: Path | None
    forks: ProxyForks | None


def run(arguments: Arguments) -> int:
    try:
        selected = compile_expression(arguments.select) if arguments.select is not None else None
    except ValueError as error:
        print(f"ringfence run: -k {arguments.select!r}: {error}", file=sys.stderr)
        return ExitCode.USAGE
    scenarios = load_scenarios(arguments.paths)
    asked = {"--json": arguments.json, "--junit": arguments.junit}
    reports = {option: path for option, path in asked.items() if path is not None}
    if _complained(asked_for.objections(reports, [source for _, source in scenarios])):
        return ExitCode.USAGE
    jobs = []
    for scenario, source in scenarios:
        seed = scenario.seed if arguments.seed is None else arguments.seed
        calls = all_calls = tuple(plan(scenario, arguments.seed))
        if selected is not None:
            calls = tuple(call for call in calls if selected(f"{scenario.name}/{call.campaign}"))
        if calls:
            jobs.append(Job(scenario, source, seed, calls, partial=len(calls) < len(all_calls)))
    if not jobs:
        what = f"-k {arguments.select!r} selects no call" if selected is not None else "no scenario has a call"
        print(f"ringfence run: {what}; `ringfence lint PATH...` lists scenarios and calls", file=sys.stderr)
        return ExitCode.NOTHING_SELECTED
    check_lists(job.scenario for job in jobs)
    prepare(arguments.softswitch, terminal.say)
    try:
        results = _under_uvloop(_play(jobs, arguments.softswitch, arguments.forks))
    except BrokenPipeError as error:  # not that of our output, which is looked after: something of the lab has ended
        raise LabError(_ENDED) from error
    if not any(result.set_up for result in results):
        raise LabError(results[0].problems[0])
    complaints = []
    try:
        folder = results[0].folder if len(results) == 1 else write_suite(RUNS, results, sys.argv)
    except OSError as error:
        folder = RUNS
        complaints.append(f"{error.filename}: {error.strerror}")
    terminal.summary(terminal.console(), results, folder)
    code = worst(result.exit_code for result in results)
    if _complained([*complaints, *asked_for.write(reports, results)]):
        return worst([code, ExitCode.ENVIRONMENT])
    return code


def _complained(complaints: Iterable[str]) -> bool:
    """Print them, if there are any."""
    complaints = tuple(complaints)
    for complaint in complaints:
        print(f"ringfence run: {complaint}", file=sys.stderr)
    return bool(complaints)


async def _play(jobs: Sequence[Job], switch: Kind, forks: ProxyForks | None) -> list[Result]:
    """Play the jobs in turn; Ctrl-C or SIGTERM ends the one under way in order and leaves out the rest, and so does a
    job that could not be set up."""
    spare_the_collector()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    results = []
    with RunProgress(terminal.console()) as progress:
        runner = Runner(RUNS, progress, stop, sys.argv, switch, forks)
        for job in jobs:
            try:
                results.append(await runner.play(job))
            except OSError as error:  # there is no room for files, or something of the lab has ended
                if not results:
                    raise
                why = _ENDED if isinstance(error, BrokenPipeError) else f"{error.filename}: {error.strerror}"
                results.append(not_set_up(job, why, RUNS))
            if stop.is_set() or not results[-1].set_up:
                results[-1] = _last_of(results, jobs)
                break
    return results


def _last_of(results: Sequence[Result], jobs: Sequence[Job]) -> Result:
    """The result of the job that was the last, with a note of those that were to follow it."""
    left = [job.scenario.name for job in jobs[len(results) :]]
    note = (f"not begun: {counted(len(left), 'more scenario')} ({', '.join(left)})",) if left else ()
    return replace(results[-1], notes=(*results[-1].notes, *note))


def _under_uvloop(coroutine: Coroutine[Any, Any, list[Result]]) -> list[Result]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    results: list[Result] = uvloop.run(coroutine)
    return results
