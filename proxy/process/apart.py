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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from proxy.config.models import ProxyConfig
from proxy.files.shelf import Shelf
from proxy.files.yaml_file import FileErrors
from proxy.process.reading import Contents, Room, read
from proxy.subscribers.storage import path_of

_BIG = 2_000_000  # bytes of all files: about what is read in the time that a process takes to start
_POLITE = 10  # how much less of the processor it gets than the calls
# What was needed for a moment only goes back to the system (glibc's malloc).
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "1048576", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class _Order:
    config: ProxyConfig
    people: int  # the shelves to put the arrays on
    lists: int
    last_good: tuple[int, bytes] | None  # the contents without subscribers, and the shelf of their arrays


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
        the other, beside the calls.
        """
        if last_good is not None:
            return self._read(config, last_good)
        with ThreadPoolExecutor(2) as pool:
            people, lists = pool.map(
                self._read, (config.model_copy(update=less) for less in ({"scam_lists": ()}, {"subscribers": None}))
            )
        extents = (*people.extents, *lists.extents)
        return replace(lists, directory=people.directory, people=people.people, extents=extents)

    def _read(self, config: ProxyConfig, last_good: Contents | None = None) -> Contents:
        people, lists, last = Shelf(), Shelf(), None
        fds = [people.fd, lists.fd]
        if last_good is not None:
            lasting = last_good.lists or Shelf()
            last = lasting.fd, lasting.pack(replace(last_good, directory=None, people=None, lists=None))
            fds.append(lasting.fd)
        answer = pickle.loads(self._answer(_Order(config, people.fd, lists.fd, last), fds))  # noqa: S301  # our own
        if isinstance(answer, Exception):
            raise answer
        packed_directory, packed = answer
        directory, contents = people.unpack(packed_directory), lists.unpack(packed)
        for shelf in (people, lists):
            shelf.bring_in()
        if directory is None and last_good is not None:
            directory, people = last_good.directory, last_good.people or people
        read: Contents = replace(contents, directory=directory, people=people, lists=lists)
        return read

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
            self._processes.append(process)
            answer, _ = process.communicate(pickle.dumps(order))
            self._processes.remove(process)
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
    people, lists = Shelf(order.people), Shelf(order.lists)
    answer: tuple[bytes, bytes] | Exception
    try:
        contents = read(order.config, last, Room(people.allocate, lists.allocate))
        answer = people.pack(contents.directory), lists.pack(replace(contents, directory=None))
    except (FileErrors, OSError) as error:
        answer = error
    except Exception:
        answer = RuntimeError(traceback.format_exc())
    return pickle.dumps(answer)


def main() -> None:
    """Carry out the order on standard input; the answer goes to standard output."""
    gc.disable()  # nothing here makes cycles, and all of it is soon over
    order: _Order = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  # of the process that started this one
    sys.stdout.buffer.write(_carry_out(order))
