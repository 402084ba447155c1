"""`ringfence schema ...`."""

from __future__ import annotations

import json

import click

from simulator.cli.grammar import Command, OneOf

_HELP = """\
Print the JSON schema of a file format, for editors that complete and check YAML with it; of a scenario, where no format
is named. FORMAT is scenario, config, subscribers, policy, sweep, lesson or reputation, which is what a remote source
answers; and of what Ringfence writes: result (`run --json`), comparison (`compare --json`), explanation (`explain`),
load, manifest, metrics, and lines of calls, events, call-records (the proxy's own), messages, load-seconds, sweep-rows
(a sweep that was not ended).
"""
_EXAMPLE = """\
example:
  ringfence schema scenario > scenario.schema.json
"""
_READ = ("scenario", "config", "subscribers", "policy", "sweep", "lesson", "reputation")
_WRITTEN = (
    *("result", "comparison", "explanation", "load", "manifest", "metrics"),
    *("calls", "events", "call-records", "messages", "load-seconds", "sweep-rows"),
)


@click.command("schema", Command, help=_HELP, epilog=_EXAMPLE, short_help="print the JSON schema of a file format")
@click.argument("format_", metavar="[FORMAT]", type=OneOf((*_READ, *_WRITTEN)), default="scenario")
def schema(format_: str) -> int:
    """Print it."""
    from simulator.report import files

    print(json.dumps(files.SCHEMAS[format_](), indent=2))
    return 0
