"""A disk with hardly any room: a file system of its own where we may mount one, else a limit on the size of files."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOM = 64 << 10  # bytes


class SmallDisk:
    """`folder` lies on it. Where it is but a limit, it is that of one process."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder = folder
        self._mounted = mounted
        self._limited: list[int] = []
        self._in_the_way: Path | None = None

    def limit(self, pid: int) -> None:
        """Have a process find no more room than there is, where that is not so by itself."""
        if not self._mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
            self._limited.append(pid)

    def fill(self, path: Path) -> None:
        """Have no room left; where we could mount no disk, none for that file, which is yet to be made."""
        if not self._mounted:
            path.mkdir()
            self._in_the_way = path
            return
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(512)):
                pass

    def make_room(self) -> None:
        """As if somebody had cleared away what filled it."""
        if self._mounted:
            subprocess.run(["mount", "-o", "remount,size=16m", self.folder], check=True)
        if self._in_the_way is not None:
            self._in_the_way.rmdir()
            self._in_the_way = None
        while self._limited:
            with suppress(ProcessLookupError):
                resource.prlimit(self._limited.pop(), resource.RLIMIT_FSIZE, (-1, -1))


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """One that lasts as long as the block; `folder` is made for it."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    disk = SmallDisk(folder, mounted)
    try:
        yield disk
    finally:
        disk.make_room()
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)
