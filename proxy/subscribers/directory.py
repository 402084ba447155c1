"""The directory that calls look subscribers up in.

A million subscribers take about 80 bytes each: rows of text behind one another, found through sorted arrays; a
Subscriber is made when it is asked for. Nothing of it is known to the garbage collector, whose pauses would
otherwise grow with the number of subscribers.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import product, starmap
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Treatments, written

SEPARATOR: Final = "\x1f"  # in no field: profile.py refuses control characters
_END: Final = b"\n"
_USUAL: Final = 256  # bytes of a row
_BEHIND_A_DOOR: Final = 2  # hashes, at most on average
_HASH_BITS: Final = 32
_READ_TREATMENTS: TypeAdapter[Treatments] = TypeAdapter(Treatments)
_UNTREATED: Treatments = {}
_BARRINGS = tuple(starmap(Barring, product((False, True), repeat=len(Barring.__slots__))))
_BARRING_BITS = {barring: bits for bits, barring in enumerate(_BARRINGS)}
_OF_BITS = {
    str(bits): (bool(bits // len(_BARRINGS) & 1), bool(bits // len(_BARRINGS) & 2), _BARRINGS[bits % len(_BARRINGS)])
    for bits in range(4 * len(_BARRINGS))
}

# By name: `rows` as bytes, and for each of `numbers` and `users` sorted hashes, and where the rows of these start.
Tables = Mapping[str, npt.NDArray[Any]]


class Directory:
    """Immutable; finds subscribers by number and by digest user name, and lists them in the order they came in."""

    def __init__(self, subscribers: Iterable[Subscriber] = (), tables: Tables | None = None) -> None:
        """Hold these subscribers, or those of the tables of another directory."""
        self.tables = _tables_of(subscribers) if tables is None else tables
        self._rows = self.tables["rows"].data
        self._numbers, self._users = (
            _Index(self.tables[f"{name}_hashes"], self.tables[f"{name}_starts"]) for name in ("numbers", "users")
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Directory, ((), self.tables)

    def moved(self, allocate: Callable[[Any, int], npt.NDArray[Any]]) -> Directory:
        """The same subscribers, in arrays that `allocate` makes room for, by data type and length."""
        tables = {}
        for name, table in self.tables.items():
            tables[name] = allocate(table.dtype, len(table))
            tables[name][:] = table
        return Directory(tables=tables)

    def find(self, e164: str) -> Subscriber | None:
        """The subscriber with this E.164 number."""
        for start in self._numbers.starts(e164):
            if (subscriber := self._subscriber(start)).number == e164:
                return subscriber
        return None

    def find_user(self, user: str) -> Subscriber | None:
        """The subscriber with this digest user name."""
        for start in self._users.starts(user):
            if (subscriber := self._subscriber(start)).user == user:
                return subscriber
        return None

    def __len__(self) -> int:
        return len(self.tables["numbers_hashes"])

    def __iter__(self) -> Iterator[Subscriber]:
        start = 0
        while start < len(self._rows):
            row = self._row(start)
            yield _unpack(row)
            start += len(row) + len(_END)

    def _row(self, start: int) -> bytes:
        length = _USUAL
        while True:
            row, end, _ = self._rows[start : start + length].tobytes().partition(_END)
            if end:
                return row
            length *= 4

    def _subscriber(self, start: int) -> Subscriber:
        return _unpack(self._row(start))


class DirectoryBuilder:
    """Takes packed rows, and makes tables of them."""

    def __init__(self) -> None:
        self._rows = bytearray()
        self._numbers, self._users = _IndexBuilder(), _IndexBuilder()

    def add(self, row: str, number: str, user: str) -> None:
        """Add one subscriber, `row` being their `packed` fields."""
        start = len(self._rows)
        self._numbers.add(number, start)
        if user:
            self._users.add(user, start)
        self._rows += row.encode()
        self._rows += _END

    def tables(self) -> Tables:
        """The tables of all rows."""
        rows = np.frombuffer(self._rows, np.uint8)
        (numbers, number_starts), (users, user_starts) = self._numbers.arrays(), self._users.arrays()
        return {
            "rows": rows,
            "numbers_hashes": numbers,
            "numbers_starts": number_starts,
            "users_hashes": users,
            "users_starts": user_starts,
        }


def repeats(directory: Directory) -> bool:
    """True where two subscribers share a number or a user name."""
    for name, place in (("numbers", 0), ("users", 1)):
        hashes, starts = directory.tables[f"{name}_hashes"], directory.tables[f"{name}_starts"]
        seen: set[str] = set()
        same = np.flatnonzero(hashes[1:] == hashes[:-1])  # some texts share a hash by chance
        for start in starts[np.union1d(same, same + 1)].tolist():
            text = directory._row(start).decode().split(SEPARATOR)[place]
            if text in seen:
                return True
            seen.add(text)
    return False


def packed(subscriber: Subscriber) -> str:
    """A subscriber as a line of text."""
    fields = (
        *(subscriber.number, subscriber.user, subscriber.password, subscriber.pin or ""),
        str(bits_of(roaming=subscriber.roaming, notify=subscriber.notify, barring=subscriber.barring)),
        *(" ".join(subscriber.allow), " ".join(subscriber.block), as_json(subscriber.treatment)),
    )
    return SEPARATOR.join(fields)


def bits_of(*, roaming: bool, notify: bool, barring: Barring) -> int:
    """The fields that are on or off, as one number."""
    return (roaming + 2 * notify) * len(_BARRINGS) + _BARRING_BITS[barring]


def as_json(treatment: Treatments) -> str:
    """Treatments as a line of JSON, "" for none."""
    return json.dumps(written(treatment)) if treatment else ""


@lru_cache(maxsize=1024)  # many have the same
def treatment_from(text: str) -> Treatments:
    """The treatments of a line of JSON. Raises ValidationError."""
    return _READ_TREATMENTS.validate_json(text)


def _unpack(row: bytes) -> Subscriber:
    number, user, password, pin, bits, allow, block, treatment = row.decode().split(SEPARATOR)
    roaming, notify, barring = _OF_BITS[bits]
    return Subscriber(
        number,
        user,
        password,
        pin or None,
        roaming,
        barring,
        tuple(allow.split()) if allow else (),
        tuple(block.split()) if block else (),
        notify,
        treatment_from(treatment) if treatment else _UNTREATED,
    )


def _tables_of(subscribers: Iterable[Subscriber]) -> Tables:
    builder = DirectoryBuilder()
    for subscriber in subscribers:
        builder.add(packed(subscriber), subscriber.number, subscriber.user)
    return builder.tables()


def _hash(text: str) -> int:
    """The same in every process, unlike Python's own."""
    return crc32(text.encode() if text.isascii() else text.encode("utf-8", "surrogatepass"))


class _IndexBuilder:
    def __init__(self) -> None:
        self._hashes, self._starts = array("I"), array("Q")

    def add(self, text: str, start: int) -> None:
        self._hashes.append(_hash(text))
        self._starts.append(start)

    def arrays(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[Any]]:
        """The hashes in order, and where the rows start that they belong to."""
        hashes, starts = np.array(self._hashes, np.uint32), np.array(self._starts, np.uint64)
        if not len(starts) or starts[-1] < 2**32:
            starts = starts.astype(np.uint32)
        order = hashes.argsort(kind="stable")
        return hashes[order], starts[order]


class _Index:
    """Hash of a text -> where rows start that may hold it; 8 bytes a text.

    Hashes spread evenly: `_doors` tells for the first bits of one where to look, and one or two stand there, so that a
    look-up touches two or three places in memory and not twenty.
    """

    def __init__(self, hashes: npt.NDArray[np.uint32], starts: npt.NDArray[Any]) -> None:
        bits = max(len(hashes) // _BEHIND_A_DOOR, 1).bit_length()
        self._shift = _HASH_BITS - bits
        edges = (np.arange(1 << bits, dtype=np.uint64) << np.uint64(self._shift)).astype(np.uint32)
        self._doors = np.append(hashes.searchsorted(edges), len(hashes)).astype(np.uint32).data
        self._hashes, self._starts = hashes.data, starts.data

    def starts(self, text: str) -> list[int]:
        wanted, hashes = _hash(text), self._hashes
        door = wanted >> self._shift
        index, end = self._doors[door], self._doors[door + 1]
        found = []
        while index < end:
            here = hashes[index]
            if here == wanted:
                found.append(self._starts[index])
            elif here > wanted:
                break
            index += 1
        return found
