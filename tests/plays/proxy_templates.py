"""A process that templates of proxies are forked off (see simulator/lab/proxy_template.py): one for all of a session.

Each test, stage or thread has a template of its own by it, which costs no more than a fork. `python -m` this module FD
takes the sockets that templates are to serve as file descriptors over the socket FD, and ends with its other side.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

from simulator.lab import proxy_template
from simulator.lab.proxy_forks import ProxyForks
from tests.plays import ROOT

_MORE = (
    "proxy.process.asking",
    "proxy.process.monitoring",
    "proxy.process.shared_counts",
    "simulator.load.far_end",
    "simulator.load.generator",
)


def main() -> None:
    """Fork templates off until the other side goes."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, _bury)
    proxy_template.warm_up()
    for not_always_needed in _MORE:
        import_module(not_always_needed)
    gc.freeze()
    while (received := socket.recv_fds(orders, 1, 1))[0]:
        (descriptor,) = received[1]
        if os.fork():
            os.close(descriptor)
            continue
        orders.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        proxy_template.serve(socket.socket(fileno=descriptor))
        os._exit(0)


def _bury(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


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


def forked_template(theirs: socket.socket) -> ForkedTemplate:
    """Have a template take orders from that socket."""
    socket.send_fds(_templates(), [b"!"], [theirs.fileno()])
    return ForkedTemplate()


@cache
def _templates() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.plays.proxy_templates", str(theirs.fileno())],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait(10)

    atexit.register(end)
    return ours


if __name__ == "__main__":
    main()
