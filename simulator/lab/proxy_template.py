"""A process that has imported all that a proxy needs; each proxy of a run is forked off it (Linux), and so are the
generators and the far end of a load.

Starting Python and importing takes most of a process's start. The template does it once, while scenarios are read, and
then waits for orders: it uses no CPU while calls are played. A forked proxy is what `python -m proxy CONFIG` is, with a
process group, signals and random numbers of its own.

`python -m simulator.lab.proxy_template FD MODULE...` speaks JSON datagrams over the socket FD, and has these modules
imported too. {"module": NAME, "arguments": [...], "folder": where the process stands, "environment": {...}, "streams":
[...]}, with file descriptors for these standard streams, is answered with {"pid": N}, and the module's `main` is called
with the arguments; {"pid": N, "code": C} tells that a process has ended. It ends, and what it forked with it, when the
other side of the socket is closed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, Never

import proxy.__main__  # noqa: F401 - which each proxy needs
from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.engine import Policy
from proxy.presets import preset
from proxy.process.loading import load, make_desk
from proxy.subscribers.changes import Overlay
from simulator.lab.lifeline import end_with

_LARGEST = 1 << 18  # bytes of an order, which has all the environment; what is larger is not sent
_STREAMS = 3  # that an order may have
_CONFIG = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
home: CN
preset: cn
trunks: {international: {match: [127.0.1.0/24], kind: international}}
subscribers: subscribers.yaml
scam_lists: [list.csv]
"""
_FILES = {
    "proxy.yaml": _CONFIG,
    "subscribers.yaml": 'subscribers: [{number: "+8613800138001", barring: {incoming_international: on}}]\n',
    "list.csv": "number,category\n+23224*,wangiri\n",
}


def main() -> None:
    """Load all that is needed, and serve."""
    for name in sys.argv[2:]:
        import_module(name)
    warm_up()
    serve(socket.socket(fileno=int(sys.argv[1])))


def warm_up() -> None:
    """Load what a proxy loads only when it reads its config, by reading one: presets, the numbering plans and dialling
    codes of all countries, and uvloop. Garbage collections of what is forked leave it alone."""
    # Where no file can be made each proxy loads all that by itself.
    with contextlib.suppress(OSError, FileErrors), tempfile.TemporaryDirectory() as folder:
        for name, text in _FILES.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        config = load_config(Path(folder, "proxy.yaml"))
        Policy(load(config, Overlay()).snapshot)
        make_desk(config, Overlay())
        for each in map(preset.load, preset.names()):
            for home in each.home_regions:
                preset.numbering(home, each)
    argparse.ArgumentParser()
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket) -> None:
    """Fork processes off until the other side goes."""
    wake, woken = os.pipe()  # written to when a child ends
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: set[int] = set()
    while True:
        ready: list[int] = select.select([orders.fileno(), wake], [], [])[0]
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            for pid in [*running]:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    running.remove(pid)
                    _send(orders, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})
        if orders.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, _STREAMS)
            if not data:
                return
            order = json.loads(data)
            running.add(pid := _fork(order, descriptors, [orders.fileno(), wake, woken]))
            for each in descriptors:
                os.close(each)
            _send(orders, {"pid": pid})


def _send(orders: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the next turn of the loop finds the other side gone
        orders.send(json.dumps(message).encode())


def _fork(order: dict[str, Any], descriptors: list[int], ours: list[int]) -> int:
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_it(order, descriptors, ours, template)
    return pid


def _be_it(order: dict[str, Any], descriptors: list[int], ours: list[int], template: int) -> Never:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if (tie := end_with(template)) is not None:
            tie()
        for stream, descriptor in zip(order["streams"], descriptors, strict=True):
            os.dup2(descriptor, stream)
        for descriptor in (*descriptors, *ours):
            os.close(descriptor)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        module = import_module(order["module"])
        sys.argv = [str(module.__file__), *order["arguments"]]
        code = module.main(order["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
