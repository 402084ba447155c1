"""`ringfence histograms RUN...`: the times of one run or of several together."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simulator.cli.grammar import FILE, Command

_HELP = """\
Print the times that runs have measured, and their percentiles, those of several runs added up. RUN is the folder of a
run, such as runs/latest, or a file that was written by --output. A run keeps its times in
histograms.hlog, as HDR histograms: these can be added up without loss, where percentiles cannot, and the tools for
HdrHistogram logs read them.
"""
_EXAMPLES = """\
examples:
  ringfence histograms runs/latest
  ringfence histograms runs/20261123T22*-wangiri --output all.hlog
"""


@click.command("histograms", Command, help=_HELP, epilog=_EXAMPLES, short_help="add up the times of several runs")
@click.argument("runs", nargs=-1, required=True, type=FILE, metavar="RUN...")
@click.option("-o", "--output", type=FILE, metavar="F.hlog", help="write them, added up, to this file")
@click.option("--json", type=FILE, metavar="F", help="write the percentiles as JSON to this file, as in metrics.json")
def histograms(runs: tuple[Path, ...], output: Path | None, json: Path | None) -> int:
    """Add up, print, and write where asked."""
    from json import dumps

    from simulator.cli.complaints import complain
    from simulator.exit_code import ExitCode
    from simulator.report import asked_for, terminal
    from simulator.results.histograms import merged, read_histograms, write_histograms

    reports = {option: path for option, path in (("--output", output), ("--json", json)) if path is not None}
    if complain("histograms", asked_for.objections(reports, ())):
        return ExitCode.USAGE
    once = {run.resolve(): run for run in runs}  # runs/latest is one of the others
    found = merged(read_histograms(run) for run in once.values())
    distributions = {name: each for name, one in found.times.items() if (each := one.distribution) is not None}
    if distributions:
        terminal.times(terminal.console(), distributions)
    else:
        print("no time was measured", file=sys.stderr)
    if output is not None:
        write_histograms(output, found)
    if json is not None:
        flat = {key: value for name, each in distributions.items() for key, value in each.named(name).items()}
        json.write_text(dumps(flat, indent=2) + "\n", encoding="utf-8")
    return 0
