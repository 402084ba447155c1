"""The fields of a scam list's row: each text is read as a small number, or refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date

from proxy.numbers.patterns import without_trunk_prefix

COLUMNS = ("number", "category", "confidence", "source", "expires")
CONFIDENCE_STEPS = 10_000  # confidence is kept to four decimals
EPOCH = date(1970, 1, 1).toordinal()
NEVER = 0  # as a day of expiry

_NUMBER = re.compile(r"\+([1-9][0-9]{4,14}(?!\*)|(?:[1-9][0-9]{0,14})?(?=\*))(\*?)")
_CONFIDENCE = re.compile(r"[01]|[01]?\.[0-9]{1,4}")
_MOST = 65_536  # different names, and days since 1970


class Memo(dict[str, int]):
    """Remembers what a text that returns in row after row was read as."""

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> int:
        return self.setdefault(text, self._read(text))


class Names(dict[str, int]):
    """Category or source -> its index, in the order of their first use."""

    def __missing__(self, name: str) -> int:
        if not name.isprintable():
            raise ValueError("printable UTF-8 text")
        if len(self) == _MOST:
            raise ValueError(f"no more than {_MOST:,} different categories and sources")
        return self.setdefault(name, len(self))


def number(dialled: Collection[str], text: str) -> tuple[int, bool]:
    """The digits behind the plus as an integer, and True for a prefix; `dialled` is `dialled_behind_code()`."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError('an E.164 number such as "+23224999001" or a prefix that ends in *, such as "+23224*"')
    may_be_dialled = text[:3] in dialled or text[:4] in dialled or text[:5] in dialled
    if may_be_dialled and (right := without_trunk_prefix(text)) != text:
        raise ValueError(f'"{right}": the prefix that is dialled within the country is no part of an E.164 number')
    return int(match[1] or 0), bool(match[2])


def confidence(text: str) -> int:
    """A confidence in 1/10,000; nothing is 1."""
    if text and not (_CONFIDENCE.fullmatch(text) and float(text) <= 1):
        raise ValueError("a confidence from 0 to 1 with at most four decimals")
    return round(float(text or 1) * CONFIDENCE_STEPS)


def expires(text: str) -> int:
    """A day as days since 1970; nothing is never."""
    try:
        day = date.fromisoformat(text).toordinal() - EPOCH if text else NEVER
    except ValueError:
        day = -1
    if not 0 <= day < _MOST:
        raise ValueError('a date such as "2030-12-31", or nothing')
    return day
