"""Recordings of the stage's calls: what each side heard, as WAV files that a page may play."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from simulator.media.recordings import RECORDING_SERVICES, recording_path

SIDES = ("caller", "phone")
LONGEST = 90.0  # seconds of a recording
_KEPT = 50  # calls whose recordings stay
_HEAD = 44  # bytes of a WAV file in which nothing is heard
_FILE = re.compile(rf"(?:{'|'.join((*SIDES, *RECORDING_SERVICES))})-[A-Za-z0-9._-]{{1,100}}\.wav")


class Recordings:
    """The recordings in a lab's folder, those of the latest calls only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls: OrderedDict[str, set[str]] = OrderedDict()

    def path(self, side: str, call: str) -> Path:
        """The file for what a side of a call hears; those of calls long ago go."""
        self._calls.setdefault(call, set())
        while len(self._calls) > _KEPT:
            old, _ = self._calls.popitem(last=False)
            for who in (*SIDES, *RECORDING_SERVICES):
                recording_path(self._folder, who, old).unlink(missing_ok=True)
        return recording_path(self._folder, side, call)

    def found(self, call: str) -> Iterator[tuple[str, str]]:
        """Those who heard something in a call, each once, and the name of the file; of calls that `path` knows."""
        told = self._calls.get(call)
        if told is None:
            return
        for who in (*SIDES, *RECORDING_SERVICES):
            path = recording_path(self._folder, who, call)
            if who not in told and path.exists() and path.stat().st_size > _HEAD:
                told.add(who)
                yield who, path.name

    def file(self, name: str) -> Path | None:
        """The file of that name; None where there is none, or it is no recording."""
        if not _FILE.fullmatch(name):
            return None
        path = self._folder / "recordings" / name
        return path if path.is_file() else None
