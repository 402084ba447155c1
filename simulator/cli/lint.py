"""`ringfence lint ...`."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.grammar import FILE, Command

_HELP = """\
Read scenarios, lessons, proxy configs, subscriber files, presets, policies and scam lists, and tell every error in
them. Lessons are played without a wire, so that what they expect is what the policy does. Of a folder all of these are
read, with recorded calls where a scenario plays them.
"""
_EXAMPLE = """\
example:
  ringfence lint scenarios proxy.yaml lists/wangiri.csv
"""


@click.command("lint", Command, help=_HELP, epilog=_EXAMPLE, short_help="check files without playing anything")
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="PATH...")
def lint(paths: tuple[Path, ...]) -> int:
    """Say what is in each file."""
    from simulator.report import files

    for line in files.lint(paths):
        print(line)
    return 0
