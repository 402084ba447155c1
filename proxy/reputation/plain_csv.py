"""Plain CSV read many rows at once: where fields begin and end, and what they hold, are numbers in arrays.

A block of lines is plain if each has as many fields as the first line of the file says and holds no quote but around
whole fields, with no comma in them, no carriage return but at its end, and no NUL. Whatever is not, or holds anything
that is no row of a scam list, comes back as None: who reads row by row says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_FRONT = 64  # bytes before the first field, so that the words up to a field's end can be taken
_LONGEST = 32  # bytes of a text
_WORD = 8
_ZEROS, _OVER_NINE, _HIGH_BITS = (np.uint64(int(byte * _WORD, 16)) for byte in ("30", "76", "80"))
_DIGITS = 15  # of the longest E.164 number
_SHORTEST = 5  # digits of a whole number on a list
_TENS = np.array([10**n for n in range(_DIGITS + 1)], np.uint64)
_FEW, _MANY = 10, 16  # bits of a slot's number: at first, and once two texts would have the same
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64)
_PROBES = (np.uint64(1), np.uint64(0xFF51AFD7ED558CCD))
_UNKNOWN = -1


class Block:
    """The fields of a plain block of lines: `starts` and `ends` in its bytes, a row a line, a column a field."""

    def __init__(self, lines: bytes) -> None:
        self._bytes = bytes(_FRONT) + lines
        self._words = np.ndarray((len(self._bytes) - _WORD + 1,), "<u8", self._bytes, 0, (1,))
        self._at = np.frombuffer(self._bytes, np.uint8)
        self.starts = self.ends = np.empty((0, 0), np.int64)

    @classmethod
    def of(cls, lines: bytes, width: int) -> Block | None:
        """The fields of whole lines, each ended; None where these are not plain."""
        if b"\r" in lines:
            lines = lines.replace(b"\r\n", b"\n")
        if b"\r" in lines or b"\0" in lines:
            return None
        if b'"' in lines:
            if not _quotes_are_plain(lines):
                return None
            lines = lines.replace(b'"', b"")
        block = cls(lines)
        at = block._at
        separators = np.flatnonzero((at == ord(",")) | (at == ord("\n")))
        rows, rest = divmod(len(separators), width)
        if rest or not np.all(at[separators[width - 1 :: width]] == ord("\n")):
            return None
        if np.count_nonzero(at == ord("\n")) != rows:
            return None
        starts = np.empty_like(separators)
        starts[0] = _FRONT
        starts[1:] = separators[:-1] + 1
        block.starts, block.ends = starts.reshape(rows, width), separators.reshape(rows, width)
        return block

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, row: int, column: int) -> str:
        """A field; a byte that is no UTF-8 becomes a surrogate."""
        field = self._bytes[self.starts[row, column] : self.ends[row, column]]
        return field.decode("utf-8", "surrogateescape")

    def numbers(self, column: int) -> tuple[Words, npt.NDArray[np.bool_], Integers] | None:
        """E.164 numbers and prefixes: the digits as an integer, true for a prefix, and how many digits there are."""
        starts, ends = self.starts[:, column], self.ends[:, column]
        if not np.all(self._at[starts] == ord("+")):
            return None
        prefix = self._at[ends - 1] == ord("*")
        ends = ends - prefix
        digits = ends - starts - 1
        if not np.all((digits <= _DIGITS) & np.where(prefix, digits >= 0, digits >= _SHORTEST)):
            return None
        low, high = (self._word(ends, digits, index) for index in (0, 1))
        low, high = ((word ^ _ZEROS) & _kept(digits, index) for index, word in ((0, low), (1, high)))
        if np.any((low | (low + _OVER_NINE) | high | (high + _OVER_NINE)) & _HIGH_BITS):
            return None
        values = _value(high) * np.uint64(10**_WORD) + _value(low)
        if np.any((values < _TENS[digits - 1]) & (digits > 0)):  # a zero in front
            return None
        return values, prefix, digits

    def keys(self, column: int) -> list[Words] | None:
        """The bytes of the fields of a column as words, from their ends; None where one is long."""
        ends = self.ends[:, column]
        lengths = ends - self.starts[:, column]
        longest = int(lengths.max(initial=0))
        if longest > _LONGEST:
            return None
        return [self._word(ends, lengths, index) for index in range(max(1, -(-longest // _WORD)))]

    def _word(self, ends: Integers, lengths: Integers, index: int) -> Words:
        """The eight bytes that end `index` words before the ends, without what belongs to no field."""
        return self._words[ends - _WORD * (index + 1)] & _kept(lengths, index)


class Texts:
    """The values of a column's texts, each text read once; `read` raises ValueError for those that are wrong.

    Texts are looked up in a table by a hash of their words, a whole column at once; who is not found there is read. The
    table is small at first: most lists are, and to make room for many takes longer than to read a few rows.
    """

    def __init__(self, read: Callable[[str], int]) -> None:
        self._read = read
        self._known: dict[str, int] = {}
        self._placed: list[tuple[int, list[Any], Words]] = []  # of the small table, to be put into the large one
        self._most = 1  # words of a known text
        self._empty(_FEW)

    def _empty(self, bits: int) -> None:
        """Have an empty table."""
        self._shift = np.uint64(64 - bits)
        self._values = np.full(1 << bits, _UNKNOWN, np.int32)
        self._words = np.zeros((_LONGEST // _WORD, 1 << bits), np.uint64)

    def column(self, block: Block, column: int) -> npt.NDArray[np.uint16] | None:
        """The values of a column; None where a text is wrong or long."""
        keys = block.keys(column)
        if keys is None:
            return None
        hashes = _hashes(keys)
        values = self._found(keys, hashes, _PROBES[0])
        missed = np.flatnonzero(values == _UNKNOWN)
        if len(missed):
            keys = [key[missed] for key in keys]
            again = self._found(keys, hashes[missed], _PROBES[1])
            values[missed] = again
            for place in np.flatnonzero(again == _UNKNOWN).tolist():
                row = int(missed[place])
                text = block.text(row, column)
                try:
                    values[row] = self._learn(text, [key[place] for key in keys], hashes[row : row + 1])
                except ValueError:
                    return None
        return values.astype(np.uint16)

    def _found(self, keys: list[Words], hashes: Words, probe: np.uint64) -> npt.NDArray[np.int32]:
        slots = self._slots(hashes, probe)
        found = self._values.take(slots)
        for index in range(max(len(keys), self._most)):
            known = self._words[index].take(slots)
            same = known == keys[index] if index < len(keys) else known == 0
            if not same.all():
                found[~same] = _UNKNOWN
        return found

    def _learn(self, text: str, words: list[Any], hashed: Words) -> int:
        value = self._known.get(text)
        if value is None:
            value = self._known[text] = self._read(text)
            if len(self._values) < 1 << _MANY:
                self._placed.append((value, words, hashed.copy()))
                if self._values[int(self._slots(hashed, _PROBES[0])[0])] != _UNKNOWN:
                    self._empty(_MANY)
                    for each in self._placed:
                        self._place(*each)
                    return value
            self._place(value, words, hashed)
        return value

    def _place(self, value: int, words: list[Any], hashed: Words) -> None:
        free = [slot for probe in _PROBES if self._values[slot := int(self._slots(hashed, probe)[0])] == _UNKNOWN]
        if free:
            self._words[: len(words), free[0]] = words
            self._values[free[0]] = value
            self._most = max(self._most, len(words))

    def _slots(self, hashes: Words, probe: np.uint64) -> Words:
        return (hashes * probe) >> self._shift


class Beginnings:
    """Tells which numbers begin with one of some patterns of up to four digits behind a plus."""

    _DIGITS = 4

    def __init__(self, beginnings: Collection[str]) -> None:
        self._begins = np.zeros(10**self._DIGITS, np.bool_)
        for each in beginnings:
            width = 10 ** (self._DIGITS - len(each) + 1)
            start = int(each[1:]) * width
            self._begins[start : start + width] = True

    def rows(self, values: Words, digits: Integers) -> list[int]:
        """The rows of numbers that may begin so; short ones may all."""
        first = values // _TENS[np.maximum(digits - self._DIGITS, 0)]
        return np.flatnonzero(self._begins[first] | (digits < self._DIGITS)).tolist()


def is_any(values: Words, digits: Integers, patterns: Collection[tuple[int, int]]) -> bool:
    """True where one of the numbers is one of `patterns`, given as integer and count of digits."""
    keys = values * np.uint64(_DIGITS + 1) + digits.astype(np.uint64)
    wanted = np.array([value * (_DIGITS + 1) + count for value, count in patterns], np.uint64)
    return bool(np.isin(keys, wanted).any())


def _quotes_are_plain(lines: bytes) -> bool:
    """True if all quotes are around whole fields that hold no comma, line or quote."""
    at = np.frombuffer(b"\n" + lines, np.uint8)  # ended, so that something follows each quote
    quotes = np.flatnonzero(at == ord('"'))
    if len(quotes) % 2:
        return False
    is_separator = (at == ord(",")) | (at == ord("\n"))
    opening, closing = quotes[::2], quotes[1::2]
    if not (is_separator[opening - 1].all() and is_separator[closing + 1].all()):
        return False
    before = is_separator.cumsum()
    return bool((before[opening] == before[closing]).all())


def _kept(lengths: Integers, index: int) -> Words:
    """A mask of the bytes of word `index` that belong to a field of some length; all words are counted from the end."""
    missing = np.clip(_WORD * (index + 1) - lengths, 0, _WORD)
    masks: Words = _MASKS.take(missing)
    return masks


_MASKS = np.array([(2**64 - 1) << 8 * missing & 2**64 - 1 for missing in range(_WORD + 1)], np.uint64)


def _value(word: Words) -> Words:
    """The value of eight digits, the first of which is in the lowest byte."""
    pairs = word * np.uint64(10) + (word >> np.uint64(8))
    low, high = pairs & np.uint64(0x000000FF000000FF), pairs >> np.uint64(16) & np.uint64(0x000000FF000000FF)
    return (low * np.uint64(100 + (1_000_000 << 32)) + high * np.uint64(1 + (10_000 << 32))) >> np.uint64(32)


def _hashes(keys: list[Words]) -> Words:
    hashes: Words = keys[0] * _MIX[0]
    for index in range(1, len(keys)):
        hashes ^= keys[index] * _MIX[index]
    return hashes ^ hashes >> np.uint64(29)
