"""Scam lists read row by row, to the letter of CSV, with the line and column of whatever is wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from pathlib import Path
from struct import Struct
from typing import Any

from proxy.files.yaml_file import FileError, did_you_mean
from proxy.numbers.plans import dialled_behind_code
from proxy.reputation.scam_fields import COLUMNS, Memo, Names, confidence, expires, number

# digits after the +, whether a prefix, then category, confidence, source and day of expiry
ROW = Struct("<Q?HHHH")

_SHOWN = 50
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}  # that other programs put for the comma
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # its byte order mark, as it comes out of the UTF-8 decoder
_AT_ONCE = 1 << 16  # rows


class Errors:
    """The first errors of all files, and how many there are."""

    def __init__(self) -> None:
        self.kept: list[FileError] = []
        self.count = 0

    def add(self, error: FileError) -> None:
        """Keep one more error, or count it."""
        self.count += 1
        if len(self.kept) < _SHOWN:
            self.kept.append(error)

    def forget(self, count: int) -> None:
        """Go back to the first `count` errors."""
        del self.kept[count:]
        self.count = count


class RowReader:
    """Reads lines of one file; those of the row at hand are kept, to say where in them an error is.

    `before` is the number of lines in front of these.
    """

    def __init__(
        self,
        path: Path,
        lines: Iterable[str],
        names: Names,
        errors: Errors,
        refused: Mapping[str, str],
        before: int = 0,
    ) -> None:
        self.ended = True  # the last line read has an end
        self._path, self._errors, self._refused, self._before = path, errors, refused, before
        self._dialled = dialled_behind_code()
        self._raw: list[str] = []
        self._rows = csv.reader(self._keep(lines), strict=True)
        self._read: dict[str, Callable[[str], Any]] = {
            "number": self._number if refused else partial(number, self._dialled),
            "category": names.__getitem__,
            "confidence": Memo(confidence).__getitem__,
            "source": lambda name: names[name or path.stem],
            "expires": Memo(expires).__getitem__,
        }

    @property
    def lines(self) -> int:
        """The number of lines read; a carriage return alone ends one as well."""
        return self._rows.line_num

    def read(self) -> Iterator[bytes]:
        """The rows of a whole file as packed ROWs, some at a time; its errors are added to those of all files."""
        try:
            if header := self.header():
                yield from self.body(header)
        except csv.Error as error:
            self._wrong(0, str(error), "CSV, where quotes go in pairs")

    def header(self) -> list[str]:
        """The names of the columns, in the first line; none where these are wrong. Raises csv.Error."""
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

    def body(self, header: list[str]) -> Iterator[bytes]:
        """The rows below the first line as packed ROWs, some at a time. Raises csv.Error."""
        pack, width, packed = ROW.pack, len(header), bytearray()
        read_number, category, read_confidence, source, read_expires = (self._read[column] for column in COLUMNS)
        pick = itemgetter(*(header.index(column) if column in header else -1 for column in COLUMNS))
        self._raw.clear()
        for row in self._rows:
            if len(row) == width:
                row.append("")  # what a column that is not there holds
                try:
                    a, b, c, d, e = pick(row)
                    packed += pack(*read_number(a), category(b), read_confidence(c), source(d), read_expires(e))
                except ValueError:
                    self._explain(header, row)
            elif row:
                self._miscounted(header, row)
            self._raw.clear()
            if len(packed) == _AT_ONCE * ROW.size:
                yield bytes(packed)
                packed.clear()
        yield bytes(packed)

    def _keep(self, lines: Iterable[str]) -> Iterator[str]:
        line = "\n"
        for line in lines:
            self._raw.append(line)
            yield line
        self.ended = line[-1] in "\r\n"

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
        return number(self._dialled, text)

    def _wrong(self, field: int, found: str, expected: str) -> None:
        line, column = _position("".join(self._raw), field)
        first = self._before + self._rows.line_num - len(self._raw)
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
