"""The rows of a file of call records, CSV or Parquet: first the names of its columns, then cells, all as text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from simulator.scenario.records import Mapped
from simulator.wording import takes


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, with the line that it is on, counted from 1; `text` is that line, to count columns in.

    Of the names of columns, `numbers` are those that a file keeps as numbers, and not as text.
    """

    line: int
    cells: Sequence[str]
    text: str = ""
    numbers: frozenset[str] = frozenset()


def csv_rows(path: Path, meaning: Mapped) -> Iterator[Row]:
    """The names of the columns, and then the rows. Raises FileErrors where the file is no text."""
    lines = _Lines(path)
    try:
        reader = csv.reader(lines, strict=True)
        header: list[str] | None = None
        begins = 1
        while True:
            lines.seen.clear()
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                wrong = FileError(path, reader.line_num, 1, str(error), "quotes that end, as in CSV")
                raise FileErrors([wrong]) from None
            named = _is_header(cells, meaning)
            if header is None:
                named = named or not meaning.columns
                header = _names(cells) if named else list(meaning.columns)
                yield Row(begins if named else 0, header)
            if cells and not named:
                yield Row(begins, cells, "".join(lines.seen))
            begins = reader.line_num + 1
        if header is None and meaning.columns:
            yield Row(0, meaning.columns)
        elif header is None:
            raise FileErrors([FileError.whole(path, "it is empty: a line with the names of columns is expected")])
    except UnicodeDecodeError as error:
        raise FileErrors(
            [FileError(path, reader.line_num + 1, 1, f"a byte {error.object[error.start]:#04x}", "UTF-8")]
        ) from None


def _is_header(cells: Sequence[str], meaning: Mapped) -> bool:
    """True for a line of names in a file that needs none, as exports may put there, in whatever order."""
    if not cells or _name(cells[0]) not in meaning.columns:  # a row of data, nearly always
        return False
    names = _names(cells)
    return len(names) >= 4 and (names[:4] == list(meaning.columns[:4]) or set(names) <= set(meaning.columns))


def _names(cells: Sequence[str]) -> list[str]:
    return [_name(cell) for cell in cells]


def _name(cell: str) -> str:
    return cell.strip().lstrip("\ufeff")


class _Lines:
    """The lines of a file, with those that were taken since `seen` was emptied."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seen: list[str] = []

    def __iter__(self) -> Iterator[str]:
        with self._path.open(encoding="utf-8", newline="") as file:
            for line in file:
                self.seen.append(line)
                yield line


def parquet_rows(path: Path) -> Iterator[Row]:
    """The names of the columns, and then the rows, all as text. Raises FileErrors where pyarrow is missing, or cannot
    read it."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise FileErrors([FileError.whole(path, takes("reading Parquet", "pyarrow", "data"))]) from None
    try:
        file = parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise FileErrors([FileError.whole(path, f"no Parquet file: {_line(error)}")]) from None
    schema = file.schema_arrow
    numeric = [
        each.name for each in schema if pyarrow.types.is_integer(each.type) or pyarrow.types.is_floating(each.type)
    ]
    yield Row(0, schema.names, numbers=frozenset(numeric))
    line = 0
    try:
        for batch in file.iter_batches(batch_size=10_000):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                yield Row(line, [_text(value) for value in values])
    except (pyarrow.ArrowException, OSError) as error:
        raise FileErrors([FileError.whole(path, f"from row {line + 1} on it cannot be read: {_line(error)}")]) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
