"""Big files are read by processes of their own, which hand over tables in shared memory and end.

In the proxy's own process calls would wait while Python reads, and what reading needs on the way would stay with it.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from proxy.config.models import ProxyConfig
from proxy.files.shelf import Shelf
from proxy.process.reader import COMMAND
from proxy.process.reading import Contents, Piece, pieces, put_together
from proxy.subscribers.storage import path_of

_BIG = 2_000_000  # bytes of all files: about what is read in the time that a process takes to start
# What was needed for a moment only goes back to the system (glibc's malloc).
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "524288", "OPENBLAS_NUM_THREADS": "1"}


def are_big(config: ProxyConfig) -> bool:
    """True if reading the files takes so long that it is better done apart."""
    paths = [*config.scam_lists, *([path_of(config.subscribers)] if config.subscribers else [])]
    return sum(path.stat().st_size for path in paths if path.exists()) > _BIG


class Apart:
    """Reads files in processes of their own."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def stop(self) -> None:
        """End the processes that read, if there are any."""
        for process in self._processes:
            process.kill()

    def read(self, config: ProxyConfig, last_good: Contents | None = None) -> Contents:
        """Read the files as `reading.read` does. Raises FileErrors, OSError.

        It blocks until all is read. At the start subscribers and scam lists are read at the same time; later one after
        the other, beside the calls and in less memory.
        """
        do = partial(self._do, given=last_good.lists if last_good else None, calls_first=last_good is not None)
        work: Callable[..., Any] = map
        with ThreadPoolExecutor(2) as pool:
            if last_good is None:
                work = pool.map
            (people, people_shelf), (scam_list, list_shelf) = work(do, pieces(config, last_good))
        contents = put_together(people, scam_list, last_good)
        if last_good is not None and contents.directory is last_good.directory:
            people_shelf = last_good.people
        return replace(contents, people=people_shelf, lists=list_shelf)

    def _do(self, piece: Piece, given: Shelf | None, *, calls_first: bool) -> tuple[Any, Shelf]:
        """The value that a piece of work returns, and the shelf of its arrays."""
        work, arguments, has_files = piece
        if not has_files:
            return work(*arguments), Shelf()
        given, made = given or Shelf(), Shelf()
        order = given.pack((work, arguments))
        path = os.pathsep.join(each for each in sys.path if each)
        with subprocess.Popen(  # noqa: S603  # this very interpreter
            [sys.executable, "-P", "-c", COMMAND, str(given.fd), str(made.fd), str(int(calls_first))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(given.fd, made.fd),
            env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the proxy
        ) as process:
            self._processes.append(process)
            answer, _ = process.communicate(order)
            self._processes.remove(process)
        if process.returncode:
            raise ChildProcessError(errno.ECHILD, f"the process that reads the files ended with {process.returncode}")
        value = made.unpack(answer)
        if isinstance(value, Exception):
            raise value
        made.bring_in()
        return value, made
