"""Numbers and prefixes that scam calls came from: millions of them, in 22 bytes each.

All patterns stand in one sorted array, in the order of a telephone book, so that what is under a prefix follows it
without a gap. Each entry points to its parent, the next wider prefix around it. A look-up opens the book at a page
(pages.py) and bisects that. Where no prefix has to do with it, the number is there or it is not listed; else the
look-up climbs from there, and the first entry that covers the number is the most exact one.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from proxy.files.last_good import Extent, Kept, keep
from proxy.reputation.pages import KEY_BITS, SHIFT, SHIFT_BITS, Allocate, paged
from proxy.reputation.scam_csv import NONE_REFUSED, read_rows
from proxy.reputation.scam_fields import CONFIDENCE_STEPS, EPOCH, NEVER
from proxy.reputation.sorted_rows import ATTRIBUTES, DIGITS, TENS, SortedRows, digits_of, ends_of, keys_of, rows_of
from proxy.sip.value import Value

_SECONDS_A_DAY: Final = 86_400
_DIGITS: Final[int] = DIGITS  # compiled code looks a name of an interpreted module up each time, a constant never
_TENS: Final[tuple[int, ...]] = TENS
_CONFIDENCE_STEPS: Final[int] = CONFIDENCE_STEPS
_NEVER: Final[int] = NEVER
_ZEROS: Final = "000000000000000"
_SHIFT: Final[int] = SHIFT
_SHIFT_BITS: Final[int] = SHIFT_BITS
_bisect_right: Final = bisect_right
_TOP: Final = -1  # the parent of an entry under no prefix
_AT_ONCE: Final = 1 << 18  # entries

# The columns of all entries, by name: `key` in order, `parent`, and `attributes`. Those of an entry stand side by side:
# a look-up that finds one waits for memory once, not four times. `volume` and `page` are those of `paged`.
Table = Mapping[str, npt.NDArray[Any]]
_WIDTH: Final[int] = len(ATTRIBUTES)
_ROW_SIZE: Final[int] = _WIDTH * np.dtype(np.uint16).itemsize
_said: Final = struct.Struct("=4H").unpack_from  # all attributes but the last, the file


class ScamEntry(Value):
    """An entry of a list for a number (E.164), or for a prefix, which ends in `*`.

    `confidence` is 0 to 1; the entry counts through the day `expires` (UTC), None for ever.
    """

    __slots__ = ("category", "confidence", "expires", "pattern", "source")
    __match_args__ = ("pattern", "category", "confidence", "source", "expires")

    def __init__(self, pattern: str, category: str, confidence: float, source: str, expires: date | None) -> None:
        self.pattern: Final = pattern
        self.category: Final = category
        self.confidence: Final = confidence
        self.source: Final = source
        self.expires: Final = expires


class ScamList:
    """Finds the most exact entry for a number; of several with one pattern, the one with the highest confidence.

    `names` are those that `category` and `source` stand for, `files` those that `file` does. `kept` are the files of
    which the rows of an earlier reading stand here.
    """

    def __init__(
        self,
        table: Table | None = None,
        names: Sequence[str] = ("",),
        files: Sequence[Extent] = (),
        kept: Sequence[Kept] = (),
    ) -> None:
        self.table = _table_of(SortedRows(), _in_own_memory) if table is None else table
        self.names, self.files, self.kept = tuple(names), tuple(files), tuple(kept)
        # memoryviews give plain integers, and bisect on them is as fast as numpy's own search of one key
        self._keys = self.table["key"].data
        self._volumes, self._pages = self.table["volume"].data, self.table["page"].data
        self._width: Final[int] = KEY_BITS - (len(self._volumes).bit_length() - 1)
        self._parents = self.table["parent"].data
        self._attributes = self.table["attributes"].data

    def __reduce__(self) -> tuple[Any, ...]:
        return ScamList, (self.table, self.names, self.files, self.kept)

    @classmethod
    def of_columns(
        cls,
        numbers: npt.ArrayLike,
        prefix: npt.ArrayLike = False,
        category: npt.ArrayLike = 0,
        confidence: npt.ArrayLike = CONFIDENCE_STEPS,
        source: npt.ArrayLike = 0,
        expires: npt.ArrayLike = NEVER,
        names: Sequence[str] = ("",),
    ) -> Self:
        """Make a list of columns, one row an entry; a single value stands for a whole column.

        `numbers` are the digits after the `+`, as integers, `prefix` is true for a prefix, `category` and `source` are
        indices into `names`, `confidence` is in 1/10,000, `expires` in days since 1970, 0 for never.
        """
        digits = np.asarray(numbers, np.uint64)
        keys = keys_of(digits, digits_of(digits), np.broadcast_to(np.asarray(prefix, np.bool_), digits.shape))
        given = (category, confidence, source, expires)
        columns = [np.broadcast_to(np.asarray(values, np.uint16), keys.shape) for values in given]
        rows, at_once = SortedRows(), 1 << 16
        for start in range(0, len(keys), at_once):
            part = slice(start, start + at_once)
            attributes = dict(zip(ATTRIBUTES, (column[part] for column in columns), strict=False))
            rows.add(rows_of(keys[part], **attributes, file=0))
        return cls(_table_of(rows, _in_own_memory), names)

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        refused: Mapping[str, str] = NONE_REFUSED,
        least_share: float = 0.0,
        last_good: ScamList | None = None,
        allocate: Allocate | None = None,
    ) -> Self:
        """Read CSV files as one list; raises FileErrors with all that is wrong in them.

        `refused` are prefixes that no row may have, each with what is wrong with it. Files of which too little is left
        (last_good.py) keep their rows of `last_good`.
        """
        before = {each.file: each for each in last_good.files} if last_good else {}
        rows = SortedRows()
        names, read = read_rows(paths, rows, refused, known={Path(file) for file in before})
        kept = keep(before, read, least_share)
        if last_good is not None and kept:
            known = {name: index for index, name in enumerate(names)}
            for index, each in enumerate(read):
                if each.file in kept:
                    rows.drop(index)
                    last_good.put(each.file, rows, index, known)
            names = list(known)
        files = [kept[each.file].last_good if each.file in kept else each for each in read]
        return cls(_table_of(rows, allocate or _in_own_memory), names, files, list(kept.values()))

    def put(self, file: str, rows: SortedRows, index: int, names: dict[str, int]) -> None:
        """Put the rows of one of `files` to others, as those of file `index`, with the indices that `names` have or get
        for their categories and sources."""
        own = next(place for place, each in enumerate(self.files) if each.file == file)
        new: dict[int, int] = {}
        attributes = _by_name(self.table["attributes"])
        for start in range(0, len(self), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            chosen = np.flatnonzero(attributes["file"][part] == own) + start
            columns = {name: column[chosen] for name, column in attributes.items()}
            for name in ("category", "source"):
                used, places = np.unique(columns[name], return_inverse=True)
                for each in used.tolist():
                    new.setdefault(each, names.setdefault(self.names[each], len(names)))
                columns[name] = np.array([new[each] for each in used.tolist()], np.uint16)[places]
            rows.add(rows_of(self.table["key"][chosen], **columns | {"file": index}))

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, e164: str, at: float) -> ScamEntry | None:
        """The most exact entry for an E.164 number that has not expired at `at` (seconds since 1970)."""
        length = len(e164) - 1
        if not 0 < length <= _DIGITS:
            return None
        number = int((e164 + _ZEROS)[1 : 1 + _DIGITS])  # in compiled code a third of what a product takes
        keys, wanted = self._keys, (number << 4 | length) << 1 | 1
        volume = self._volumes[wanted >> self._width]
        page = (volume >> _SHIFT_BITS) + (wanted >> (volume & _SHIFT))
        first = self._pages[page]
        index = _bisect_right(keys, wanted, first >> 1, self._pages[page + 1] >> 1) - 1
        if not first & 1 and (index < 0 or keys[index] != wanted):  # as of nearly all numbers
            return None
        while index != _TOP:
            key = keys[index]
            start, digits = key >> 5, key >> 1 & 15
            width = 0 if key & 1 else _TENS[_DIGITS - digits]
            if key == wanted or (start <= number < start + width and digits <= length):
                said: tuple[int, int, int, int] = _said(self._attributes, index * _ROW_SIZE)
                category, confidence, source, expires = said
                if not 0 < expires < at // _SECONDS_A_DAY:
                    return ScamEntry(
                        e164 if key & 1 else f"{e164[: digits + 1]}*",
                        self.names[category],
                        confidence / _CONFIDENCE_STEPS,
                        self.names[source],
                        date.fromordinal(EPOCH + expires) if expires != _NEVER else None,
                    )
            index = self._parents[index]
        return None


def _in_own_memory(kind: Any, count: int) -> npt.NDArray[Any]:
    return np.empty(count, kind)


def _table_of(rows: SortedRows, allocate: Allocate) -> Table:
    """The columns of sorted rows; `rows` are empty afterwards."""
    count = len(rows)
    table = {
        "key": allocate(np.uint64, count),
        "parent": allocate(np.int32, count),
        "attributes": allocate(np.uint16, count * _WIDTH),
    }
    attributes, start = _by_name(table["attributes"]), 0
    for piece in rows.take():
        end = start + len(piece)
        table["key"][start:end] = piece["key"]
        for name, column in attributes.items():
            column[start:end] = piece[name]
        start = end
    _find_parents(table["key"], table["parent"])
    return table | paged(table["key"], allocate)


def _by_name(attributes: npt.NDArray[np.uint16]) -> dict[str, npt.NDArray[np.uint16]]:
    """The columns of a table's attributes."""
    return {name: attributes[place::_WIDTH] for place, name in enumerate(ATTRIBUTES)}


def _find_parents(keys: npt.NDArray[np.uint64], parents: npt.NDArray[np.int32]) -> None:
    """Write the index of the next wider entry for each: the prefix around it, or the same one with less confidence."""
    parents[:] = _TOP
    for first in range(0, len(keys), _AT_ONCE):
        part = keys[first : first + _AT_ONCE]
        starts = np.flatnonzero(part & np.uint64(1) == 0)
        ends = keys.searchsorted(ends_of(part[starts]))
        for start, end in zip((starts + first).tolist(), ends.tolist(), strict=True):
            parents[start + 1 : end] = start  # wider prefixes come first, so narrower ones have the last word
        following = keys[first + 1 : first + 1 + len(part)]
        same = np.flatnonzero(following == part[: len(following)]) + first
        parents[same + 1] = same
