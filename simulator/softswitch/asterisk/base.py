"""The base image from Debian's packages, for places where no image registry can be reached, and how to reach those."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

BASE = "debian:sid-slim"
TOOL = "mmdebstrap"
_UNDATED = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")  # a mirror that is behind serves as well


def bootstrap(target: Path, say: Callable[[str], None]) -> None:  # image-making
    """Write a minimal Debian unstable as a tar file. Raises FileNotFoundError without mmdebstrap, OSError otherwise."""
    tool = shutil.which(TOOL)
    if tool is None:
        raise FileNotFoundError(TOOL)
    options = [f'--aptopt={name} "false"' for name in _UNDATED]
    options += [f'--aptopt=Acquire::http::Proxy "{proxy}"' for proxy in [apt_proxy()] if proxy]
    command = [tool, "--variant=minbase", *options, "sid", str(target)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stderr is not None  # noqa: S101 - asked for above
        last = ""
        for last in process.stderr:
            say(last.strip())
    if process.returncode != 0:
        raise OSError(f"{TOOL} ended with code {process.returncode}: {last.strip()}")


def apt_proxy() -> str:  # image-making
    """The HTTP proxy by which this machine fetches packages; empty where it goes straight."""
    if proxy := os.environ.get("http_proxy") or os.environ.get("HTTP_PROXY"):
        return proxy
    tool = shutil.which("apt-config")
    if tool is None:
        return ""
    command = [tool, "dump", "--format", "%v%n", "Acquire::http::Proxy"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip()
