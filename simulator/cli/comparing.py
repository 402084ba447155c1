"""`ringfence compare`: read the policies, have both judge the calls, and say what changed."""

from __future__ import annotations

import asyncio
import json as json_format
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.cli.complaints import complain
from simulator.cli.playing import RUNS, collect_between_passes, spare_the_collector, under_uvloop
from simulator.cli.pseudonymising import Pseudonymiser
from simulator.errors import LabError
from simulator.exit_code import ExitCode
from simulator.judging import exact_test
from simulator.judging.compared import Compared
from simulator.judging.conditions import Condition
from simulator.judging.paired import Comparison
from simulator.judging.result import Result
from simulator.lab.proxy_forks import ProxyForks
from simulator.offline.comparing import compare_offline
from simulator.offline.traffic import begins
from simulator.play.duel import Bout, in_turns, judge, results_of, sides
from simulator.play.jobs import jobs
from simulator.play.runner import Settings
from simulator.play.session import ENDED, Session
from simulator.report import asked_for, terminal
from simulator.report.compare import json_file, markdown
from simulator.report.compare.terminal import summary
from simulator.report.html import comparison
from simulator.report.progress import RunProgress, Steps
from simulator.scenario.model import Scenario, check_lists, load_scenarios
from simulator.scenario.policies import Variant, read_variant
from simulator.softswitch.kinds import Kind, prepare
from simulator.traffic.lines import inhabited
from simulator.traffic.selection import compile_expression
from simulator.wording import takes

_DOCUMENTS: dict[str, Callable[[Compared], str]] = {
    "--json": lambda compared: json_format.dumps(json_file.document(compared), indent=2) + "\n",
    "--markdown": markdown.document,
    "--html": comparison.document,
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for."""

    a: str
    b: str
    paths: Sequence[Path]
    offline: bool
    select: str | None
    seed: int | None
    softswitch: Kind
    conditions: Sequence[str]
    json: Path | None
    markdown: Path | None
    html: Path | None
    pseudonymise: str | None
    forks: ProxyForks | None


def compare(arguments: Arguments) -> int:
    """Compare, print, write what was asked for; returns the exit code."""
    try:
        a, b = (read_variant(text) for text in (arguments.a, arguments.b))
        conditions = [_condition(text, offline=arguments.offline) for text in arguments.conditions]
        selected = compile_expression(arguments.select) if arguments.select is not None else lambda _: True
    except ValueError as error:
        return _complained([str(error)])
    scenarios = load_scenarios(arguments.paths)
    asked = {"--json": arguments.json, "--markdown": arguments.markdown, "--html": arguments.html}
    reports = {option: path for option, path in asked.items() if path is not None}
    if objections := list(asked_for.objections(reports, [source for _, source in scenarios])):
        return _complained(objections)
    check_lists(each.over(scenario) for scenario, _ in scenarios for each in (a, b))
    if not exact_test.is_available():  # told before anything is played
        raise LabError(takes("the exact test", "scipy", "data"))
    compared = Compared(a.name, b.name, (), Comparison(), conditions)
    if arguments.offline:
        played = [scenario for scenario, _ in scenarios]
        compared = _offline(compared, a, b, played, arguments.seed, selected)
        if (key := arguments.pseudonymise) is not None:
            examples = compared.comparison.examples
            told = [(each, [one for one in examples if one.scenario == each.name]) for each in played]
            compared = Pseudonymiser(key, told).compared(compared)
    else:
        compared = _live(compared, a, b, scenarios, arguments, selected)
    summary(terminal.console(), compared)
    complaints = []
    for option, path in reports.items():
        try:
            path.write_text(_DOCUMENTS[option](compared), encoding="utf-8")
        except OSError as error:
            complaints.append(f"{path}: not written: {error.strerror}")
    return _complained(complaints, ExitCode.ENVIRONMENT) if complaints else compared.exit_code


def _condition(text: str, *, offline: bool) -> Condition:
    try:
        condition = Condition.parse(text)
    except ValueError as error:
        raise ValueError(f'--fail-if: found "{text}", expected {error}') from None
    if offline and condition.is_of_delays:
        raise ValueError(f'--fail-if: found "{text}", expected no delay: --offline measures none')
    return condition


def _complained(complaints: Sequence[str], code: ExitCode = ExitCode.USAGE) -> ExitCode:
    complain("compare", complaints)
    return code


def _offline(
    compared: Compared,
    a: Variant,
    b: Variant,
    scenarios: Sequence[Scenario],
    seed: int | None,
    selected: Callable[[str], bool],
) -> Compared:
    """Have both policies decide; Ctrl-C ends it, and what was decided counts."""
    interrupted, now = False, time.time()
    used = []
    with Steps(terminal.console(), "decided") as steps:
        try:
            for scenario in scenarios:
                number = scenario.seed if seed is None else seed
                used.append((scenario.name, number))
                whole = inhabited(scenario, number)
                compare_offline(
                    a.over(whole),
                    b.over(whole),
                    number,
                    begins(scenario, now),
                    compared.comparison,
                    steps.done,
                    selected,
                )
        except KeyboardInterrupt:
            interrupted = True
    return replace(compared, scenarios=used, interrupted=interrupted)


def _live(
    compared: Compared,
    a: Variant,
    b: Variant,
    scenarios: Sequence[tuple[Scenario, Path]],
    arguments: Arguments,
    selected: Callable[[str], bool],
) -> Compared:
    """Play both on the wire."""
    bouts = [Bout.of(job, a, b) for job in jobs(scenarios, arguments.seed, selected)]
    prepare(arguments.softswitch, terminal.say)
    key = arguments.pseudonymise
    pseudonymiser = Pseudonymiser(key, [(each.a.scenario, each.a.calls) for each in bouts]) if key is not None else None
    delays: list[tuple[float, float]] = []
    has_numbers: list[str] = []
    try:
        results = under_uvloop(_play(bouts, arguments, pseudonymiser)) if bouts else []
        for one, other in results_of(bouts, results):
            delays += judge(one, other, compared.comparison)
    except BrokenPipeError as error:
        raise LabError(ENDED) from error
    finally:
        if pseudonymiser is not None:
            _complained(has_numbers := pseudonymiser.finish())
    named = len(results) > 2
    compared = replace(
        compared,
        scenarios=[(bout.a.scenario.name, bout.a.seed) for bout in bouts],
        delays=delays,
        folders=[(side, str(result.folder)) for side, result in zip(sides(bouts), results, strict=False)],
        invalid_because=[
            *has_numbers,
            *(f"{result.folder.name}: {why}" for result in results for why in result.invalid_because),
        ],
        notes=list(
            dict.fromkeys(f"{result.name}: {note}" if named else note for result in results for note in result.notes)
        ),
        interrupted=any(result.interrupted for result in results),
    )
    return compared if pseudonymiser is None else pseudonymiser.compared(compared)


async def _play(bouts: Sequence[Bout], arguments: Arguments, pseudonymiser: Pseudonymiser | None) -> list[Result]:
    """Play all; Ctrl-C or SIGTERM ends the one under way in order."""
    spare_the_collector()
    command = tuple(sys.argv) if pseudonymiser is None else pseudonymiser.command(sys.argv)
    settings = Settings(arguments.softswitch, "failed", arguments.forks, command)
    following = () if pseudonymiser is None else (pseudonymiser,)
    with RunProgress(terminal.console()) as progress:
        session = Session(RUNS, (progress.hear, collect_between_passes, *following), settings)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, session.stop)
        return await session.play(in_turns(bouts))
