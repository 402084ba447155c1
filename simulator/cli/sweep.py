"""`ringfence sweep GRID SCENARIO...`: many policies on the same calls, offline."""

from __future__ import annotations

import re
from typing import Any

import click

from simulator.cli.grammar import FILE, Command, WholeNumber

_HELP = """\
Try many policies on the calls of scenarios, offline. GRID is a YAML file with the parameters and the values that each
takes: presets, modes of rules, the confidence from which scam lists count, lists, shares of subscribers who bar calls.
All combinations are tried, or `samples` of them at random. The rows are a Parquet table; the terminal and --html show
the trade-off between recall and false blocks. Ctrl-C leaves what is done, and --resume goes on, here or on a cluster.
"""
_EXAMPLES = """\
examples:
  ringfence sweep grid.yaml scenarios -o sweep.parquet --html sweep.html
  ringfence sweep grid.yaml scenarios -o sweep.parquet --resume
  ringfence sweep grid.yaml scenarios --scheduler tcp://127.0.0.1:8786
"""


class _Scheduler(click.ParamType[str]):
    """The address of a Dask scheduler."""

    name = "scheduler"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it: what Dask makes of other addresses takes long, and ends in a traceback."""
        match = re.fullmatch(r"(?:tcp|tls)://[^\s/]+:(\d{1,5})", str(value))
        if match is None or not 0 < int(match[1]) < 65536:
            self.fail(f'found "{value}", expected an address such as tcp://127.0.0.1:8786', param, ctx)
        return str(value)


@click.command("sweep", Command, help=_HELP, epilog=_EXAMPLES, short_help="try many policies on the same calls")
@click.argument("grid", type=FILE, metavar="GRID")
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="SCENARIO...")
@click.option("-o", "output", type=FILE, metavar="F.parquet", help="the table (default: GRID's name with .parquet)")
@click.option("--seed", type=WholeNumber(), metavar="N", help="plan the calls from this seed, not the scenarios'")
@click.option("--resume", is_flag=True, help="go on where a sweep into the same table was ended")
@click.option(
    "--scheduler",
    type=_Scheduler(),
    metavar="ADDRESS",
    help="judge on the Dask cluster of this scheduler, tcp://HOST:PORT",
)
@click.option("--html", type=FILE, metavar="F", help="write the trade-off as one page to this file")
def sweep(**options: Any) -> int:
    """Sweep; SCENARIO is a scenario file, or a folder of them."""
    from simulator.cli import sweeping  # which not every command waits for

    return sweeping.sweep(sweeping.Arguments(**options))
