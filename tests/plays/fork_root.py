"""The process that all templates of a test session are forked off: it has everything imported, once for all workers.

`python -m` this module FD takes connections of test processes at the socket FD, and ends when the last one goes. Over
a connection comes the name of a sort of template, with the socket that it is to serve (see
simulator/lab/proxy_template.py), and goes a byte once it does. Templates of `proxies` are lean; those of `commands`
have all imported that any command needs, and are forked off a process of their own, which the first of them begins.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from importlib import import_module
from typing import Never

from simulator.lab import proxy_template
from tests.plays.own_peer import accept_own

DONE = b"!"
_FOR_PROXIES = (
    "proxy.process.asking",
    "proxy.process.monitoring",
    "proxy.process.shared_counts",
    "simulator.load.far_end",
    "simulator.load.generator",
)
_FOR_COMMANDS = (
    *(f"simulator.cli.{name}" for name in ("commands", "comparing", "doctor", "loading", "playing", "pseudonymising")),
    *(f"simulator.cli.{name}" for name in ("reporting", "standing", "storing", "sweeping")),
    "simulator.lab.reputation_source",
    "simulator.softswitch.embedded.softswitch",
    "simulator.stage.web.app",
    "simulator.testing.testbed",
    "distributed.cli.dask_scheduler",
    "distributed.cli.dask_worker",
    *(f"_pytest.{name}" for name in ("assertion.rewrite", "capture", "junitxml", "python", "terminal")),
    "tests.plays.as_command",
)


def main() -> None:
    """Fork templates off until nobody is left who asks for one."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, _bury)
    proxy_template.warm_up()
    _import(_FOR_PROXIES)
    _serve(listener)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        import_module(name)
    gc.collect()
    gc.freeze()


def _bury(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _serve(listener: socket.socket) -> None:
    clients: set[socket.socket] = set()
    for_commands: socket.socket | None = None
    while True:
        ready, _, _ = select.select([listener, *clients], [], [])
        for each in ready:
            if each is listener:
                if client := accept_own(listener):
                    clients.add(client)
                continue
            sort, descriptors, _, _ = socket.recv_fds(each, 64, 1)
            if not sort:
                each.close()
                clients.remove(each)
                continue
            if sort == b"commands":
                if for_commands is None:
                    for_commands = _fork_commands({listener, *clients})
                socket.send_fds(for_commands, [sort], descriptors)
                os.close(descriptors[0])
            else:
                _fork_template(descriptors[0], {listener, *clients, *([for_commands] if for_commands else [])})
            each.send(DONE)
        if not clients:
            return


def _fork_commands(ours: set[socket.socket]) -> socket.socket:
    """Fork the process off that has more imported; it gets what templates are to serve over the socket returned."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork():
        far.close()
        return near
    try:
        for each in (*ours, near):
            each.close()
        _import(_FOR_COMMANDS)
        while (received := socket.recv_fds(far, 64, 1))[0]:
            _fork_template(received[1][0], {far})
    finally:
        os._exit(0)


def _fork_template(descriptor: int, ours: set[socket.socket]) -> None:
    if os.fork():
        os.close(descriptor)
        return
    for each in ours:
        each.close()
    serve_until_alone(socket.socket(fileno=descriptor))


def serve_until_alone(orders: socket.socket) -> Never:
    """Be a template until the other side of the socket goes."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        proxy_template.serve(orders)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
