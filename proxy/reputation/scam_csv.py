"""Scam lists as files: CSV with the columns number,category,confidence,source,expires, the last four optional.

`number` is E.164, a prefix ends in `*`; `confidence` is 0 to 1 (empty: 1); an empty `source` is the file's name;
`expires` is the last day (ISO 8601, UTC) on which the row counts, empty for ever. Every row is read, or an error with
line and column; lines with nothing in them are no rows. All errors are told at once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from operator import itemgetter
from pathlib import Path
from struct import Struct
from typing import Any

from proxy.files.last_good import Extent
from proxy.files.yaml_file import FileError, FileErrors, did_you_mean
from proxy.numbers.patterns import without_trunk_prefix
from proxy.numbers.plans import dialled_behind_code

COLUMNS = ("number", "category", "confidence", "source", "expires")
CONFIDENCE_STEPS = 10_000  # confidence is kept to four decimals
EPOCH = date(1970, 1, 1).toordinal()
NEVER = 0  # as a day of expiry
# digits after the +, whether a prefix, then category, confidence, source and day of expiry
ROW = Struct("<Q?HHHH")

_NUMBER = re.compile(r"\+([1-9][0-9]{4,14}(?!\*)|(?:[1-9][0-9]{0,14})?(?=\*))(\*?)")
_CONFIDENCE = re.compile(r"[01]|[01]?\.[0-9]{1,4}")
_MOST = 65_536  # different names, and days since 1970
_SHOWN = 50
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}  # that other programs put for the comma
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # its byte order mark, as it comes out of the UTF-8 decoder
NONE_REFUSED: Mapping[str, str] = {}


def read_rows(
    paths: Iterable[Path], refused: Mapping[str, str] = NONE_REFUSED, known: Collection[Path] = ()
) -> tuple[bytearray, list[str], list[Extent]]:
    """Packed ROWs, the names that their categories and sources stand for, and how many rows each file has.

    `refused` are prefixes that no row may have, each with what is wrong with it. Of `known` files one may be missing:
    its extent says so. Raises FileErrors.
    """
    rows, names, errors, extents = bytearray(), _Names(), _Errors(), []
    for path in paths:
        before = len(rows)
        try:
            # a byte that is no UTF-8 becomes a surrogate, which no field may hold
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                reader = _FileReader(path, file, names, errors, refused)
                reader.read(rows)
            extents.append(Extent(str(path), (len(rows) - before) // ROW.size, reader.ended))
        except FileNotFoundError:
            if path in known:
                extents.append(Extent.gone(str(path)))
            else:
                errors.add(FileError.whole(path, "no such file or directory"))
        except OSError as error:
            errors.add(FileError.whole(path, (error.strerror or str(error)).lower()))
    if errors.count:
        raise FileErrors(errors.kept, errors.count - len(errors.kept))
    return rows, list(names), extents


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

    def __init__(
        self, path: Path, lines: Iterable[str], names: _Names, errors: _Errors, refused: Mapping[str, str]
    ) -> None:
        self.ended = True  # the last line read has an end
        self._path, self._errors, self._refused = path, errors, refused
        self._dialled = dialled_behind_code()
        self._raw: list[str] = []
        self._rows = csv.reader(self._keep(lines), strict=True)
        self._read: dict[str, Callable[[str], Any]] = {
            "number": self._number if refused else partial(_number, self._dialled),
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
        line = "\n"
        for line in lines:
            self._raw.append(line)
            yield line
        self.ended = line[-1] in "\r\n"

    def _header(self) -> list[str]:
        try:
            header = next(self._rows, [])
        except csv.Error:
            if not self._is_foreign():
                raise
            return []
        if self._is_foreign():
            return []
        unknown = [column for column in header if column not in COLUMNS]
        for column in unknown:
            found = f'unknown column "{_printable(column)}"' if column else "a column without a name"
            self._wrong(header.index(column), found, did_you_mean(column, COLUMNS))
        if "number" not in header or len(set(header)) < len(header):
            self._wrong(0, f'"{_printable(",".join(header))}"', f"the columns {','.join(COLUMNS)}")
            return []
        return [] if unknown else header

    def _is_foreign(self) -> bool:
        """Report a first line that other programs wrote in a way of their own."""
        line = "".join(self._raw)
        columns = line.strip().lower().replace('"', "")
        mark = next((mark for mark in _SEPARATORS if mark in columns and "number" in columns.split(mark)), "")
        if line.startswith(_UTF_16):
            self._wrong(0, "UTF-16", "UTF-8 text")
        elif mark and "," not in columns:
            self._wrong(0, f"fields separated by {_SEPARATORS[mark]}", "commas between them")
        else:
            return False
        return True

    def _body(self, header: list[str], packed: bytearray) -> None:
        pack, width = ROW.pack, len(header)
        number, category, confidence, source, expires = (self._read[column] for column in COLUMNS)
        pick = itemgetter(*(header.index(column) if column in header else -1 for column in COLUMNS))
        self._raw.clear()
        for row in self._rows:
            if len(row) == width:
                row.append("")  # what a column that is not there holds
                try:
                    a, b, c, d, e = pick(row)
                    packed += pack(*number(a), category(b), confidence(c), source(d), expires(e))
                except ValueError:
                    self._explain(header, row)
            elif row:
                self._miscounted(header, row)
            self._raw.clear()

    def _explain(self, header: list[str], row: list[str]) -> None:
        """Say what is wrong with each field of a row."""
        for index, (column, text) in enumerate(zip(header, row, strict=False)):
            try:
                self._read[column](text)
            except ValueError as error:
                self._wrong(index, f'"{_printable(text)}"', str(error))

    def _miscounted(self, header: list[str], row: list[str]) -> None:
        """Point to the last field of a short row, to the first one too many of a long one."""
        found = f"{len(row)} field{'s' * (len(row) != 1)}"
        self._wrong(min(len(row) - 1, len(header)), found, f"{len(header)}, as the first line says")

    def _number(self, text: str) -> tuple[int, bool]:
        if text[-1:] == "*" and (wrong := self._refused.get(text)):
            raise ValueError(wrong)
        return _number(self._dialled, text)

    def _wrong(self, field: int, found: str, expected: str) -> None:
        line, column = _position("".join(self._raw), field)
        first = self._rows.line_num - len(self._raw)
        self._errors.add(FileError(self._path, first + line, column, found, expected))


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\n", " ").replace("\0", "\ufffd")


def _position(raw: str, field: int) -> tuple[int, int]:
    """Line and column, counted from 1, at which a field of a row begins."""
    quoted, start = False, 0
    for index, character in enumerate(raw):
        if field == 0:
            break
        quoted ^= character == '"' and raw[start] == '"'  # elsewhere than around a field it is a sign like others
        if character == "," and not quoted:
            field, start = field - 1, index + 1
    before = raw[:start]
    return before.count("\n") + 1, start - before.rfind("\n")


def _number(dialled: Collection[str], text: str) -> tuple[int, bool]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError('an E.164 number such as "+23224999001" or a prefix that ends in *, such as "+23224*"')
    may_be_dialled = text[:3] in dialled or text[:4] in dialled or text[:5] in dialled
    if may_be_dialled and (right := without_trunk_prefix(text)) != text:
        raise ValueError(f'"{right}": the prefix that is dialled within the country is no part of an E.164 number')
    return int(match[1] or 0), bool(match[2])


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
