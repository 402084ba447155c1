"""Scam lists as files: CSV with the columns number,category,confidence,source,expires, the last four optional.

`number` is E.164, a prefix ends in `*`; `confidence` is 0 to 1 (empty: 1); an empty `source` is the file's name;
`expires` is the last day (ISO 8601, UTC) on which the row counts, empty for ever. Every row is read, or an error with
line and column; lines with nothing in them are no rows. All errors are told at once.

Blocks of plain rows are read as columns, ten times as fast as others: those are read row by row.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from proxy.files.last_good import Extent
from proxy.files.yaml_file import FileError, FileErrors
from proxy.numbers.plans import dialled_behind_code, whole_behind_code
from proxy.reputation.csv_rows import Errors, RowReader
from proxy.reputation.plain_csv import Beginnings, Block, Texts, is_any
from proxy.reputation.scam_fields import CONFIDENCE_STEPS, NEVER, Names, confidence, expires, number
from proxy.reputation.sorted_rows import Rows, SortedRows, digits_of, keys_of, rows_of

NONE_REFUSED: Mapping[str, str] = {}
_BLOCK = 1 << 18  # bytes: what is made of it stays in the processor's cache
_FIRST_BLOCK = 1 << 12  # texts that return are known soon
_LONGEST_LINE = 1 << 16
_PACKED = np.dtype(  # as csv_rows.ROW packs them
    [("number", "<u8"), ("prefix", "?"), *((name, "<u2") for name in ("category", "confidence", "source", "expires"))]
)


def read_rows(
    paths: Iterable[Path], rows: SortedRows, refused: Mapping[str, str] = NONE_REFUSED, known: Collection[Path] = ()
) -> tuple[list[str], list[Extent]]:
    """Put the rows of files to `rows`; return the names of their categories and sources, and how many each file has.

    `file` of a row is its file's place among `paths`. `refused` are prefixes that no row may have, each with what is
    wrong with it. Of `known` files one may be missing: its extent says so. Raises FileErrors.
    """
    names, errors, extents = Names(), Errors(), []
    reader = _Reader(names, errors, refused)
    for index, path in enumerate(paths):
        before = len(rows)
        try:
            ended = reader.read(path, index, rows)
            extents.append(Extent(str(path), len(rows) - before, ended))
        except FileNotFoundError:
            if path in known:
                extents.append(Extent.gone(str(path)))
            else:
                errors.add(FileError.whole(path, "no such file or directory"))
        except OSError as error:
            errors.add(FileError.whole(path, (error.strerror or str(error)).lower()))
    if errors.count:
        raise FileErrors(errors.kept, errors.count - len(errors.kept))
    return list(names), extents


class _Reader:
    """Reads files one after the other, all with the same names and errors."""

    def __init__(self, names: Names, errors: Errors, refused: Mapping[str, str]) -> None:
        self._names, self._errors, self._refused = names, errors, refused
        self._dialled = dialled_behind_code()
        self._may_be_dialled = _may_be_dialled()
        self._is_whole = whole_behind_code().fullmatch
        self._refused_numbers = [(int(each[1:-1] or 0), len(each) - 2) for each in refused]
        self._texts = {
            "category": Texts(names.__getitem__),
            "confidence": Texts(confidence),
            "expires": Texts(expires),
        }

    def read(self, path: Path, index: int, rows: SortedRows) -> bool:
        """Put the rows of one file to the others; return True if its last line has an end. Raises OSError."""
        errors, before = self._errors.count, len(rows)
        with path.open("rb") as file:
            try:
                return self._read_blocks(path, file, index, rows)
            except csv.Error:  # quotes that go over several blocks, or lines that end in a carriage return
                pass
        if len(rows) > before:
            rows.drop(index)
        self._errors.forget(errors)
        # a byte that is no UTF-8 becomes a surrogate, which no field may hold
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reader = RowReader(path, lines, self._names, self._errors, self._refused)
            for packed in reader.read():
                rows.add(_unpacked(packed, index))
            return reader.ended

    def _read_blocks(self, path: Path, file: BinaryIO, index: int, rows: SortedRows) -> bool:
        line = _whole_lines(file, 0)
        if b"\r" in line.removesuffix(b"\r\n"):
            raise csv.Error("lines that end in a carriage return")
        first = RowReader(path, _lines(line, "utf-8-sig"), self._names, self._errors, self._refused)
        header, ended, before = first.header(), line[-1:] in b"\r\n", 1
        if not header:
            return ended
        sources = Texts(lambda name: self._names[name or path.stem])
        size = _FIRST_BLOCK
        while lines := _whole_lines(file, size):
            size = min(2 * size, _BLOCK)
            ended = lines[-1:] in b"\r\n"
            plain = self._plain(lines if ended else lines + b"\n", header, sources, path, index)
            if plain is not None:
                rows.add(plain)
                before += len(plain)
            else:
                those = RowReader(path, _lines(lines), self._names, self._errors, self._refused, before)
                for packed in those.body(header):
                    rows.add(_unpacked(packed, index))
                before += those.lines
        return ended

    def _plain(self, lines: bytes, header: list[str], sources: Texts, path: Path, index: int) -> Rows | None:
        """The rows of a block; None where it is not plain, or has an error."""
        block = Block.of(lines, len(header))
        if block is None or (read := block.numbers(column := header.index("number"))) is None:
            return None
        numbers, prefix, digits = read
        if self._refused and is_any(numbers[prefix], digits[prefix], self._refused_numbers):
            return None
        try:
            for row in self._may_be_dialled.rows(numbers, digits):
                if not self._is_whole(text := block.text(row, column)):
                    number(self._dialled, text)
        except ValueError:
            return None
        attributes = {
            "category": self._names[""] if "category" not in header else 0,
            "confidence": CONFIDENCE_STEPS,
            "source": self._names[path.stem] if "source" not in header else 0,
            "expires": NEVER,
        }
        for name in header:
            if name != "number":
                values = (sources if name == "source" else self._texts[name]).column(block, header.index(name))
                if values is None:
                    return None
                attributes[name] = values  # type: ignore[assignment]
        return rows_of(keys_of(numbers, digits.astype(np.uint64), prefix), **attributes, file=index)


@cache  # one value
def _may_be_dialled() -> Beginnings:
    return Beginnings(dialled_behind_code())


def _whole_lines(file: BinaryIO, size: int) -> bytes:
    """The next lines, of `size` bytes or little more. Raises csv.Error where one is long: it may be the whole file."""
    lines = file.read(size)
    if size and lines[-1:] in (b"\n", b""):
        return lines
    rest = file.readline(_LONGEST_LINE)
    if len(rest) == _LONGEST_LINE and rest[-1:] != b"\n":
        raise csv.Error("a long line")
    return lines + rest


def _lines(block: bytes, encoding: str = "utf-8") -> Iterator[str]:
    return iter(StringIO(block.decode(encoding, "surrogateescape"), newline=""))


def _unpacked(packed: bytes, file: int) -> Rows:
    rows = np.frombuffer(packed, _PACKED)
    numbers = np.ascontiguousarray(rows["number"])
    keys = keys_of(numbers, digits_of(numbers), rows["prefix"])
    attributes = {name: rows[name] for name in ("category", "confidence", "source", "expires")}
    return rows_of(keys, **attributes, file=file)
