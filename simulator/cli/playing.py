"""`ringfence run`: play scenarios, and say how they went."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proxy.files.yaml_file import FileErrors
from simulator.cli.complaints import complain
from simulator.cli.pseudonymising import Pseudonymiser
from simulator.errors import LabError
from simulator.exit_code import ExitCode, worst
from simulator.judging.result import Result
from simulator.lab.proxy_forks import ProxyForks
from simulator.play.again import Again, played_before
from simulator.play.jobs import Job, jobs
from simulator.play.runner import Settings
from simulator.play.session import ENDED, Session
from simulator.report import asked_for, github, ladder, terminal
from simulator.report.pcap import leave_captures
from simulator.report.progress import RunProgress
from simulator.results.events import Event, PassEnded
from simulator.results.messages import Mode
from simulator.results.parquet import leave_tables
from simulator.results.run_folder import write_suite
from simulator.results.run_reader import find_call, missing_calls
from simulator.scenario.model import check_lists, load_scenarios
from simulator.softswitch.kinds import Kind, prepare
from simulator.traffic.selection import compile_expression

T = TypeVar("T")
RUNS = Path("runs")
_MODES = ("never", "failed", "all")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for."""

    paths: Sequence[Path]
    select: str | None
    seed: int | None
    softswitch: Kind | None
    messages: Mode
    pcap: Mode
    parquet: bool
    json: Path | None
    junit: Path | None
    html: Path | None
    pseudonymise: str | None
    github: bool | None
    forks: ProxyForks | None


def run(arguments: Arguments) -> int:
    try:
        selected = compile_expression(arguments.select) if arguments.select is not None else None
    except ValueError as error:
        _complained([f"-k {arguments.select!r}: {error}"])
        return ExitCode.USAGE
    files, again = _played_again(arguments.paths)
    scenarios = load_scenarios(files)
    asked = {"--json": arguments.json, "--junit": arguments.junit, "--html": arguments.html}
    reports = {option: path for option, path in asked.items() if path is not None}
    if _complained(asked_for.objections(reports, [source for _, source in scenarios])):
        return ExitCode.USAGE
    kinds: set[Kind] = {each.softswitch for each in again.values()}
    if len(again) < len(scenarios):
        kinds.add("embedded")
    if arguments.softswitch is None and len(kinds) > 1:
        _complained(["these were played on different softswitches: say --softswitch embedded or --softswitch docker"])
        return ExitCode.USAGE
    playing = list(jobs(scenarios, arguments.seed, selected or (lambda _: True), again))
    if not playing:
        what = f"-k {arguments.select!r} selects no call" if selected is not None else "no scenario has a call"
        _complained([f"{what}; `ringfence lint PATH...` lists scenarios and calls"])
        return ExitCode.NOTHING_SELECTED
    check_lists(job.scenario for job in playing)
    softswitch: Kind = arguments.softswitch or kinds.pop()
    prepare(softswitch, terminal.say)
    pseudonymiser = _pseudonymiser(arguments.pseudonymise, playing) if arguments.pseudonymise else None
    command = pseudonymiser.command(sys.argv) if pseudonymiser else tuple(sys.argv)
    has_numbers = False
    try:
        results = under_uvloop(_play(playing, arguments, softswitch, command, pseudonymiser))
    except BrokenPipeError as error:  # not that of our output, which is looked after: something of the lab has ended
        raise LabError(ENDED) from error
    finally:
        if pseudonymiser:
            has_numbers = _complained(pseudonymiser.finish())
    if pseudonymiser:
        results = pseudonymiser.results(results)
    if not any(result.set_up for result in results):
        raise LabError(results[0].problems[0])
    complaints = []
    try:
        folder = results[0].folder if len(results) == 1 else write_suite(RUNS, results, command)
    except OSError as error:
        folder = RUNS
        complaints.append(f"{error.filename or RUNS}: {error.strerror}")
    ladders = () if has_numbers else _ladder_of_first_failed(results)
    terminal.summary(out := terminal.console(), results, folder, ladders)
    code = worst(result.exit_code for result in results)
    if has_numbers:  # and so would reports that are made of the folder
        return worst([code, ExitCode.ENVIRONMENT])
    folders = [result.folder for result in results if result.set_up]
    complaints += (complaint for each in folders for complaint in missing_calls(each))
    complaints += leave_captures(folders, arguments.pcap)
    complaints += leave_tables(folders if arguments.parquet else ())
    if github.on_github(os.environ) if arguments.github is None else arguments.github:
        for line in github.commands(results):
            out.print(line, markup=False, soft_wrap=True)
        complaints += github.append_summary(results, folder)
    if _complained([*complaints, *asked_for.write(reports, results, folder)]):
        return worst([code, ExitCode.ENVIRONMENT])
    return code


def _pseudonymiser(key: str, playing: Iterable[Job]) -> Pseudonymiser:
    return Pseudonymiser(key, [(job.scenario, job.calls) for job in playing])


def _played_again(paths: Iterable[Path]) -> tuple[list[Path], dict[Path, Again]]:
    """The paths with the scenarios of runs' folders in the place of these, and how they were played."""
    files: list[Path] = []
    again: dict[Path, Again] = {}
    for path in paths:
        before = played_before(path)
        again |= {each.source: each for each in before}
        files += [each.source for each in before] or [path]
        if any(each.pseudonyms for each in before):
            terminal.say(f"{path}: its numbers are pseudonyms, so what becomes of calls may differ from then")
    return files, again


def _ladder_of_first_failed(results: Iterable[Result]) -> Iterator[str]:
    """The ladder of the first call that went wrong, as far as its messages were recorded."""
    for result in results:
        for call in (*(call for call, _ in result.wrong), *result.faults):
            with suppress(FileErrors):  # of a folder without room for its calls, which was told
                drawn = ladder.ladder_of(result.folder, find_call(result.folder, call.id))
                if drawn.steps:
                    yield from ladder.text(drawn)
            return


def _complained(complaints: Iterable[str]) -> bool:
    return complain("run", complaints)


async def _play(
    jobs: Sequence[Job],
    arguments: Arguments,
    softswitch: Kind,
    command: tuple[str, ...],
    pseudonymiser: Pseudonymiser | None,
) -> list[Result]:
    """Play the jobs; Ctrl-C or SIGTERM ends the one under way in order."""
    spare_the_collector()
    messages = max(arguments.messages, arguments.pcap, key=_MODES.index)
    settings = Settings(softswitch, messages, arguments.forks, command)
    following = (pseudonymiser,) if pseudonymiser else ()
    with RunProgress(terminal.console()) as progress:
        session = Session(RUNS, (progress.hear, collect_between_passes, *following), settings)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, session.stop)
        return await session.play(jobs)


def spare_the_collector() -> None:
    """Collect garbage between passes only: a collection would stop the agents, and look like a delay of the proxy."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_between_passes(event: Event) -> None:
    """Collect what a pass has left."""
    if isinstance(event, PassEnded):
        gc.collect()


def under_uvloop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it, by uvloop where that is there."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    found: T = uvloop.run(coroutine)
    return found
