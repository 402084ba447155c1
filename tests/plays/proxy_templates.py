"""Templates that proxies and commands are forked off (see simulator/lab/proxy_template.py), for each who wants one.

They are forked off one process, which all workers of a test session share (see fork_root.py): a template of one's own
costs no more than a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from simulator.lab.proxy_forks import ProxyForks
from tests.plays import ROOT
from tests.plays.fork_root import DONE

_PATIENCE = 60.0  # seconds


class ForkedTemplate:
    """A template, which ends by itself once nobody is left to give it orders."""

    def kill(self) -> None:
        """Leave it to end."""

    def wait(self) -> int:
        """Leave it to end."""
        return 0


@contextmanager
def forked_proxies() -> Iterator[ProxyForks | None]:
    """Have proxies forked meanwhile, off a template that nobody else uses; None where processes are not forked."""
    if sys.platform != "linux":
        yield None
        return
    forks = ProxyForks(forked_template)
    try:
        yield forks
    finally:
        forks.close()


def forked_template(theirs: socket.socket, sort: str = "proxies", root: str = "") -> ForkedTemplate:
    """Have a template of that sort (see fork_root.py) take orders from that socket, forked off the `root` of that name:
    what is forked off another hashes texts otherwise."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(ConnectionError):  # it was about to end, as nobody else needed it
            socket.send_fds(_root(root), [sort.encode()], [theirs.fileno()])
            if _root(root).recv(1) == DONE:
                return ForkedTemplate()
        _root.cache_clear()
        assert time.monotonic() < deadline, "there is no process that templates are forked off"


@cache
def _root(which: str) -> socket.socket:
    """A connection to the process that templates are forked off, which the first who needs it starts."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    name = f"\0ringfence-tests-{os.getuid()}-{session}-{which}"
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(name)
        except ConnectionRefusedError:
            connection.close()
            _start_root(name)
        else:
            atexit.register(connection.close)
            return connection


def _start_root(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            listener.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            time.sleep(0.001)  # another worker is about to listen
            return
        listener.listen(64)
        root = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.plays.fork_root", str(listener.fileno())],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    root.returncode = 0  # it ends when all workers have, and is waited for by none
