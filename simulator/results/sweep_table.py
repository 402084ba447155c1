"""The rows of a sweep: a journal that grows line by line, so that a sweep can go on where it was ended, and the Parquet
table that is made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from simulator.judging.accuracy import Confusion
from simulator.results.parquet import write_columns

COUNTS = ("scam_blocked", "scam_passed", "legit_blocked", "legit_passed", "faults", "unknown")
RATES = ("scam_recall", "false_block_rate", "precision", "accuracy")
_ENDS = (("", "rate"), (".lower95", "lower end of its 95 % Wilson interval"), (".upper95", "its upper end"))
Entry = tuple[int, Mapping[str, Any], Confusion]  # a point's place, its parameters, what its policy did


class Journal:
    """The rows of a sweep so far, beside its table: `F.parquet` has `F.parquet.part`, as long as rows are missing."""

    def __init__(self, table: Path, fingerprint: str) -> None:
        self.path = table.with_name(f"{table.name}.part")
        self._fingerprint = fingerprint
        self._file: Any = None

    def begin(self, begins: float, *, resume: bool) -> tuple[float, list[Entry]]:
        """Open it, and return the moment that the sweep began at, in epoch seconds, and its rows so far: those of an
        earlier part where it is to `resume`, else `begins` and none. Raises FileErrors where the part is another
        sweep's."""
        rows: list[Entry] = []
        if resume and self.path.exists():
            begins, rows = self._read()
        anew = self.path.with_name(f"{self.path.name}.new")
        with anew.open("w", encoding="utf-8") as self._file:
            self._line({"sweep": self._fingerprint, "begins": begins})
            for row in rows:
                self.add(row)
        anew.replace(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        return begins, rows

    def add(self, entry: Entry) -> None:
        """Write a row; it is on its way to the disk when this returns."""
        number, parameters, confusion = entry
        counts = [getattr(confusion, name) for name in COUNTS]
        self._line({"point": number, "parameters": dict(parameters), "counts": counts})

    def end(self, *, complete: bool) -> None:
        """Close it; of a sweep that is complete nothing is left."""
        if self._file is not None:
            self._file.close()
        if complete:
            self.path.unlink(missing_ok=True)

    def _line(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def _read(self) -> tuple[float, list[Entry]]:
        lines = self.path.read_bytes().split(b"\n")[:-1]  # a line that has no end was cut
        read: list[Any] = []
        try:
            for line in lines:
                read.append((_entry if read else _head)(json.loads(line)))
            (sweep, begins), *rows = read
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            found = lines[len(read)][:40].decode(errors="replace") if lines else ""
            expected = "what a sweep wrote; without --resume it begins anew"
            raise FileErrors([FileError(self.path, len(read) + 1, 1, found, expected)]) from error
        if sweep != self._fingerprint:
            why = "the grid, a scenario, a list or the seed is another one; without --resume it begins anew"
            raise FileErrors([FileError.whole(self.path, f"this is the beginning of another sweep: {why}")])
        return begins, rows


def _head(line: Mapping[str, Any]) -> tuple[str, float]:
    return line["sweep"], float(line["begins"])


def _entry(row: Mapping[str, Any]) -> Entry:
    parameters = {key: tuple(value) if isinstance(value, list) else value for key, value in row["parameters"].items()}
    return row["point"], parameters, Confusion(*row["counts"])


def fingerprint(files: Iterable[Path], *settings: object) -> str:
    """A hash of what the rows of a sweep depend on."""
    digest = hashlib.sha256(repr(settings).encode())
    for file in files:
        digest.update(str(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def write_sweep(target: Path, rows: Sequence[Entry], numbers: Iterable[str]) -> int:
    """Write the rows as Parquet, by point; returns how many. `numbers` are the parameters that are numbers.

    Raises OSError, and FileErrors without pyarrow.
    """
    ordered = sorted(rows, key=lambda row: row[0])
    keys = list(ordered[0][1]) if ordered else []
    numeric = set(numbers)
    columns: dict[str, tuple[str, str, list[Any]]] = {"point": ("int64", "place among the points", [])}
    for key in keys:
        columns[key] = ("double" if key in numeric else "string", "parameter of the policy", [])
    for name in ("calls", *COUNTS):
        columns[name] = ("int64", "calls" if name == "calls" else f"calls: {name.replace('_', ' ')}", [])
    for name in RATES:
        for end, meaning in _ENDS:
            columns[f"{name}{end}"] = ("double", meaning, [])
    for number, parameters, confusion in ordered:
        values = {"point": number, **{key: _cell(parameters[key]) for key in keys}, **dict(_figures(confusion))}
        for name, (_, _, column) in columns.items():
            column.append(values.get(name))
    write_columns(target, columns)
    return len(ordered)


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _figures(confusion: Confusion) -> Iterator[tuple[str, float]]:
    yield "calls", confusion.calls
    for name in COUNTS:
        yield name, getattr(confusion, name)
    for name, rate in confusion.rates.items():
        yield name, rate.value
        yield f"{name}.lower95", rate.lower95
        yield f"{name}.upper95", rate.upper95
