"""A sweep on a Dask cluster: points, and where there are fewer of them than workers parts of the callers, are judged by
the workers; the rows are those of a sweep on this machine. The only import of Dask.

A worker that is lost costs what it had in hand: others do that again. Scheduler and workers need the same Ringfence,
but neither its files nor a disk in common. Whoever can reach a scheduler can have its workers run anything: keep it on
a network that you trust.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from proxy.files.yaml_file import FileErrors
from simulator.errors import LabError
from simulator.judging.accuracy import Confusion
from simulator.offline.bundle import Bundle, Unpacked
from simulator.offline.grid import Point
from simulator.offline.sweep import Part, Row, Sweep
from simulator.wording import takes

MISSING = takes("a Dask cluster", "Dask", "cluster")
_CONNECT = 10.0  # seconds within which the scheduler has to answer
_WORKERS = 60.0  # seconds within which there has to be a worker
_TASKS_PER_WORKER = 4  # so that none waits long for the last one
_MOST_POINTS = 16  # of a task: they share calls that are too many to keep


@dataclass(frozen=True, slots=True)
class Counted:
    """The work of a task: the cells of each point's confusion, by its number, the calls judged, and seconds of CPU."""

    cells: tuple[tuple[int, tuple[int, ...]], ...]
    judged: int
    spent: float


def rows(
    scheduler: str,
    bundle: Bundle,
    points: Collection[Point],
    done: Callable[[int, float], None] = lambda *_: None,
    parts: int | None = None,
) -> Generator[Row, None, None]:
    """A row for each point as soon as it is known. `done` is told of calls judged and of seconds of CPU; `parts` is
    into how many the callers are divided, as many as keep all workers busy where it is None.

    Raises LabError where there is no Dask or no cluster, or where its workers cannot do it.
    """
    try:
        import distributed
    except ImportError:
        raise LabError(MISSING) from None
    for name in ("distributed", "distributed.client"):  # what matters of it is said below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    security: Any = distributed.Security
    if scheduler.startswith("tls:") and security().get_connection_args("client").get("ssl_context") is None:
        raise LabError(f"{scheduler} takes certificates: see distributed.comm.tls in Dask's own configuration")
    try:
        connect: Any = distributed.Client
        client = connect(scheduler, timeout=_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise LabError(f"no Dask scheduler answers at {scheduler}: {error or 'nothing within 10 s'}") from None
    try:
        try:
            client.wait_for_workers(1, timeout=_WORKERS)
        except TimeoutError:
            raise LabError(f"the scheduler at {scheduler} has no workers") from None
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        parts = parts or ceil(workers / max(1, len(points)))
        yield from _gathered(distributed, client, bundle, points, done, parts, workers)
    finally:
        client.close()


def _gathered(
    distributed: Any,
    client: Any,
    bundle: Bundle,
    points: Collection[Point],
    done: Callable[[int, float], None],
    parts: int,
    workers: int,
) -> Iterator[Row]:
    held = client.submit(Bundle, bundle.key, bundle.packed, key=f"ringfence-{bundle.key}")
    by_number = {point.number: point for point in points}
    missing = dict.fromkeys(by_number, parts)
    cells = {number: [0] * len(fields(Confusion)) for number in by_number}
    tasks = [
        client.submit(count, held, some, Part(number, parts), pure=False)
        for number in range(parts)
        for some in _shared(points, workers * _TASKS_PER_WORKER)
    ]
    try:
        for task in distributed.as_completed(tasks, loop=client.loop):
            counted = _result(distributed, task)
            done(counted.judged, counted.spent)
            for number, found in counted.cells:
                cells[number] = [sum(both) for both in zip(cells[number], found, strict=True)]
                missing[number] -= 1
                if not missing[number]:
                    yield Row(number, by_number[number].parameters, Confusion(*cells[number]))
            task.release()
    finally:
        client.cancel(tasks, force=True)


def _shared(points: Collection[Point], tasks: int) -> Iterator[Sequence[Point]]:
    """The points of each task: those that share their subscribers are together."""
    ordered = sorted(points, key=lambda point: (sorted(point.variant.barred.items()), point.number))
    size = max(1, min(_MOST_POINTS, len(ordered) // max(1, tasks)))
    for begin in range(0, len(ordered), size):
        yield ordered[begin : begin + size]


def _result(distributed: Any, task: Any) -> Counted:
    try:
        counted: Counted = task.result()
    except distributed.scheduler.KilledWorker:
        raise LabError("a task was lost with its worker again and again: do workers run out of memory?") from None
    except distributed.client.FutureCancelledError:
        raise LabError("the scheduler gave the sweep up: was it ended?") from None
    except Exception as error:
        raise LabError(f"a worker failed: {error or type(error).__name__}") from error
    return counted


# --- on the workers


_LOCK = Lock()  # threads of a worker take turns: what they judge by is shared
_HELD: dict[str, tuple[TemporaryDirectory[str], Unpacked]] = {}
_SWEEPS: dict[tuple[str, Part], tuple[Sweep, list[int]]] = {}


def count(bundle: Bundle, points: Sequence[Point], part: Part) -> Counted:
    """Judge a part of the calls by the policies of some points. Raises ValueError for a bundle of another Ringfence,
    and where a scam list is wrong."""
    with _LOCK:
        unpacked = _unpacked(bundle)
        if (bundle.key, part) not in _SWEEPS:
            _SWEEPS.clear()  # one is kept: calls take memory
            judged: list[int] = []
            _SWEEPS[bundle.key, part] = unpacked.sweep(part, judged.append), judged
        sweep, judged = _SWEEPS[bundle.key, part]
        judged.clear()
        began = time.thread_time()
        try:
            rows = sweep.rows([unpacked.moved(point) for point in points])
            found = tuple((row.number, astuple(row.confusion)) for row in rows)
        except FileErrors as errors:  # which do not travel
            raise ValueError("; ".join(map(str, errors.errors))) from None
        return Counted(found, sum(judged), time.thread_time() - began)


def _unpacked(bundle: Bundle) -> Unpacked:
    if bundle.key not in _HELD:
        _HELD.clear()
        folder = TemporaryDirectory(prefix="ringfence-sweep-")
        _HELD[bundle.key] = folder, bundle.unpack(Path(folder.name))
    return _HELD[bundle.key][1]
