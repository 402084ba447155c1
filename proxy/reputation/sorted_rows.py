"""Rows of scam lists put in order while they are read, in little more memory than they take.

They are dealt into buckets by their key, each of which is sorted by itself in the end and let go of when its rows are
taken; a bucket that grows large is parted in two, whatever order the rows come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

DIGITS = 15  # of the longest E.164 number
TENS = tuple(10**n for n in range(DIGITS + 1))
ATTRIBUTES = ("category", "confidence", "source", "expires", "file")
ROW = np.dtype([("key", "<u8"), *((name, "<u2") for name in ATTRIBUTES)])
_LARGE = 1 << 17

Rows = npt.NDArray[np.void]


def keys_of(
    numbers: npt.NDArray[np.uint64], digits: npt.NDArray[np.uint64], prefix: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint64]:
    """Patterns as integers that sort like a telephone book: digits from the left, length, prefix before number."""
    keys: npt.NDArray[np.uint64] = numbers * np.array(TENS, np.uint64)[np.uint64(DIGITS) - digits]
    keys <<= np.uint64(4)
    keys |= digits
    keys <<= np.uint64(1)
    keys |= ~prefix
    return keys


def ends_of(prefixes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The least keys behind all that is under each of these keys of prefixes."""
    patterns = prefixes >> np.uint64(1)
    widths = np.array(TENS, np.uint64)[np.uint64(DIGITS) - (patterns & np.uint64(15))]
    ends: npt.NDArray[np.uint64] = ((patterns >> np.uint64(4)) + widths) << np.uint64(5)
    return ends


def digits_of(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Count the digits of each number; 0 has none."""
    return np.array(TENS, np.uint64).searchsorted(numbers, side="right").astype(np.uint64)


def rows_of(keys: npt.NDArray[np.uint64], **attributes: Any) -> Rows:
    """Rows of these columns; a single value stands for a whole column."""
    rows = np.empty(len(keys), ROW)
    rows["key"] = keys
    for name in ATTRIBUTES:
        rows[name] = attributes[name]
    return rows


class SortedRows:
    """Takes rows in any order and gives them back by key, those of one key by their confidence, else as they came.

    More than `large` rows in a bucket are too many.
    """

    def __init__(self, large: int = _LARGE) -> None:
        self._large = large * ROW.itemsize
        self._buckets = [bytearray()]
        self._limits = [self._large]  # in bytes
        self._edges = np.empty(0, np.uint64)  # the least keys of all buckets but the first

    def __len__(self) -> int:
        return sum(map(len, self._buckets)) // ROW.itemsize

    def add(self, rows: Rows) -> None:
        """Put some rows to the others."""
        if not len(self._edges):
            self._buckets[0] += rows.tobytes()
        else:
            places = self._edges.searchsorted(rows["key"], side="right")
            rows = rows.take(places.astype(np.uint16).argsort(kind="stable"))  # a radix sort
            ends = np.bincount(places, minlength=len(self._buckets)).cumsum()
            data, start = rows.tobytes(), 0
            for bucket, end in zip(self._buckets, (ends * ROW.itemsize).tolist(), strict=True):
                if end > start:
                    bucket += data[start:end]
                start = end
        for index in [i for i, bucket in enumerate(self._buckets) if len(bucket) > self._limits[i]][::-1]:
            self._part(index)

    def drop(self, file: int) -> None:
        """Take the rows of one file away."""
        for index, bucket in enumerate(self._buckets):
            rows = np.frombuffer(bucket, ROW)
            self._buckets[index] = bytearray(rows.compress(rows["file"] != file).tobytes())

    def take(self) -> Iterator[Rows]:
        """All rows, piece by piece in order; a piece that was taken is kept no longer."""
        buckets, self._buckets = self._buckets[::-1], [bytearray()]
        self._edges, self._limits = self._edges[:0], self._limits[:1]
        while buckets:
            rows = np.frombuffer(buckets.pop(), ROW)
            yield rows.take(_order(rows))  # `rows[order]` takes twenty times as long

    def _part(self, index: int) -> None:
        """Make two buckets of one, if its keys differ."""
        rows = np.frombuffer(self._buckets[index], ROW)
        keys = rows["key"].copy()
        edge = np.partition(keys, len(keys) // 2)[len(keys) // 2]
        if edge == keys.min():  # half of them are one key: the others, if there are any, are above it
            above = keys[keys > edge]
            if not len(above):
                self._limits[index] *= 2
                return
            edge = above.min()
        is_above = keys >= edge
        parts = [bytearray(rows.compress(chosen).tobytes()) for chosen in (~is_above, is_above)]
        self._buckets[index : index + 1] = parts
        self._limits[index : index + 1] = [max(self._large, 2 * len(part)) for part in parts]
        self._edges = np.insert(self._edges, index, edge)


def _order(rows: Rows) -> npt.NDArray[np.intp]:
    """The places of rows by key, then by confidence, then as they came."""
    keys = np.ascontiguousarray(rows["key"])
    order = keys.argsort()  # several times as fast as one that is stable, or by two columns: few keys come twice
    ordered = keys[order]
    same = np.zeros(len(keys) + 1, np.bool_)
    np.equal(ordered[1:], ordered[:-1], out=same[1:-1])
    places = np.flatnonzero(same[1:] | same[:-1])
    those = order[places]
    order[places] = those[np.lexsort((those, rows["confidence"][those], keys[those]))]
    return order
