"""Processes forked off one that has imported all that they need: most of a process's start is that."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tests.plays.proxy_templates import forked_template


class ForkServer:
    """Orders to a template (see simulator/lab/proxy_template.py). `close` ends it, and what was forked off it."""

    def __init__(self, sort: str = "proxies", root: str = "") -> None:
        """Have a template of that sort, forked off the process of that name, which all workers share."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            forked_template(theirs, sort, root)
        self._lock = threading.Lock()
        self.codes: dict[int, int] = {}  # of those that have ended

    @cached_property
    def elsewhere(self) -> ForkServer:
        """One whose processes hash texts otherwise than those of this one, as processes do that are started apart."""
        return ForkServer(root="elsewhere")

    def start(self, config: Path, stderr: int) -> ForkedProcess:
        """Start a proxy as `python -m proxy CONFIG` would."""
        return self.fork("proxy.__main__", [str(config)], {2: stderr})

    def fork(
        self, module: str, arguments: Sequence[str], streams: Mapping[int, int], folder: Path | None = None
    ) -> ForkedProcess:
        """Have `main` of a module called in a process, in that folder or this one, with these standard streams."""
        order = {"module": module, "arguments": [*arguments], "folder": str(folder or Path.cwd())}
        message = json.dumps({**order, "environment": {**os.environ}, "streams": [*streams]}).encode()
        with self._lock:
            socket.send_fds(self._socket, [message], [*streams.values()])
            while (pid := self._hear(30.0)) is None:
                pass
        return ForkedProcess(self, pid)

    def hear(self, within: float) -> None:
        """Read a message that a process has ended, if one comes."""
        with self._lock:
            self._hear(within)

    def _hear(self, within: float) -> int | None:
        """Read a message: the process that was started, or None where one has ended or nothing came."""
        if not select.select([self._socket], [], [], max(0.0, within))[0]:
            return None
        message = json.loads(self._socket.recv(65536))
        if "code" not in message:
            return int(message["pid"])
        self.codes[message["pid"]] = message["code"]
        return None

    def close(self) -> None:
        self._socket.close()
        if "elsewhere" in vars(self):
            self.elsewhere.close()


class ForkedProcess:
    """A forked process, used as one of subprocess."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server

    @property
    def returncode(self) -> int | None:
        """The exit code as far as that is known."""
        return self._server.codes.get(self.pid)

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        self._server.hear(0.0)
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while self.pid not in self._server.codes:
            if (left := deadline - time.monotonic()) <= 0:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            self._server.hear(min(left, 0.05))  # another thread may hear of it
        return self._server.codes[self.pid]

    def send_signal(self, number: int) -> None:
        """Send a signal, which it has got when this returns, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
