"""The time that a process, and the machine, have computed (Linux: from /proc)."""

from __future__ import annotations

import os
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


def machine() -> Machine | None:
    """The processors of this machine together; None where nobody tells."""
    try:
        text = Path("/proc/stat").read_text(encoding="ascii")
    except OSError:
        return None
    counts = [int(field) for field in text.splitlines()[0].split()[1:9]]
    return Machine((counts[3] + counts[4]) / _TICKS, sum(counts) / _TICKS)
