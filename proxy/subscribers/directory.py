"""The directory that calls look subscribers up in.

A million subscribers take about 90 bytes each: rows of text behind one another, found through tables of hashes; a
Subscriber is made when it is asked for. Nothing of it is known to the garbage collector, whose pauses would
otherwise grow with the number of subscribers.
"""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import product, starmap
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Treatments, written

SEPARATOR: Final = "\x1f"  # in no field: profile.py refuses control characters
_END: Final = b"\n"
_NUMBER: Final = 0  # fields of a row
_USER: Final = 1
_LONG: Final = 255  # bytes, of rows that do not say how long they are
_USUAL: Final = 1 + _LONG  # bytes of a row that does
_HASH_BITS: Final = 32
_MARK_BITS: Final = 22  # of a hash, beside its place, which says most of the others
_MARK: Final = (1 << _MARK_BITS) - 1
_FREE: Final = 0  # a slot
_READ_TREATMENTS: TypeAdapter[Treatments] = TypeAdapter(Treatments)
_UNTREATED: Final[Treatments] = {}
# What compiled code would look up by name each time.
_crc32: Final = zlib.crc32
_beginning: Final = struct.Struct(f"{_USUAL}s").unpack_from
_BARRINGS = tuple(starmap(Barring, product((False, True), repeat=len(Barring.__match_args__))))
_BARRING_BITS = {barring: bits for bits, barring in enumerate(_BARRINGS)}
_OF_BITS: Final[dict[str, tuple[bool, bool, Barring]]] = {
    str(bits): (bool(bits // len(_BARRINGS) & 1), bool(bits // len(_BARRINGS) & 2), _BARRINGS[bits % len(_BARRINGS)])
    for bits in range(4 * len(_BARRINGS))
}

# By name: `rows` as bytes (`_Rows`), and the slots of `numbers` and of `users` (`_Index`).
Tables = Mapping[str, npt.NDArray[Any]]


class Directory:
    """Immutable; finds subscribers by number and by digest user name, and lists them in the order they came in."""

    def __init__(self, subscribers: Iterable[Subscriber] = (), tables: Tables | None = None) -> None:
        """Hold these subscribers, or those of the tables of another directory."""
        self.tables = _tables_of(subscribers) if tables is None else tables
        self._rows = _Rows(self.tables["rows"])
        self._numbers = _Index(self.tables["numbers"], self._rows, _NUMBER)
        self._users = _Index(self.tables["users"], self._rows, _USER)

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
        return self._numbers.find(e164)

    def find_user(self, user: str) -> Subscriber | None:
        """The subscriber with this digest user name."""
        return self._users.find(user)

    def __len__(self) -> int:
        return self._numbers.texts

    def __iter__(self) -> Iterator[Subscriber]:
        return map(_unpacked, self._rows)


class DirectoryBuilder:
    """Takes packed rows, and makes tables of them."""

    def __init__(self) -> None:
        self._rows = bytearray(1)
        self._numbers, self._users = _IndexBuilder(), _IndexBuilder()

    def add(self, row: str, number: str, user: str) -> None:
        """Add one subscriber, `row` being their `packed` fields."""
        start = len(self._rows)
        self._numbers.add(number, start)
        if user:
            self._users.add(user, start)
        encoded = row.encode()
        self._rows.append(min(len(encoded), _LONG))
        self._rows += encoded
        self._rows += _END

    def tables(self) -> Tables:
        """The tables of all rows."""
        self._rows += bytes(_USUAL)
        rows = np.frombuffer(self._rows, np.uint8)
        return {"rows": rows, "numbers": self._numbers.slots(), "users": self._users.slots()}


def repeats(directory: Directory) -> bool:
    """True where two subscribers share a number or a user name."""
    rows = _Rows(directory.tables["rows"])
    for name, field in (("numbers", _NUMBER), ("users", _USER)):
        slots = directory.tables[name]
        marks = slots & np.uint64(_MARK)
        same = (marks[1:] == marks[:-1]) & (slots[1:] != _FREE) & (slots[:-1] != _FREE)
        # numpy.union1d would import numpy.ma, as much as half of what else reading takes.
        either = np.append(same, np.False_) | np.append(np.False_, same)
        seen: set[str] = set()
        for start in (slots[either] >> np.uint64(_MARK_BITS)).tolist():
            text = rows.fields(start)[field]
            if text in seen:  # some share a mark by chance
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


def _unpacked(fields: list[str]) -> Subscriber:
    number, user, password, pin, bits, allow, block, treatment = fields
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
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "surrogatepass")
    return _crc32(encoded)


class _IndexBuilder:
    def __init__(self) -> None:
        self._hashes, self._starts = array("I"), array("Q")

    def add(self, text: str, start: int) -> None:
        self._hashes.append(_hash(text))
        self._starts.append(start)

    def slots(self) -> npt.NDArray[np.uint64]:
        """The slots of an index."""
        hashes, starts = np.array(self._hashes, np.uint64), np.array(self._starts, np.uint64)
        order = hashes.argsort(kind="stable")
        hashes, starts = hashes[order], starts[order]
        # Each has its place, or the next one that those before it have left free.
        bits, numbers = _place_bits(len(hashes)), np.arange(len(hashes))
        places = (hashes >> np.uint64(_HASH_BITS - bits)).astype(np.int64) - numbers
        places = np.maximum.accumulate(places) + numbers
        slots = np.zeros(int(places.max(initial=(1 << bits) - 1)) + 2, np.uint64)
        slots[places] = starts << np.uint64(_MARK_BITS) | hashes & np.uint64(_MARK)
        return slots


def _place_bits(texts: int) -> int:
    """The bits of a hash that tell its place: at least every other one of the slots is free, so that searches end."""
    return (2 * texts).bit_length()


class _Rows:
    """Rows of text behind one another, each with its length in front. None starts at 0, which would be a free slot, and
    there is room behind the last to read as much as a row usually has."""

    def __init__(self, rows: npt.NDArray[np.uint8]) -> None:
        self._bytes = rows.data

    def fields(self, start: int) -> list[str]:
        """The fields of the row that starts there."""
        return self._row(start).decode().split(SEPARATOR)

    def __iter__(self) -> Iterator[list[str]]:
        start, end = 1, len(self._bytes) - _USUAL
        while start < end:
            row = self._row(start)
            yield row.decode().split(SEPARATOR)
            start += 1 + len(row) + len(_END)

    def _row(self, start: int) -> bytes:
        beginning: bytes = _beginning(self._bytes, start)[0]
        length = beginning[0]
        return beginning[1 : 1 + length] if length < _LONG else self._long(start + 1)

    def _long(self, start: int) -> bytes:
        length = _USUAL
        while True:
            length *= 4
            row, end, _ = self._bytes[start : start + length].tobytes().partition(_END)
            if end:
                return row


class _Index:
    """Finds the row that has a text in one of its fields, for 16 to 32 bytes a text.

    The hash of a text has its place among the slots, and stands there or behind others in the next ones, before a free
    one: a look-up waits for memory once. A slot holds where a row starts, then the last bits of the hash.
    """

    def __init__(self, slots: npt.NDArray[np.uint64], rows: _Rows, field: int) -> None:
        self.texts = int(np.count_nonzero(slots))
        self._shift = _HASH_BITS - _place_bits(self.texts)
        self._slots = slots.data
        self._rows = rows
        self._field = field

    def find(self, text: str) -> Subscriber | None:
        wanted, slots = _hash(text), self._slots
        place, mark = wanted >> self._shift, wanted & _MARK
        while (slot := slots[place]) != _FREE:
            if slot & _MARK == mark:
                fields = self._rows.fields(slot >> _MARK_BITS)
                if fields[self._field] == text:
                    return _unpacked(fields)
            place += 1
        return None
