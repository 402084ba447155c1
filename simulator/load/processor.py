"""The time that a process, and the machine, have computed, and have waited to (Linux: from /proc)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Machine(NamedTuple):
    """Seconds of all processors since the machine began: `idle`, and `all` of them."""

    idle: float
    all: float


def spent(pid: int) -> float | None:
    """Seconds that a process and its threads have computed; None where nobody tells."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def waited(pid: int) -> float | None:
    """Seconds that the threads of a process that could compute have waited for a processor; None where nobody tells."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return None
    found = []
    for thread in threads:
        with suppress(OSError, IndexError, ValueError):  # it has ended meanwhile, or this kernel does not count it
            found.append(int((thread / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9)
    return sum(found) if found else None


def machine() -> Machine | None:
    """The processors of this machine together; None where nobody tells."""
    try:
        text = Path("/proc/stat").read_text(encoding="ascii")
    except OSError:
        return None
    counts = [int(field) for field in text.splitlines()[0].split()[1:9]]
    return Machine((counts[3] + counts[4]) / _TICKS, sum(counts) / _TICKS)
