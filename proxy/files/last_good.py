"""The last good reading of a file goes on where a new one lost too much: half a list blocks half the scammers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """The yield of one file. `ended`: its last line has an end, as every line has that was written whole."""

    file: str
    entries: int
    ended: bool = True
    exists: bool = True

    @classmethod
    def gone(cls, file: str) -> Extent:
        """Of a file that is not there."""
        return cls(file, 0, exists=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of which the last good reading stays in force: how many entries that has, how many the new one had."""

    last_good: Extent
    now: int
    why: str


def keep(last_good: Mapping[str, Extent], now: Iterable[Extent], least_share: float) -> dict[str, Kept]:
    """The files of which less than `least_share` (0 to 1) of the entries are left, or that seem to be cut, by name.

    Files that are gone are not missed where new ones hold enough entries in their stead: lists with the date in their
    name come and go.
    """
    now = list(now)
    kept = {each.file: cut for each in now if (cut := _cut(last_good.get(each.file), each, least_share))}
    missed = [each.file for each in now if each.file in kept and not each.exists]
    there = {file for file, each in last_good.items() if each.exists}
    arrived = sum(each.entries for each in now if each.file not in there)
    if arrived and arrived >= least_share * sum(last_good[file].entries for file in missed):
        for file in missed:
            del kept[file]
    return kept


def _cut(before: Extent | None, now: Extent, least_share: float) -> Kept | None:
    if before is None or before.entries == 0:
        return None
    if not now.exists:
        return Kept(before, 0, "the file is gone") if least_share else None
    if now.entries < least_share * before.entries:
        return Kept(before, now.entries, f"fewer than the share of {least_share:g} that must be left")
    if before.ended and not now.ended and now.entries <= before.entries and least_share:
        return Kept(before, now.entries, "its last line has no end, as if it were cut")
    return None
