"""The `ringfence` command line: run, compare, sweep, serve, report, proxy, explain, lint, subscribers, softswitch,
schema and doctor.

A run's proxies, and what a load is made of, are forked off a process that takes as long to start as this one: the two
start side by side.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.lab.proxy_forks import ProxyForks

_WITH_PROXIES = ("run", "compare", "serve", "load")
_WITHOUT = frozenset(("--offline", "--help", "-h"))  # options with which these have none


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_streams()
    try:
        with _forks(arguments) as forks:
            from simulator.cli import commands  # which imports all the rest

            return commands.main(arguments, forks)
    except KeyboardInterrupt:  # while all the rest is imported
        return 130


def _open_streams() -> None:
    """Have the standard streams that are closed (`>&-`) lead nowhere: else what is opened next would get their
    numbers."""
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(nowhere, True)
    os.close(nowhere)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def _forks(arguments: Sequence[str]) -> AbstractContextManager[ProxyForks | None]:
    command = arguments[0] if arguments else ""
    if command not in _WITH_PROXIES or not _WITHOUT.isdisjoint(arguments):
        return nullcontext()
    from simulator.lab.proxy_forks import proxy_forks

    return proxy_forks(*(("simulator.load.generator", "simulator.load.far_end") if command == "load" else ()))


if __name__ == "__main__":
    sys.exit(main())
