"""Tests that are run again: what is said of each in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.plays import ROOT

_SHOWN = 300  # characters of a reason


def told(report: Any) -> str:
    """A line that names the test, the place where it failed, and what was wrong there, however many lines that took."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return f"RERUN {report.nodeid} - {_line(str(report.longrepr)[-_SHOWN:])}"
    path = Path(crash.path)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"RERUN {report.nodeid} - {shown}:{crash.lineno}: {_line(crash.message)[:_SHOWN]}"


def _line(text: str) -> str:
    return " ".join(text.split())
