"""The manifest of a run: what was played, with which versions of what, and how it ended."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from proxy.process.build import build

# The packages whose version may change what a run measures.
_PACKAGES = ("ringfence", "asyncio-dgram", "phonenumbers", "pjsua2-python", "pydantic", "uvloop")


def timestamp(now: datetime | None = None) -> str:
    """The moment in UTC as RFC 3339 writes it, to the microsecond."""
    return (now or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def surroundings() -> dict[str, Any]:
    """The machine, the interpreter, and the versions of what a run stands on, the proxy's build included."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
        "build": build(),
        **git_commit(),
    }


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of every file, by the path as given."""
    found = {}
    for path in paths:
        with path.open("rb") as file:
            found[str(path)] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


@cache
def versions() -> dict[str, str]:
    """The installed versions of the packages that matter to a run."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def git_commit() -> dict[str, str]:
    """The checked-out commit of Ringfence's own sources, where they are a git checkout."""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": answer.stdout.strip()}
