"""Scam lists as files: CSV with the columns number,category,confidence,source,expires, the last four optional.

`number` is E.164, a prefix ends in `*`; `confidence` is 0 to 1 (empty: 1); an empty `source` is the file's name;
`expires` is the last day (ISO 8601, UTC) on which the row counts, empty for ever. All errors are told at once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from operator import itemgetter
from pathlib import Path
from struct import Struct
from typing import Any

from proxy.yaml_file import FileError, FileErrors, did_you_mean

COLUMNS = ("number", "category", "confidence", "source", "expires")
CONFIDENCE_STEPS = 10_000  # confidence is kept to four decimals
EPOCH = date(1970, 1, 1).toordinal()
NEVER = 0  # as a day of expiry
# digits after the +, whether a prefix, then category, confidence, source and day of expiry
ROW = Struct("<Q?HHHH")

_NUMBER = re.compile(r"\+([1-9][0-9]{0,14})(\*?)")
_CONFIDENCE = re.compile(r"[01]|[01]?\.[0-9]{1,4}")
_MOST = 65_536  # different names, and days since 1970
_SHOWN = 50


def read_rows(paths: Iterable[Path]) -> tuple[bytearray, list[str]]:
    """Packed ROWs and the names that their categories and sources stand for; raises FileErrors."""
    rows, names, errors = bytearray(), _Names(), _Errors()
    for path in paths:
        try:
            # a byte that is no UTF-8 becomes a surrogate, which no field may hold
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                _FileReader(path, file, names, errors).read(rows)
        except OSError as error:
            errors.add(FileError.whole(path, (error.strerror or str(error)).lower()))
    if errors.count:
        raise FileErrors(errors.kept, errors.count - len(errors.kept))
    return rows, list(names)


class _Errors:
    def __init__(self) -> None:
        self.kept: list[FileError] = []
        self.count = 0

    def add(self, error: FileError) -> None:
        self.count += 1
        if len(self.kept) < _SHOWN:
            self.kept.append(error)


class _Memo(dict[str, int]):
    """Remembers what a text that returns in row after row was read as."""

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> int:
        return self.setdefault(text, self._read(text))


class _Names(dict[str, int]):
    """Category or source -> its index, in the order of their first use."""

    def __missing__(self, name: str) -> int:
        if not name.isprintable():
            raise ValueError("printable UTF-8 text")
        if len(self) == _MOST:
            raise ValueError(f"no more than {_MOST:,} different categories and sources")
        return self.setdefault(name, len(self))


class _FileReader:
    """Reads one file; the lines of the row at hand are kept, to say where in them an error is."""

    def __init__(self, path: Path, lines: Iterable[str], names: _Names, errors: _Errors) -> None:
        self._path, self._errors = path, errors
        self._raw: list[str] = []
        self._rows = csv.reader(self._keep(lines), strict=True)
        self._read: dict[str, Callable[[str], Any]] = {
            "number": _number,
            "category": names.__getitem__,
            "confidence": _Memo(_confidence).__getitem__,
            "source": lambda name: names[name or path.stem],
            "expires": _Memo(_expires).__getitem__,
        }

    def read(self, packed: bytearray) -> None:
        """Append the file's rows to `packed`, its errors to those of all files."""
        try:
            if header := self._header():
                self._body(header, packed)
        except csv.Error as error:
            self._wrong(0, str(error), "CSV, where quotes go in pairs")

    def _keep(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._raw.append(line)
            yield line

    def _header(self) -> list[str]:
        header = next(self._rows, [])
        unknown = [column for column in header if column not in COLUMNS]
        for column in unknown:
            self._wrong(header.index(column), f'unknown column "{column}"', did_you_mean(column, COLUMNS))
        if "number" not in header or len(set(header)) < len(header):
            self._wrong(0, f'"{",".join(header)}"', f"the columns {','.join(COLUMNS)}")
            return []
        return [] if unknown else header

    def _body(self, header: list[str], packed: bytearray) -> None:
        pack, width = ROW.pack, len(header)
        number, category, confidence, source, expires = (self._read[column] for column in COLUMNS)
        pick = itemgetter(*(header.index(column) if column in header else -1 for column in COLUMNS))
        self._raw.clear()
        for row in self._rows:
            try:
                if len(row) != width:
                    raise ValueError(row)
                row.append("")  # what a column that is not there holds
                a, b, c, d, e = pick(row)
                packed += pack(*number(a), category(b), confidence(c), source(d), expires(e))
            except ValueError:
                self._explain(header, row)
            self._raw.clear()

    def _explain(self, header: list[str], row: list[str]) -> None:
        if row and len(row) < len(header):
            self._wrong(len(row) - 1, f"{len(row)} fields", f"{len(header)}, as the first line says")
        elif len(row) > len(header) + 1:
            self._wrong(len(header), f"{len(row)} fields", f"{len(header)}, as the first line says")
        for index, (column, text) in enumerate(zip(header, row, strict=False)):
            try:
                self._read[column](text)
            except ValueError as error:
                shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\n", " ")
                self._wrong(index, f'"{shown}"', str(error))

    def _wrong(self, field: int, found: str, expected: str) -> None:
        line, column = _position("".join(self._raw), field)
        first = self._rows.line_num - len(self._raw)
        self._errors.add(FileError(self._path, first + line, column, found, expected))


def _position(raw: str, field: int) -> tuple[int, int]:
    """Line and column, counted from 1, at which a field of a row begins."""
    quoted, start = False, 0
    for index, character in enumerate(raw):
        if field == 0:
            break
        quoted ^= character == '"'
        if character == "," and not quoted:
            field, start = field - 1, index + 1
    before = raw[:start]
    return before.count("\n") + 1, start - before.rfind("\n")


def _number(text: str) -> tuple[int, bool]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError('an E.164 number such as "+23224999001" or a prefix that ends in *, such as "+23224*"')
    return int(match[1]), bool(match[2])


def _confidence(text: str) -> int:
    if text and not (_CONFIDENCE.fullmatch(text) and float(text) <= 1):
        raise ValueError("a confidence from 0 to 1 with at most four decimals")
    return round(float(text or 1) * CONFIDENCE_STEPS)


def _expires(text: str) -> int:
    try:
        day = date.fromisoformat(text).toordinal() - EPOCH if text else NEVER
    except ValueError:
        day = -1
    if not 0 <= day < _MOST:
        raise ValueError('a date such as "2030-12-31", or nothing')
    return day
