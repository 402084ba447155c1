"""`ringfence load`: drive a load, and say how much the proxy carried."""

from __future__ import annotations

import asyncio
import contextlib
import json as json_format
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator.cli.complaints import complain
from simulator.cli.playing import RUNS
from simulator.cli.pseudonymising import Pseudonymiser
from simulator.errors import LabError
from simulator.exit_code import ExitCode
from simulator.lab.lab_spec import LabSpec
from simulator.lab.proxy_forks import ProxyForks
from simulator.load.drive import Asked, Drive
from simulator.load.folder import LoadFolder, decisions, document
from simulator.load.plateau import Limits
from simulator.load.result import LoadResult
from simulator.load.rig import Rig
from simulator.load.traffic import Traffic, traffic_of
from simulator.report import asked_for, load_terminal, terminal
from simulator.report.html import load_page
from simulator.results.inputs import Inputs
from simulator.results.run_folder import RunFolder
from simulator.scenario.model import check_lists
from simulator.softswitch.kinds import Kind, prepare

_WORRYING = ("internal_error", "socket_error", "unknown_source")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for, and what the proxy is forked off."""

    forks: ProxyForks | None
    source: Path
    rate: tuple[float, float]
    hold: float
    ramp: float
    p99: float
    failures: float
    processes: int | None
    select: str | None
    seed: int | None
    json: Path | None
    html: Path | None
    softswitch: Kind | None = None
    pseudonymise: str | None = None


def load(arguments: Arguments) -> int:
    """Drive the load, print, write what was asked for; returns the exit code."""
    asked = {"--json": arguments.json, "--html": arguments.html}
    reports = {option: path for option, path in asked.items() if path is not None}
    try:
        traffic = traffic_of(arguments.source, arguments.seed, arguments.select)
    except ValueError as error:
        return _complained([f"-k {arguments.select!r}: {error}"], ExitCode.USAGE)
    if objections := list(asked_for.objections(reports, [traffic.source])):
        return _complained(objections, ExitCode.USAGE)
    if not traffic.calls:
        return _complained(["no call is left that can be placed"], ExitCode.NOTHING_SELECTED)
    if arguments.hold <= 0:
        return _complained(["--hold takes some time"], ExitCode.USAGE)
    if (lowest := arguments.rate[0]) * arguments.hold < 1:
        return _complained([f"--rate {lowest:g} places no call in --hold {arguments.hold:g}s"], ExitCode.USAGE)
    check_lists([traffic.scenario])
    if arguments.softswitch is not None:
        prepare(arguments.softswitch, terminal.say)
    key = arguments.pseudonymise
    pseudonymiser = Pseudonymiser(key, [(traffic.scenario, traffic.calls)]) if key is not None else None
    has_numbers: list[str] = []
    try:
        result, complaints = asyncio.run(_drive(arguments, traffic, pseudonymiser))
    finally:
        if pseudonymiser is not None:
            _complained(has_numbers := pseudonymiser.finish(), ExitCode.ENVIRONMENT)
    if pseudonymiser is not None:
        result = pseudonymiser.load(result)
    for option, path in reports.items() if not has_numbers else ():  # which reports of the folder would have too
        try:
            path.write_text(_report(option, result), encoding="utf-8")
        except OSError as error:
            complaints.append(f"{path}: not written: {error.strerror}")
    code = ExitCode.ENVIRONMENT if has_numbers or complaints else result.exit_code
    load_terminal.summary(terminal.console(), result, code)
    return _complained(complaints, code)


def _report(option: str, result: LoadResult) -> str:
    if option == "--json":
        return json_format.dumps(document(result), indent=2) + "\n"
    return load_page.document(result.folder)


def _complained(complaints: list[str], code: ExitCode) -> ExitCode:
    complain("load", complaints)
    return code


async def _drive(
    arguments: Arguments, traffic: Traffic, pseudonymiser: Pseudonymiser | None
) -> tuple[LoadResult, list[str]]:
    """Drive it into a folder of its own; Ctrl-C or SIGTERM ends it in order, and what was measured is kept. Returns
    complaints where the folder cannot be written any more, too."""
    scenario, source = traffic.scenario, traffic.source
    asked = Asked(*arguments.rate, arguments.ramp, arguments.hold, Limits(arguments.p99, arguments.failures))
    processes = arguments.processes or max(2, min(8, (os.cpu_count() or 2) // 2))
    inputs = Inputs.of(scenario, source)
    command = pseudonymiser.command(sys.argv) if pseudonymiser is not None else tuple(sys.argv)
    folder = RunFolder(RUNS, scenario.name, _about(arguments, traffic, processes, inputs, command))
    if pseudonymiser is not None:
        pseudonymiser.begins(folder.path)
    inputs.write(folder.path)
    writer = LoadFolder(folder)
    spec = replace(LabSpec.of(scenario), scam_lists=inputs.lists_in(folder.path, scenario))
    kind = arguments.softswitch
    result = LoadResult(
        scenario.name,
        source,
        folder.path,
        asked,
        processes,
        (),
        None,
        notes=(*_chain(kind), *traffic.notes),
        switch=kind,
    )
    played = {"source": str(source.absolute()), "seed": arguments.seed, "select": arguments.select}
    problems: list[str] = []
    with load_terminal.LoadProgress(terminal.console(), asked, len(traffic.calls), processes) as progress:

        def tell(told: Any) -> None:
            writer.hear(told)
            progress.hear(told)

        drive = Drive(asked, traffic.calls, tell)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, drive.stop.set)
        rig = Rig(spec, folder.path, played, processes, drive.rows, kind, arguments.forks)
        try:
            async with rig:
                await drive.run(rig)
        except (LabError, OSError) as error:  # the latter where the disk is full
            if not drive.plateaus:
                folder.finish("failed", reason=str(error))
                raise
            problems.append(str(error) if isinstance(error, LabError) else _not_written(folder, error))
    counters = rig.counters or {}
    hung = ("the proxy did not end when and as it was told to (see proxy.log)",) if rig.hung else ()
    problems += [
        f"the proxy counted {counters[name]} of {name} (see proxy.log)" for name in _WORRYING if counters.get(name)
    ]
    result = replace(
        result,
        plateaus=tuple(drive.plateaus),
        best=drive.best,
        notes=(*result.notes, *hung, *_not_forked(arguments.forks)),
        problems=tuple(problems),
        interrupted=drive.stop.is_set(),
    )
    if result.shown is not None:
        result = replace(result, decisions=decisions(folder.path, result.shown))
    try:
        writer.keep(result)
    except OSError as error:  # what was measured is still told
        told = _not_written(folder, error)
        with contextlib.suppress(OSError):
            folder.finish("failed", reason=told)
        return result, [told]
    return result, []


def _chain(kind: Kind | None) -> tuple[str, ...]:
    """A note of what stands behind the proxy, where that is more than it takes to load the proxy alone."""
    names = {"embedded": "the embedded softswitch", "docker": "Asterisk"}
    return () if kind is None else (f"behind the proxy was {names[kind]}: what did not hold may be its limit",)


def _not_forked(forks: ProxyForks | None) -> tuple[str, ...]:
    """A note of the process that others should have been forked off, where that was stopped."""
    return () if forks is None or not forks.trouble else (forks.trouble,)


def _not_written(folder: RunFolder, error: OSError) -> str:
    return f"{error.filename or folder.path}: not written: {error.strerror}"


def _about(
    arguments: Arguments, traffic: Traffic, processes: int, inputs: Inputs, command: Sequence[str]
) -> Mapping[str, Any]:
    scenario = traffic.scenario
    return {
        "scenario": scenario.name,
        "source": str(traffic.source),
        "seed": scenario.seed if arguments.seed is None else arguments.seed,
        "home": scenario.home,
        "preset": scenario.preset,
        "calls": len(traffic.calls),
        **({"softswitch": arguments.softswitch} if arguments.softswitch is not None else {}),
        "command": list(command),
        "files": inputs.hashes(),
        "load": {
            "lowest": arguments.rate[0],
            "highest": arguments.rate[1],
            "ramp": arguments.ramp,
            "hold": arguments.hold,
            "p99": arguments.p99,
            "failures": arguments.failures,
            "processes": processes,
        },
    }
