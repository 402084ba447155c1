"""Numbers and prefixes that scam calls came from: millions of them, in 20 bytes each.

All patterns stand in one sorted array, in the order of a telephone book, so that what is under a prefix follows it
without a gap. Each entry points to its parent, the next wider prefix around it. A look-up bisects once, then climbs
from there: the first entry that covers the number is the most exact one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from proxy.files.last_good import Extent, Kept, keep
from proxy.reputation.scam_csv import CONFIDENCE_STEPS, EPOCH, NEVER, NONE_REFUSED, read_rows

_DIGITS = 15  # of the longest E.164 number
_TENS = tuple(10**n for n in range(_DIGITS + 1))
_SECONDS_A_DAY = 86_400
_COLUMNS = ("numbers", "prefix", "category", "confidence", "source", "expires")
_ROWS = np.dtype(list(zip(_COLUMNS, ("<u8", "?", "<u2", "<u2", "<u2", "<u2"), strict=True)))  # as ROW packs them
_TOP = -1  # the parent of an entry under no prefix
_STRIDE = 512  # entries from one signpost to the next: few enough signposts to stay in the processor's cache


class ScamEntry(NamedTuple):
    """An entry of a list for a number (E.164), or for a prefix, which ends in `*`.

    `confidence` is 0 to 1; the entry counts through the day `expires` (UTC), None for ever.
    """

    pattern: str
    category: str
    confidence: float
    source: str
    expires: date | None


class ScamList:
    """Finds the most exact entry for a number; of several with one pattern, the one with the highest confidence.

    Made of columns, one row an entry: `numbers` (the digits after the `+`, as an integer), `prefix` (bool),
    `category` and `source` (indices into `names`), `confidence` (in 1/10,000), `expires` (days since 1970, 0 for
    never), `file` (index into `files`). A single value stands for a whole column. `kept` are the files of which the
    rows of an earlier reading stand here.
    """

    def __init__(
        self,
        numbers: npt.ArrayLike = (),
        prefix: npt.ArrayLike = False,
        category: npt.ArrayLike = 0,
        confidence: npt.ArrayLike = CONFIDENCE_STEPS,
        source: npt.ArrayLike = 0,
        expires: npt.ArrayLike = NEVER,
        names: Sequence[str] = ("",),
        file: npt.ArrayLike = 0,
        files: Sequence[Extent] = (),
        kept: Sequence[Kept] = (),
    ) -> None:
        self.files, self.kept = tuple(files), tuple(kept)
        keys = _keys(np.asarray(numbers, np.uint64), np.asarray(prefix, np.bool_))

        def column(values: npt.ArrayLike) -> npt.NDArray[np.uint16]:
            return np.broadcast_to(np.asarray(values, np.uint16), keys.shape)

        order = np.lexsort((column(confidence), keys))
        keys = keys[order]
        self._names = tuple(names)
        # memoryviews give plain integers, and bisect on them is as fast as numpy's own search of one key
        self._keys = keys.data
        self._signposts = keys[::_STRIDE].tolist()
        self._parents = _parents(keys).data
        self._category = column(category)[order].data
        self._confidence = column(confidence)[order].data
        self._source = column(source)[order].data
        self._expires = column(expires)[order].data
        self._file = column(file)[order].data

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        refused: Mapping[str, str] = NONE_REFUSED,
        last_good: ScamList | None = None,
        least_share: float = 0.0,
    ) -> ScamList:
        """Read CSV files as one list; raises FileErrors with all that is wrong in them.

        `refused` are prefixes that no row may have, each with what is wrong with it. Files of which too little is left
        (last_good.py) keep their rows of `last_good`.
        """
        before = {each.file: each for each in last_good.files} if last_good else {}
        packed, names, read = read_rows(paths, refused, known={Path(file) for file in before})
        kept = keep(before, read, least_share)
        rows = np.frombuffer(packed, _ROWS)
        if last_good is not None and kept:
            rows, names = _mixed(rows, names, read, last_good, kept)
        files = [kept[each.file].last_good if each.file in kept else each for each in read]
        columns: dict[str, Any] = {column: rows[column] for column in _COLUMNS}
        file = np.arange(len(files), dtype=np.uint16).repeat([each.entries for each in files])
        return cls(**columns, names=names, file=file, files=files, kept=list(kept.values()))

    def rows_of(self, file: str, names: dict[str, int]) -> npt.NDArray[np.void]:
        """The rows of one of `files`, with the indices that `names` have or get for their categories and sources."""
        index = next(index for index, each in enumerate(self.files) if each.file == file)
        chosen = np.flatnonzero(np.asarray(self._file) == index)
        rows = np.empty(len(chosen), _ROWS)
        keys = np.asarray(self._keys)[chosen]
        digits = keys >> np.uint64(1) & np.uint64(15)
        rows["numbers"] = (keys >> np.uint64(5)) // np.array(_TENS, np.uint64)[np.uint64(_DIGITS) - digits]
        rows["prefix"] = keys & np.uint64(1) == 0
        rows["confidence"] = np.asarray(self._confidence)[chosen]
        rows["expires"] = np.asarray(self._expires)[chosen]
        for column, values in (("category", self._category), ("source", self._source)):
            used, places = np.unique(np.asarray(values)[chosen], return_inverse=True)
            found = [names.setdefault(self._names[name], len(names)) for name in used.tolist()]
            rows[column] = np.array(found, np.uint16)[places]
        return rows

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, e164: str, at: float) -> ScamEntry | None:
        """The most exact entry for an E.164 number that has not expired at `at` (seconds since 1970)."""
        length = len(e164) - 1
        if not 0 < length <= _DIGITS:
            return None
        number = int(e164[1:]) * _TENS[_DIGITS - length]
        keys, wanted = self._keys, (number * 16 + length) * 2 + 1
        near = bisect_right(self._signposts, wanted) * _STRIDE
        index = bisect_right(keys, wanted, max(near - _STRIDE, 0), min(near, len(keys))) - 1
        while index != _TOP:
            key = keys[index]
            start, digits = key >> 5, key >> 1 & 15
            if key & 1:
                covers = key == wanted
            else:
                covers = start <= number < start + _TENS[_DIGITS - digits] and digits <= length
            if covers and not 0 < self._expires[index] < at // _SECONDS_A_DAY:
                return self._entry(index, start, digits, exact=key & 1)
            index = self._parents[index]
        return None

    def _entry(self, index: int, start: int, digits: int, *, exact: int) -> ScamEntry:
        expires = self._expires[index]
        return ScamEntry(
            f"+{start // _TENS[_DIGITS - digits] if digits else ''}{'' if exact else '*'}",
            self._names[self._category[index]],
            self._confidence[index] / CONFIDENCE_STEPS,
            self._names[self._source[index]],
            date.fromordinal(EPOCH + expires) if expires != NEVER else None,
        )


def _mixed(
    rows: npt.NDArray[np.void],
    names: Sequence[str],
    read: Sequence[Extent],
    last_good: ScamList,
    kept: Mapping[str, Kept],
) -> tuple[npt.NDArray[np.void], list[str]]:
    """The rows read, and instead of those of `kept` files theirs of the last good list; with the names of all."""
    indices = {name: index for index, name in enumerate(names)}
    pieces, start = [], 0
    for each in read:
        end = start + each.entries
        pieces.append(last_good.rows_of(each.file, indices) if each.file in kept else rows[start:end])
        start = end
    return np.concatenate(pieces), list(indices)


def _keys(numbers: npt.NDArray[np.uint64], prefix: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Patterns as integers that sort like a telephone book: digits from the left, length, prefix before number."""
    tens = np.array(_TENS, np.uint64)
    digits = tens.searchsorted(numbers, side="right").astype(np.uint64)
    keys: npt.NDArray[np.uint64] = numbers * tens[np.uint64(_DIGITS) - digits]
    keys <<= np.uint64(4)
    keys |= digits
    keys <<= np.uint64(1)
    keys |= ~prefix
    return keys


def _parents(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """The index of the next wider entry for each: the prefix around it, or the same pattern with less confidence."""
    tens = np.array(_TENS, np.uint64)
    parents = np.full(keys.shape, _TOP, np.int32)
    starts = np.flatnonzero(keys & np.uint64(1) == 0)
    patterns = keys[starts] >> np.uint64(1)
    widths = tens[np.uint64(_DIGITS) - (patterns & np.uint64(15))]
    ends = keys.searchsorted(((patterns >> np.uint64(4)) + widths) << np.uint64(5))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        parents[start + 1 : end] = start  # wider prefixes come first, so narrower ones have the last word
    same = np.flatnonzero(keys[1:] == keys[:-1])
    parents[same + 1] = same
    return parents
