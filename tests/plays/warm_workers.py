"""Workers of pytest-xdist that are forked off one process, which has imported and collected all tests: most of a
worker's start is that (Linux; elsewhere, and where that process fails, workers start as ever).

The controller starts `run` in a Python of its own. That is a session of pytest as a worker has it, up to the loop that
runs tests: there a worker is forked off for each who asks for one (see warm_python.py, which xdist starts in the place
of Python). It is told by xdist's own code who it is, beside the session, and runs the loop as xdist does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import _pytest.config
import _pytest.tmpdir
import pytest

if TYPE_CHECKING:
    from execnet import XSpec

_PATIENCE = 10.0  # seconds
_PYTHON = Path(__file__).with_name("warm_python.py")
_CODE = "import runpy, sys; runpy.run_path(sys.argv[1])['run']()"
_FORKED = b"!"  # see warm_python.py


def fork_workers(config: pytest.Config, specs: list[XSpec], workerinput: dict[str, Any]) -> None:
    """Have the workers of these specifications forked. `workerinput` is what all have in theirs."""
    from xdist.plugin import _sys_path

    name = f"ringfence-workers-{os.getpid()}-{secrets.token_hex(8)}"
    arguments = [str(each) for each in config.invocation_params.args]
    told = {"arguments": arguments, "path": _sys_path, "workerinput": workerinput}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{name}")
        listener.listen(len(specs))
        command = [sys.executable, "-c", _CODE, __file__, str(listener.fileno())]
        warm = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[listener.fileno()])
    assert warm.stdin is not None
    warm.stdin.write(json.dumps(told).encode() + b"\n")
    warm.stdin.flush()  # it is closed at the end: the process ends once it is, and its workers have ended
    config.add_cleanup(lambda: _end(warm))
    for spec in specs:
        if spec.popen and not (spec.python or spec.chdir):
            spec.python = shlex.join([sys.executable, "-I", "-S", str(_PYTHON), name])


def _end(warm: subprocess.Popen[bytes]) -> None:
    try:
        warm.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        warm.kill()
        warm.wait()


def run() -> None:
    """Collect tests as a worker of xdist does, and fork workers off."""
    told = json.loads(sys.stdin.readline())
    control, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.path[:] = told["path"]
    forks = Forks(socket.socket(fileno=int(sys.argv[2])), control)
    try:
        config = _pytest.config._prepareconfig(told["arguments"], [forks])

        from xdist.remote import setup_config  # not before pytest has met xdist

        setup_config(config, None)
        config.workerinput = told["workerinput"]  # type: ignore[attr-defined]
        config.workeroutput = {}  # type: ignore[attr-defined]
        config.hook.pytest_cmdline_main(config=config)
    except BaseException as error:
        forks.end(error)
    forks.end()


class Forks:
    """The plugin of pytest's that forks workers off once all tests are collected, and then is in each of them."""

    def __init__(self, listener: socket.socket, control: int) -> None:
        self._listener = listener
        self._control = control
        self._told: list[tuple[str, dict[str, Any]]] = []  # hooks that xdist tells the controller of
        self._interactor: Any = None  # xdist's, in a worker
        self._known, self._done = threading.Event(), threading.Event()
        self._gateway: threading.Thread | None = None
        self._error: BaseException | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._told.append(("pytest_sessionstart", {"session": session}))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._told.append(("pytest_collectreport", {"report": report}))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._told.append(("pytest_collection_finish", {"session": session}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork workers off; in each of them, do what xdist does."""
        gc.collect()
        gc.freeze()
        code = self._serve()
        self._gateway = threading.Thread(target=self._meet_controller, args=(session.config, code), daemon=True)
        self._gateway.start()
        self._known.wait()
        if self._interactor is None:
            os._exit(1)  # the controller has gone
        sys.argv = ["-c"]
        _become_another(session.config)
        for hook, arguments in self._told:
            getattr(self._interactor, hook)(**arguments)
        return bool(self._interactor.pytest_runtestloop(session))

    def _serve(self) -> str:
        """Fork workers off, and return in each of them the code that it is to run; elsewhere end with the controller,
        once all workers have ended."""
        from tests.plays.own_peer import accept_own

        wake, woken = os.pipe()  # written to when a worker ends
        for end in (wake, woken):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        workers: dict[socket.socket, int] = {}
        waiting: list[int | socket.socket] = [self._control, wake, self._listener]
        while workers or self._control in waiting:
            ready: list[Any] = select.select([*waiting, *workers], [], [])[0]
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake, 4096)
                _tell_of_ends(workers)
            if self._control in ready:
                waiting.remove(self._control)
            for gone in workers.keys() & ready:
                os.kill(workers[gone], signal.SIGKILL)  # who has asked for it was killed
            if self._listener in ready and (connection := accept_own(self._listener)):
                code, streams, _, _ = socket.recv_fds(connection, 4096, 3)
                if (pid := _fork()) == 0:
                    for each in (connection, self._listener, *workers):
                        each.close()
                    for number, stream in enumerate(streams):
                        os.dup2(stream, number)
                    for descriptor in (*streams, self._control, wake, woken):
                        os.close(descriptor)
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                    return code.decode()
                workers[connection] = pid
                for stream in streams:
                    os.close(stream)
                with contextlib.suppress(OSError):
                    connection.send(_FORKED)
        os._exit(0)

    def _meet_controller(self, config: pytest.Config, code: str) -> None:
        """Be the main thread that execnet knows, which xdist has prepare a session: there is one."""
        streams, prepare = (sys.stdin, sys.stdout), _pytest.config._prepareconfig

        def prepared(*_: object) -> pytest.Config:
            sys.stdin, sys.stdout = streams
            _pytest.config._prepareconfig = prepare
            return config

        _pytest.config._prepareconfig = prepared  # type: ignore[assignment]
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
        try:
            exec(code, {"__name__": "__main__"})  # noqa: S102 - the controller's own
        finally:
            self._known.set()

    def pytest_plugin_registered(self, plugin: object) -> None:
        if type(plugin).__name__ == "WorkerInteractor":
            self._interactor = plugin

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self) -> int | None:
        """Leave the rest to this session once xdist has prepared a worker's, beside it."""
        if self._gateway is None:
            return None
        self._known.set()
        self._done.wait()
        if self._error is not None:
            raise self._error
        return 0

    def end(self, error: BaseException | None = None) -> Never:
        """End the worker, once the controller says so, which hears of the error; or the process that forks them."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._error = error
        self._done.set()
        if self._gateway is not None:
            self._gateway.join()
        elif isinstance(error, Exception) and not isinstance(error, pytest.UsageError):  # which workers find as well
            traceback.print_exception(error)
        threading._shutdown()  # type: ignore[attr-defined]  # as Python does in the end
        atexit._run_exitfuncs()
        os._exit(0)


def _become_another(config: pytest.Config) -> None:
    """Make anew what plugins made before it was known which worker this is."""
    from tests.plays.lost_workers import ask_once_lost

    _pytest.tmpdir.pytest_configure(config)
    counts: Any = getattr(config, "failures_db", None)  # of pytest-rerunfailures
    if hasattr(counts, "sock"):
        told = config.workerinput  # type: ignore[attr-defined]
        config.failures_db = type(counts)(told["sock_port"], told["statusdb_token"])  # type: ignore[attr-defined]
    ask_once_lost(config)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # there may be threads for matrices, of which there are none
        return os.fork()


def _tell_of_ends(workers: dict[socket.socket, int]) -> None:
    for connection, pid in [*workers.items()]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del workers[connection]
            with connection, contextlib.suppress(OSError):
                connection.send(str(os.waitstatus_to_exitcode(status)).encode())
