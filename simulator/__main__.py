"""The `ringfence` command line: run, compare, sweep, serve, report, proxy, explain, lint, subscribers, softswitch,
schema and doctor.

A run's proxies are forked off a process that takes as long to start as this one: the two start side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext

from simulator.lab.proxy_forks import proxy_forks


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with proxy_forks() if arguments[:1] in (["run"], ["compare"], ["serve"]) else nullcontext() as forks:
            from simulator.cli import commands  # which imports all the rest

            return commands.main(arguments, forks)
    except KeyboardInterrupt:  # while all the rest is imported
        return 130


if __name__ == "__main__":
    sys.exit(main())
