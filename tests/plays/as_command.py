"""Makes a forked process what `python ARGUMENTS` is: its streams, environment, paths, output and end.

Nothing is imported that the template (see fork_root.py) has imported already: what that costs, or hides, is shown by
tests that start Python (see tests/simulator/cli/test_commands.py).
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from simulator.lab import proxy_forks
from simulator.lab.lifeline import end_with
from tests.plays.fork_root import serve_until_alone

_STATUS_UNWRITTEN = 120  # Python's, where its output could not be written in the end


def main(arguments: Sequence[str]) -> int:
    """Do what the command does that the first argument tells of, in JSON; returns its exit code."""
    told = json.loads(arguments[0])
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    tempfile.tempdir = None
    _open_streams(unbuffered=bool(os.environ.get("PYTHONUNBUFFERED")))
    proxy_forks.start_template = _fork_template
    code = _run(told["arguments"])
    threading._shutdown()  # type: ignore[attr-defined]  # as Python does in the end
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        return _STATUS_UNWRITTEN
    return code


def _open_streams(*, unbuffered: bool) -> None:
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    for name, number, errors in (("stdout", 1, "strict"), ("stderr", 2, "backslashreplace")):
        raw = io.FileIO(number, "w", closefd=False)
        written = raw if unbuffered else io.BufferedWriter(raw)
        by_line = number == 2 or raw.isatty()
        text = io.TextIOWrapper(written, errors=errors, line_buffering=by_line, write_through=unbuffered)
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)


def _run(arguments: Sequence[str]) -> int:
    """Do what Python does with these arguments; returns the exit code."""
    try:
        _do([*arguments])
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 0xFF
        print(ended.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _do(arguments: list[str]) -> None:
    safe = arguments[0] == "-P"
    if safe:
        arguments.pop(0)
    if arguments[0] == "-m":
        _, name, *rest = arguments
        sys.argv = [name, *rest]
        if not safe:
            sys.path.insert(0, str(Path.cwd()))
        sys.modules.pop(name, None) if "." in name else sys.modules.pop(f"{name}.__main__", None)
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")


class _Template:
    """A template that was forked off this process, as one of subprocess."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def _fork_template(theirs: socket.socket, *_: str) -> _Template:
    """In the place of simulator.lab.proxy_forks.start_template: this process has imported what a template has."""
    tie = end_with(os.getpid())
    if (pid := os.fork()) == 0:
        if tie is not None:
            tie()
        _be_a_template(theirs)
    return _Template(pid)


def _be_a_template(theirs: socket.socket) -> Never:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _open_streams(unbuffered=False)  # pytest has put its own in their place,
    logging.getLogger().handlers.clear()  # and logs to files
    orders = os.dup2(theirs.detach(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    serve_until_alone(socket.socket(fileno=orders))
