"""`ringfence compare A B SCENARIO...`: two policies on the same calls."""

from __future__ import annotations

from typing import Any

import click

from simulator.cli.grammar import FILE, Command, OneOf, WholeNumber
from simulator.cli.pseudonym_option import pseudonym_option

_HELP = """\
Play the same calls with two policies, A and B, and say what changed. A policy is a preset (cn), a file (a policy, a
proxy config or a scenario) or `own`, the scenario's; then changes, all parted by commas: RULE=enforce, shadow or off,
preset=NAME, scam_list.min_confidence=N, barred.SERVICE=SHARE. What a policy does not say stays as the scenario has it.
Both are played on the wire, one after the other; with --offline they only decide, which takes a moment for a million
calls.
"""
_EXAMPLES = """\
examples:
  ringfence compare own own,anonymous.reject=shadow scenarios --offline
  ringfence compare cn default scenarios/wangiri.yaml --fail-if 'recall drops > 0.01'
  ringfence compare own policy.yaml scenarios --offline --fail-if 'changed > 0' --markdown comment.md
"""
_FAIL_IF = (
    "end with code 99 where this is so, such as 'recall drops > 0.01' or 'p99 added rises > 2ms'; may be repeated"
)
_SWITCH = "embedded: in this process (default); docker: Asterisk in a container, which is built and started"


@click.command("compare", Command, help=_HELP, epilog=_EXAMPLES, short_help="play two policies on the same calls")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="SCENARIO...")
@click.option("--offline", is_flag=True, help="only decide, without a wire: no delays are measured")
@click.option("-k", "select", metavar="EXPR", help="only names that match, such as 'wangiri and not family'")
@click.option("--seed", type=WholeNumber(), metavar="N", help="plan the calls from this seed, not the scenario's")
@click.option("--softswitch", type=OneOf(("embedded", "docker")), default="embedded", help=_SWITCH)
@click.option("--fail-if", "conditions", multiple=True, metavar="EXPR", help=_FAIL_IF)
@click.option("--json", type=FILE, metavar="F", help="write the comparison as JSON to this file")
@click.option("--markdown", type=FILE, metavar="F", help="write it as Markdown, for a pull request, to this file")
@click.option("--html", type=FILE, metavar="F", help="write it as one page to this file")
@pseudonym_option
@click.pass_obj
def compare(forks: Any, /, **options: Any) -> int:
    """Compare two policies; SCENARIO is a scenario file, or a folder of them."""
    from simulator.cli import comparing  # which imports the lab

    return comparing.compare(comparing.Arguments(forks=forks, **options))
