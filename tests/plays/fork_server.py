"""Proxies forked off one process that has imported all that they need: most of a proxy's start is that."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.plays.proxy_templates import forked_template


class ForkServer:
    """Orders to a process of simulator/lab/proxy_template.py. `close` ends it, and the proxies with it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            forked_template(theirs)
        self.codes: dict[int, int] = {}  # of those that have ended

    def start(self, config: Path, stderr: int) -> ForkedProxy:
        """Start a proxy as `python -m proxy CONFIG` would."""
        order = {"module": "proxy.__main__", "arguments": [str(config)], "folder": str(Path.cwd()), "streams": [2]}
        socket.send_fds(self._socket, [json.dumps(order).encode()], [stderr])
        while (pid := self.hear(30.0)) is None:
            pass
        return ForkedProxy(self, pid)

    def hear(self, within: float) -> int | None:
        """Read a message: the process that was started, or None where one has ended or nothing came."""
        if not select.select([self._socket], [], [], max(0.0, within))[0]:
            return None
        message = json.loads(self._socket.recv(65536))
        if "code" not in message:
            return int(message["pid"])
        self.codes[message["pid"]] = message["code"]
        return None

    def tell(self, pid: int, number: int) -> None:
        """Send a signal to a proxy, unless it has ended."""
        self._socket.send(json.dumps({"pid": pid, "signal": number}).encode())

    def close(self) -> None:
        self._socket.close()


class ForkedProxy:
    """A forked process, used as one of subprocess."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        self._server.hear(0.0)
        return self._server.codes.get(self.pid)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while self.pid not in self._server.codes:
            if (left := deadline - time.monotonic()) <= 0:
                raise subprocess.TimeoutExpired(f"proxy {self.pid}", timeout)
            self._server.hear(left)
        return self._server.codes[self.pid]

    def send_signal(self, number: int) -> None:
        self._server.tell(self.pid, int(number))

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
