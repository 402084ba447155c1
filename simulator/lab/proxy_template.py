"""A process that has imported all that a proxy needs; each proxy of a run is forked off it (Linux).

Starting Python and importing takes most of a proxy's start. The template does it once, while scenarios are read, and
then waits for orders: it uses no CPU while calls are played. A forked proxy is what `python -m proxy CONFIG` is, with a
process group, signals and random numbers of its own.

`python -m simulator.proxy_template FD` speaks JSON datagrams over the socket FD: {"config": PATH, "folder": where the
proxy stands}, with the file descriptor of a stderr, is answered with {"pid": N}; {"pid": N, "signal": S} is passed on;
{"pid": N, "code": C} tells that a proxy has ended. It ends, and what it forked with it, when the other side of the
socket is closed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, Never

from proxy import __main__ as proxy_main
from proxy.numbers.numbering import Numbering
from simulator.lab.lifeline import end_with

_LARGEST = 65536  # bytes of an order


def main() -> None:
    """Load all that a proxy needs, and serve."""
    warm_up()
    serve(socket.socket(fileno=int(sys.argv[1])))


def warm_up() -> None:
    """Load what a proxy loads only when it reads its config: the numbering plans of all countries, and uvloop."""
    Numbering("CN")
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401
    gc.collect()


def serve(orders: socket.socket) -> None:
    """Fork proxies off until the other side goes."""
    wake, woken = os.pipe()  # written to when a child ends
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    proxies: set[int] = set()
    while True:
        ready: list[int] = select.select([orders.fileno(), wake], [], [])[0]
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            for pid in [*proxies]:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    proxies.remove(pid)
                    _send(orders, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})
        if orders.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, 1)
            if not data:
                return
            order = json.loads(data)
            if "config" in order:
                proxies.add(pid := _fork(order, descriptors[0], [orders.fileno(), wake, woken]))
                os.close(descriptors[0])
                _send(orders, {"pid": pid})
            elif order["pid"] in proxies:
                os.kill(order["pid"], order["signal"])


def _send(orders: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the next turn of the loop finds the other side gone
        orders.send(json.dumps(message).encode())


def _fork(order: dict[str, str], stderr: int, ours: list[int]) -> int:
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_a_proxy(order, stderr, ours, template)
    return pid


def _be_a_proxy(order: dict[str, str], stderr: int, ours: list[int], template: int) -> Never:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if (tie := end_with(template)) is not None:
            tie()
        os.dup2(stderr, 2)
        for descriptor in (stderr, *ours):
            os.close(descriptor)
        os.chdir(order["folder"])
        sys.argv = [str(Path(proxy_main.__file__)), order["config"]]
        code = proxy_main.main([order["config"]])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
