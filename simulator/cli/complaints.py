"""Complaints of a command, on standard error: the one place where values in such words are cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from proxy.files.visible import brief


def complain(command: str, complaints: Iterable[str]) -> bool:
    """Print what is wrong, by the name of the command, "" for `ringfence` itself; True if there was anything."""
    who = f"ringfence {command}".rstrip()
    said = [f"{who}: {brief(each)}" for each in complaints]
    for line in said:
        print(line, file=sys.stderr)
    return bool(said)
