"""Looks for the processes in which real phones live (Linux)."""

from __future__ import annotations

import os
from pathlib import Path


def workers() -> list[int]:
    """The PJSIP processes of this one that have not ended."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in children if b"simulator.agents.pjsua.worker" in _command(pid)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return b""
