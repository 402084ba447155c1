"""The commands of `ringfence`: what they take, and what each does."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileErrors
from simulator.cli import doctor
from simulator.cli import report as report_command
from simulator.cli import softswitch as softswitch_command
from simulator.cli import subscribers as subscribers_command
from simulator.errors import LabError
from simulator.judging.result import ExitCode, Result, worst
from simulator.lab.proxy_forks import ProxyForks
from simulator.play.runner import Job, Runner, not_set_up, spare_the_collector
from simulator.report import asked_for, files, terminal
from simulator.report.progress import RunProgress
from simulator.results.run_folder import write_suite
from simulator.scenario.model import check_lists, load_scenarios
from simulator.softswitch.kinds import Kind, prepare
from simulator.traffic.plan import plan
from simulator.traffic.selection import compile_expression
from simulator.wording import counted

RUNS = Path("runs")
_ENDED = "a process of the lab ended while it was needed"

_OVERVIEW = """\
A SIP telephony lab on one machine: a proxy decides, call by call, whether the subscriber's phone may ring, and
labelled scam and legitimate calls show how many it judges rightly and what that costs in time. All traffic stays
on this machine.
"""
_EXAMPLES = """\
examples:
  ringfence run scenarios                     play every scenario of a folder
  ringfence run scenarios -k 'wangiri'        only what has "wangiri" in its name
  ringfence report runs/latest --call ID      what became of one call, and why
  ringfence lint my-scenario.yaml             is it written rightly?
  ringfence proxy proxy.yaml                  the proxy alone, for your own SIP traffic
  ringfence doctor                            is anything missing here?

`ringfence COMMAND --help` tells more. Exit codes: 0 all as expected, 1 a wrong verdict, 2 usage or an invalid
file, 3 the environment is broken or the run is invalid, 5 nothing selected or nothing that can be played, 99 only a
threshold missed, 130 interrupted.
"""
_RUN = """\
Play scenarios: labelled calls pass the proxy on their way to a softswitch and a phone. The summary says how many
were judged rightly and what the check cost in time; runs/latest has every detail. Where -k chooses a part of a
scenario, its thresholds are left out: each call is judged by its `expect` or its truth.
"""
_RUN_EXAMPLES = """\
examples:
  ringfence run scenarios
  ringfence run scenarios/wangiri.yaml --seed 11
  ringfence run scenarios -k 'wangiri and not family' --junit result.xml --json result.json
"""


def main(arguments: Sequence[str], forks: ProxyForks | None = None) -> int:
    """The command; returns the exit code. `run` has its proxies forked off `forks`, where given."""
    try:
        # These two have a command line of their own, with a --help that shows all of it.
        if arguments[:1] == ["proxy"]:
            from proxy import __main__ as proxy  # which no other command needs

            return proxy.main(arguments[1:])
        if arguments[:1] == ["explain"]:
            from proxy import explain

            return explain.main(arguments[1:])
        parsed = _parser().parse_args(arguments)
        parsed.forks = forks
        command: Callable[[argparse.Namespace], int] = parsed.command
        return command(parsed)
    except FileErrors as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    except LabError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return ExitCode.ENVIRONMENT
    except KeyboardInterrupt:  # before the calls: while files are read or the softswitch's image is built
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        terminal.let_go_of_output()
        return ExitCode.AS_EXPECTED
    except OSError as error:
        print(f"ringfence: {error.filename or 'a system call failed'}: {error.strerror}", file=sys.stderr)
        return ExitCode.ENVIRONMENT


def _parser() -> argparse.ArgumentParser:
    parser = _described("ringfence", _OVERVIEW, _EXAMPLES, argparse.ArgumentParser)
    parser.add_argument("--version", action="version", version=f"ringfence {metadata.version('ringfence')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = _described("run", _RUN, _RUN_EXAMPLES, commands.add_parser, help="play scenarios and report")
    run.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a scenario file, or a folder of them")
    run.add_argument(
        "-k",
        dest="select",
        metavar="EXPR",
        help="only names that match, such as 'wangiri and not family'; a part of a scenario is held to no threshold",
    )
    run.add_argument("--seed", type=int, metavar="N", help="plan the calls from this seed, not the scenario's")
    run.add_argument(
        "--softswitch",
        choices=("embedded", "docker"),
        default="embedded",
        help="embedded: in this process (default); docker: Asterisk in a container, which is built and started",
    )
    run.add_argument("--json", type=Path, metavar="F", help="write the result as JSON to this file")
    run.add_argument("--junit", type=Path, metavar="F", help="write the result as JUnit XML to this file")
    run.set_defaults(command=_run)

    proxy = commands.add_parser("proxy", help="run the proxy alone until SIGTERM", add_help=False)
    proxy.set_defaults(command=None)
    explained = commands.add_parser("explain", help="what the policy says to one SIP request", add_help=False)
    explained.set_defaults(command=None)

    lint = _described(
        "lint",
        "Read scenarios, proxy configs, subscriber files, presets and scam lists, and tell every error in them.",
        "example:\n  ringfence lint scenarios proxy.yaml lists/wangiri.csv\n",
        commands.add_parser,
        help="check files without playing anything",
    )
    lint.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders of them")
    lint.set_defaults(command=_lint)

    report_command.add_to(commands)
    subscribers_command.add_to(commands)
    softswitch_command.add_to(commands)

    schema = _described(
        "schema",
        "Print the JSON schema of a file format, for editors that complete and check YAML with it.",
        "example:\n  ringfence schema scenario > scenario.schema.json\n",
        commands.add_parser,
        help="print the JSON schema of a file format",
    )
    schema.add_argument("format", nargs="?", choices=tuple(files.SCHEMAS), default="scenario", help="[scenario]")
    schema.set_defaults(command=_schema)

    examined = _described(
        "doctor",
        "Look at what this machine has of what the lab needs, and say how to mend what is missing.",
        "",
        commands.add_parser,
        help="say what is missing on this machine",
    )
    examined.set_defaults(command=_doctor)
    return parser


def _described(
    name: str, description: str, epilog: str, make: Callable[..., argparse.ArgumentParser], **more: Any
) -> argparse.ArgumentParser:
    return make(
        name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **more,
    )


def _run(arguments: argparse.Namespace) -> int:
    try:
        selected = compile_expression(arguments.select) if arguments.select is not None else None
    except ValueError as error:
        print(f"ringfence run: -k {arguments.select!r}: {error}", file=sys.stderr)
        return ExitCode.USAGE
    scenarios = load_scenarios(arguments.paths)
    reports = {"--json": arguments.json, "--junit": arguments.junit}
    reports = {option: path for option, path in reports.items() if path is not None}
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


def _lint(arguments: argparse.Namespace) -> int:
    for line in files.lint(arguments.paths):
        print(line)
    return ExitCode.AS_EXPECTED


def _schema(arguments: argparse.Namespace) -> int:
    print(json.dumps(files.SCHEMAS[arguments.format](), indent=2))
    return ExitCode.AS_EXPECTED


def _doctor(_arguments: argparse.Namespace) -> int:
    findings = []
    for finding in doctor.examine():
        print(finding, flush=True)
        findings.append(finding)
    broken = [finding for finding in findings if finding.needed and not finding.fine]
    print("Something that the lab needs is missing." if broken else "The lab can run here.")
    return ExitCode.ENVIRONMENT if broken else ExitCode.AS_EXPECTED
