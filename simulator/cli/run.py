"""`ringfence run ...`."""

from __future__ import annotations

from typing import Any

import click

from simulator.cli.grammar import FILE, Command, OneOf, WholeNumber
from simulator.cli.pseudonym_option import pseudonym_option

_HELP = """\
Play scenarios: labelled calls pass the proxy on their way to a softswitch and a phone. The summary says how many
were judged rightly and what the check cost in time; runs/latest has every detail. The folder of a run plays that run
again: the same calls, from the same seed. Where -k chooses a part of a
scenario, its thresholds are left out: each call is judged by its `expect` or its truth.
"""
_EXAMPLES = """\
examples:
  ringfence run scenarios
  ringfence run scenarios/wangiri.yaml --seed 11
  ringfence run runs/latest
  ringfence run scenarios -k 'wangiri and not family' --junit result.xml --json result.json
"""
_SELECT = "only names that match, such as 'wangiri and not family'; a part of a scenario is held to no threshold"
_SWITCH = "embedded: in this process (default, but for a run's folder: as then); docker: Asterisk in a container"
_MESSAGES = "SIP messages to leave in messages.bin: of no call, of failed ones (default), or all, registrations too"

_GITHUB = "print annotations for GitHub Actions, and append to the step's summary; by itself where GITHUB_ACTIONS=true"
_PCAP = "leave messages.pcap for Wireshark, tshark and sngrep: of no call (default), of failed ones, or of all"


@click.command("run", Command, help=_HELP, epilog=_EXAMPLES, short_help="play scenarios and report")
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="PATH...")
@click.option("-k", "select", metavar="EXPR", help=_SELECT)
@click.option("--seed", type=WholeNumber(), metavar="N", help="plan the calls from this seed, not the scenario's")
@click.option("--softswitch", type=OneOf(("embedded", "docker")), help=_SWITCH)
@click.option("--messages", type=OneOf(("never", "failed", "all")), default="failed", help=_MESSAGES)
@click.option("--pcap", type=OneOf(("never", "failed", "all")), default="never", help=_PCAP)
@click.option("--parquet", is_flag=True, help="leave calls.parquet, a table of the calls, in the folder of the run")
@click.option("--json", type=FILE, metavar="F", help="write the result as JSON to this file")
@click.option("--junit", type=FILE, metavar="F", help="write the result as JUnit XML to this file")
@click.option("--html", type=FILE, metavar="F", help="write the report as one page to this file")
@pseudonym_option
@click.option("--github/--no-github", default=None, help=_GITHUB)
@click.pass_obj
def run(forks: Any, /, **options: Any) -> int:
    """Play scenarios; PATH is a scenario file, a folder of them, or the folder of a run to play again."""
    from simulator.cli import playing  # which imports the lab

    return playing.run(playing.Arguments(forks=forks, **options))
