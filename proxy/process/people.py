"""The subscribers in the file that a config names; another process may read them, so this imports no config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.files.last_good import Extent, Kept, keep
from proxy.numbers.numbering import Numbering, WrittenAtHome
from proxy.subscribers.directory import Directory
from proxy.subscribers.storage import is_database, path_of, read_directory

if TYPE_CHECKING:
    from proxy.reputation.pages import Allocate

People = tuple[Directory | None, tuple[Extent, ...], tuple[Kept, ...]]


def read_subscribers(
    location: str | None,
    written: WrittenAtHome,
    least_share: float,
    extents: Sequence[Extent],
    allocate: Allocate | None = None,
) -> People:
    """Read the subscribers at a location, None for those that stay as they were read before; with how many there are,
    and why. `written` says how numbers on their lists are read.
    """
    if location is None:
        return Directory(), (), ()
    path = path_of(location)
    before = {each.file: each for each in extents}
    if str(path) in before and not path.exists():
        directory, now = Directory(), Extent.gone(str(path))
    else:
        ended = is_database(location) or _is_ended(path)  # a database has no lines
        directory = read_directory(location, Numbering(*written))
        now = Extent(str(path), len(directory), ended)
    kept = keep(before, [now], least_share).get(str(path))
    if kept is not None:
        return None, (kept.last_good,), (kept,)
    return directory.moved(allocate) if allocate else directory, (now,), ()


def _is_ended(path: Path) -> bool:
    """True if the last line of a YAML file has an end; cut before a last bracket, it would be no YAML."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read() in (b"", b"\n", b"\r", b"]", b"}")
