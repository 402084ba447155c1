"""Big files are read in a process of their own, which hands over tables in shared memory and ends.

In the proxy's own process calls would wait while Python reads, and what reading needs on the way would stay with it.
That process runs `main`: it takes its order from standard input.
"""

from __future__ import annotations

import errno
import gc
import os
import pickle
import subprocess
import sys
import traceback
from dataclasses import dataclass, replace

from proxy.config.models import ProxyConfig
from proxy.files.shelf import Shelf
from proxy.files.yaml_file import FileErrors
from proxy.process.reading import Contents, read
from proxy.subscribers.storage import path_of

_BIG = 2_000_000  # bytes of all files: about what is read in the time that a process takes to start
_POLITE = 10  # how much less of the processor it gets than the calls
# What was needed for a moment only goes back to the system (glibc's malloc).
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "1048576", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class _Order:
    config: ProxyConfig
    shelf: int  # to put the arrays on
    last_good: tuple[int, bytes] | None  # the contents, and the shelf of their arrays


def are_big(config: ProxyConfig) -> bool:
    """True if reading the files takes so long that it is better done apart."""
    paths = [*config.scam_lists, *([path_of(config.subscribers)] if config.subscribers else [])]
    return sum(path.stat().st_size for path in paths if path.exists()) > _BIG


class Apart:
    """Reads files in processes of their own, one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End the process that reads, if there is one."""
        if self._process is not None:
            self._process.kill()

    def read(self, config: ProxyConfig, last_good: Contents | None = None) -> Contents:
        """Read the files as `reading.read` does. Raises FileErrors, OSError.

        It blocks until the process has ended.
        """
        shelf, last, fds = Shelf(), None, []
        if last_good is not None:
            lasting = last_good.shelf or Shelf()
            last = lasting.fd, lasting.pack(replace(last_good, directory=None, shelf=None))
            fds.append(lasting.fd)
        answer = shelf.unpack(self._answer(_Order(config, shelf.fd, last), [shelf.fd, *fds]))
        if isinstance(answer, Exception):
            raise answer
        shelf.bring_in()
        contents: Contents = replace(answer, shelf=shelf)
        return contents

    def _answer(self, order: _Order, fds: list[int]) -> bytes:
        path = os.pathsep.join(each for each in sys.path if each)
        with subprocess.Popen(  # this very interpreter
            [sys.executable, "-P", "-c", "from proxy.process.apart import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
            env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the proxy
        ) as process:
            self._process = process
            answer, _ = process.communicate(pickle.dumps(order))
        self._process = None
        if process.returncode:
            raise ChildProcessError(errno.ECHILD, f"the process that reads the files ended with {process.returncode}")
        return answer


def _carry_out(order: _Order) -> bytes:
    """The contents of the files, packed, or the error that reading them ended in."""
    last: Contents | None = None
    if order.last_good is not None:
        os.nice(_POLITE)
        fd, packed = order.last_good
        last = Shelf(fd).unpack(packed)
    shelf = Shelf(order.shelf)
    try:
        return shelf.pack(read(order.config, last, shelf.allocate))
    except (FileErrors, OSError) as error:
        return shelf.pack(error)
    except Exception:
        return shelf.pack(RuntimeError(traceback.format_exc()))


def main() -> None:
    """Carry out the order on standard input; the answer goes to standard output."""
    gc.disable()  # nothing here makes cycles, and all of it is soon over
    order: _Order = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  # of the process that started this one
    sys.stdout.buffer.write(_carry_out(order))
