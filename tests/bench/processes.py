"""Processes of the bench: started on their own processors, measured by what /proc tells, ended on the way out."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

_PROCESSORS = sorted(os.sched_getaffinity(0))
ALL = _PROCESSORS
ITS_OWN, THEIRS = _PROCESSORS[-1:], _PROCESSORS[:-1] or _PROCESSORS
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def process_tree(pid: int) -> list[int]:
    """`pid` and all its descendants, parents first."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):  # of each of its threads
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.extend(int(child) for child in children.read_text().split())
    return found


def cpu_seconds(pid: int) -> tuple[float, float]:
    """User and system seconds used so far by `pid` and its descendants, all their threads included."""
    user = system = 0
    for each in process_tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / CLOCK_TICKS, system / CLOCK_TICKS


def ended_children_cpu() -> float:
    """User + system seconds of the children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident_kib(pid: int) -> int:
    """Resident memory of `pid` and its descendants; pages they share count for each."""
    page_kib = os.sysconf("SC_PAGE_SIZE") // 1024
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * page_kib for each in process_tree(pid))


def memory_kib(pid: int) -> int:
    """Memory of `pid` and its descendants; of a page that several processes share, each has its part.

    What lies in memory behind a file descriptor counts whole, whoever has touched it.
    """
    own = shared = 0
    files: dict[int, int] = {}
    for each in process_tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parts = dict(line.split(":") for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:])
            shared += int(parts["Pss_Shmem"].split()[0])
            own += sum(int(parts[name].split()[0]) for name in ("Pss_Anon", "Pss_File"))
            for link in Path(f"/proc/{each}/fd").iterdir():
                if link.readlink().name.startswith("memfd:"):
                    files[link.stat().st_ino] = link.stat().st_blocks // 2
    return own + max(shared, sum(files.values()))


def on(processors: list[int], command: list[str]) -> list[str]:
    """The command that runs another on these processors only."""
    return ["taskset", "--cpu-list", ",".join(map(str, processors)), *command]


@contextlib.contextmanager
def running(
    command: list[str], folder: Path, log: IO[bytes] | int, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the bench, with `environment` added to ours."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
