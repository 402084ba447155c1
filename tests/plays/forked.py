"""Commands in processes of their own, started as `subprocess` does: `forked.run([sys.executable, "-m", "simulator"])`.

They are forked off a process that has imported what they need (see fork_root.py), where processes are forked: starting
Python and importing takes most of a command's time. They are in a session of their own each.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import IO, Any, Self

from tests.plays.fork_server import ForkedProcess, ForkServer

_PATIENCE = 110.0  # seconds: less than a test has


class Command(ForkedProcess):
    """A command, used as `subprocess.Popen[str]`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int = DEVNULL,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> None:
        self.args = [*command]
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        told = {"arguments": self.args[1:], "env": dict(os.environ if env is None else env)}
        with ExitStack() as stack:
            streams: dict[int, int] = {}
            for number, asked in enumerate((stdin, stdout, stderr)):
                if asked == PIPE:
                    reading, streams[number] = os.pipe()
                    stack.callback(os.close, streams[number])
                    setattr(self, ("stdin", "stdout", "stderr")[number], os.fdopen(reading, encoding="utf-8"))
                elif asked == DEVNULL:
                    streams[number] = os.open(os.devnull, os.O_RDWR)
                    stack.callback(os.close, streams[number])
                elif asked == STDOUT:
                    streams[number] = streams[1]
                else:
                    streams[number] = number if asked is None else asked if isinstance(asked, int) else asked.fileno()
            server = _server()
            started = server.fork("tests.plays.as_command", [json.dumps(told)], streams, cwd and Path(cwd).absolute())
        super().__init__(server, started.pid)

    def communicate(self, timeout: float = _PATIENCE) -> tuple[str, str]:
        """Return what it writes until its end, once; raises subprocess.TimeoutExpired."""
        pipes = [each if each is not None and not each.closed else None for each in (self.stdout, self.stderr)]
        with ThreadPoolExecutor(2) as readers:
            written = [readers.submit(each.read) if each else None for each in pipes]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, err = ("" if each is None else each.result() for each in written)
        self._close()
        return out, err

    def _close(self) -> None:
        for each in (self.stdout, self.stderr):
            if each is not None:
                each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self._close()


Started = Command | subprocess.Popen[str]


def start(command: Sequence[str], **how: Any) -> Started:
    """Start it, as `subprocess.Popen(command, text=True, **how)` does."""
    if sys.platform != "linux":
        return subprocess.Popen(command, text=True, **how)
    return Command(command, **how)


def run(command: Sequence[str], *, timeout: float = _PATIENCE, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end, as `subprocess.run(command, capture_output=True, text=True, **how)` does."""
    process = start(command, **{"stdout": PIPE, "stderr": PIPE, **how})
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode is not None
    return subprocess.CompletedProcess([*command], process.returncode, out, err)


@cache
def _server() -> ForkServer:
    server = ForkServer("commands")
    atexit.register(server.close)
    return server
