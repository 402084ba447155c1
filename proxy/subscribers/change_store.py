"""A store in which subscribers' own changes outlast a restart: a table of an SQLite file, made with the first change.

`subscribers: x.yaml` has it beside itself, in `x.changes.db`; `sqlite:///x.db` is the file itself. The table holds a
row for each field that somebody changed; the value is JSON.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from proxy.files.yaml_file import FileError, FileErrors
from proxy.subscribers.changes import BARRINGS, LAST_WRONG_PIN, WRONG_PINS, Change

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    number TEXT NOT NULL,  -- E.164
    field TEXT NOT NULL,
    value TEXT NOT NULL,   -- JSON
    PRIMARY KEY (number, field)
) WITHOUT ROWID
"""
_SAVE = "INSERT INTO changes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_LOAD = "SELECT number, field, value FROM changes ORDER BY number, field"
# As texts put them on lists; patterns of former versions may stand for nothing, which is no reason not to start.
_Pattern = Annotated[str, Field(pattern=r"^\+?[0-9]{1,20}\*?$")]
_TYPES: dict[str, TypeAdapter[Any]] = {
    **dict.fromkeys((*BARRINGS, "notify"), TypeAdapter(bool)),
    **dict.fromkeys(("allow", "block"), TypeAdapter(tuple[_Pattern, ...])),
    WRONG_PINS: TypeAdapter(int),
    LAST_WRONG_PIN: TypeAdapter(float),
}
_SHOWN = 50  # errors kept


class ChangeStore:
    """The changes to the subscribers at one `location`, as the config gives it. It blocks: no call may wait for it."""

    def __init__(self, location: str) -> None:
        database = location.startswith("sqlite:///")
        self.path = Path(location.removeprefix("sqlite:///")) if database else Path(location).with_suffix(".changes.db")

    def load(self) -> list[Change]:
        """The saved changes; none before anybody's first change. Raises FileErrors."""
        if not self.path.is_file():
            return []
        errors: list[FileError] = []
        try:
            with closing(sqlite3.connect(self.path)) as database:
                made = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'changes'")
                changes = list(self._read(database.execute(_LOAD), errors)) if made.fetchone() else []
        except sqlite3.Error as error:
            expected = "an SQLite database of subscribers' own changes"
            raise FileErrors([FileError(self.path, 1, 1, str(error), expected)]) from None
        if errors:
            raise FileErrors(errors[:_SHOWN], len(errors) - len(errors[:_SHOWN]))
        return changes

    def save(self, changes: Iterable[Change]) -> None:
        """Keep these, all or none. Raises sqlite3.Error, OSError."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(_SCHEMA)
            rows = [(change.number, change.field, json.dumps(change.value)) for change in changes]
            database.executemany(_SAVE, rows)

    def forget(self, number: str, fields: Iterable[str]) -> None:
        """Take changes of one subscriber back. Raises sqlite3.Error."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(_SCHEMA)
            database.executemany("DELETE FROM changes WHERE number = ? AND field = ?", [(number, f) for f in fields])

    def _read(self, rows: Iterable[tuple[str, str, str]], errors: list[FileError]) -> Iterator[Change]:
        for line, (number, field, text) in enumerate(rows, 1):
            try:
                yield Change(number, field, _TYPES[field].validate_json(text))
            except KeyError:
                errors.append(FileError(self.path, line, 2, f'field "{field}"', f"one of {', '.join(sorted(_TYPES))}"))
            except ValidationError:
                errors.append(FileError(self.path, line, 3, f"{field} {text}", f"a value of {field} as JSON"))
