"""Subscribers in an SQLite database: a table with a column for each field.

A row that is well-formed leaves the database as the line of text that the directory keeps, a million of them in a few
seconds; any other is validated field by field, which says what is wrong with it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from proxy.files.expected import expected_by
from proxy.files.yaml_file import FileContext, FileError, FileErrors, Problems
from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import read_pattern
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.profile_fields import SubscriberInFile
from proxy.subscribers.directory import (
    SEPARATOR,
    Directory,
    DirectoryBuilder,
    as_json,
    packed,
    repeats,
    treatment_from,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscribers (
    number TEXT NOT NULL UNIQUE,                        -- E.164
    user TEXT UNIQUE, password TEXT NOT NULL DEFAULT '', pin TEXT,
    roaming INTEGER NOT NULL DEFAULT 0,
    incoming_international INTEGER NOT NULL DEFAULT 0,  -- barring
    outgoing_international INTEGER NOT NULL DEFAULT 0,
    anonymous INTEGER NOT NULL DEFAULT 0,
    allow TEXT NOT NULL DEFAULT '',                     -- numbers and prefixes, separated by spaces
    block TEXT NOT NULL DEFAULT '',
    incoming_international_texts INTEGER NOT NULL DEFAULT 0,  -- barring of texts alone
    notify INTEGER NOT NULL DEFAULT 0,                  -- whether a text tells of refused calls
    treatment TEXT NOT NULL DEFAULT '',                 -- by rule, as JSON
    all_incoming INTEGER NOT NULL DEFAULT 0,            -- barring
    all_outgoing INTEGER NOT NULL DEFAULT 0,
    incoming_when_roaming INTEGER NOT NULL DEFAULT 0
)
"""
_SHOWN = 50  # errors kept
_REMEMBERED = 100_000  # lists of numbers
_COLUMNS = (
    *("number", "user", "password", "pin", "roaming"),
    *("incoming_international", "outgoing_international", "anonymous", "allow", "block"),
    *("incoming_international_texts", "notify", "treatment"),
    *("all_incoming", "all_outgoing", "incoming_when_roaming"),
)
_SAVE = (
    f"INSERT INTO subscribers ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT (number) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_SWITCHES = ("notify", "roaming", *Barring.__match_args__)  # the first counts most in the number that they make
_BITS = (
    f"CASE WHEN {' AND '.join(f'{name} IN (0, 1)' for name in _SWITCHES)}"
    f" THEN {' + '.join(f'{name} * {1 << place}' for place, name in enumerate(_SWITCHES[::-1]))} END"
)
_PIN = "CASE pin WHEN '' THEN '?' ELSE ifnull(pin, '') END"
_FIELDS = ("number", "ifnull(user, '')", "ifnull(password, '')", _PIN, _BITS)
_LISTS = ("ifnull(allow, '')", "ifnull(block, '')", "ifnull(treatment, '')")
_PACKED = f" || char({ord(SEPARATOR)}) || ".join((*_FIELDS, *_LISTS))
_WELL_FORMED = re.compile(
    r"(\+[1-9][0-9]{1,14})\x1f([^\x00-\x1f\x7f]*)\x1f[^\x00-\x1f\x7f]*\x1f(?:[0-9]{4,8})?\x1f[0-9]+\x1f"
    r"([^\x1f]*)\x1f([^\x1f]*)\x1f([^\x1f]*)"
)


def save_subscribers(path: Path, subscribers: Iterable[Subscriber]) -> None:
    """Put subscribers into an SQLite database, all or none; it is made where it is missing.

    Who is in it already, by number, is replaced. Raises FileErrors where it is no such database, or where another
    number has one of the user names.
    """
    try:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(_SCHEMA)
            database.executemany(_SAVE, map(_row_of, subscribers))
    except sqlite3.Error as error:
        raise FileErrors([FileError.whole(path, str(error))]) from None


def _row_of(subscriber: Subscriber) -> tuple[Any, ...]:
    fields = subscriber.as_dict() | subscriber.barring.as_dict()
    fields |= {
        "user": subscriber.user or None,
        "allow": " ".join(subscriber.allow),
        "block": " ".join(subscriber.block),
        "treatment": as_json(subscriber.treatment),
    }
    return tuple(fields[name] for name in _COLUMNS)


def read_database(path: Path, numbering: Numbering) -> Directory:
    """Read the table `subscribers`, and change nothing; a wrong value is placed by rowid and column.

    `numbering` reads the numbers on their lists. Raises FileErrors.
    """
    if not path.is_file():
        advice = f"ringfence subscribers import subscribers.yaml sqlite:///{path}"
        raise FileErrors([FileError.whole(path, f"no such file; make the database with `{advice}`")])
    errors: list[FileError] = []
    try:
        # mode=rw, not ro: a database in WAL mode would be left with two files beside it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
            database.execute("PRAGMA query_only=on")
            directory = _read_rows(path, database, numbering, errors)
            if errors or repeats(directory):
                errors += _repeated(path, database)
    except sqlite3.Error as error:
        raise FileErrors([FileError.whole(path, f"{error}; expected an SQLite database of subscribers")]) from None
    if errors:
        raise FileErrors(errors[:_SHOWN], len(errors) - len(errors[:_SHOWN]))
    return directory


def _read_rows(path: Path, database: sqlite3.Connection, numbering: Numbering, errors: list[FileError]) -> Directory:
    builder = DirectoryBuilder()
    well_formed, lists, treatments = _WELL_FORMED.fullmatch, _Remembered(numbering), _Treatments()
    one = f"SELECT rowid, {', '.join(_COLUMNS)} FROM subscribers WHERE rowid = ?"  # noqa: S608
    for rowid, row in database.execute(f"SELECT rowid, {_PACKED} FROM subscribers ORDER BY rowid"):  # noqa: S608
        match = well_formed(row) if row else None
        if match is not None:
            number, user, allow, block, treatment = match.groups()
            if not (allow or block or treatment):
                builder.add(row, number, user)
                continue
            try:
                those = SEPARATOR.join((lists[allow], lists[block], treatments[treatment]))
                builder.add(row[: match.start(3)] + those, number, user)
                continue
            except ValueError:
                pass
        for subscriber in _valid(path, database.execute(one, (rowid,)), numbering, errors):
            builder.add(packed(subscriber), subscriber.number, subscriber.user)
    return Directory(tables=builder.tables())


class _Remembered(dict[str, str]):
    """Lists of numbers as they are written -> what they stand for."""

    def __init__(self, numbering: Numbering) -> None:
        super().__init__()
        self._numbering = numbering

    def __missing__(self, text: str) -> str:
        found: dict[str, None] = {}
        for written in text.split():
            found |= dict.fromkeys(read_pattern(written, self._numbering))
        if len(self) >= _REMEMBERED:
            self.clear()
        return self.setdefault(text, " ".join(found))


class _Treatments(dict[str, str]):
    """Treatments as they are written -> as the directory keeps them."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        return self.setdefault(text, as_json(treatment_from(text)) if text else "")


def _repeated(path: Path, database: sqlite3.Connection) -> Iterator[FileError]:
    """The values that several rows have: a table that somebody else made may allow it."""
    for name in ("number", "user"):
        again = f"SELECT max(rowid), {name} FROM subscribers WHERE {name} <> '' GROUP BY {name} HAVING count(*) > 1"  # noqa: S608
        for rowid, value in database.execute(again):
            column = _COLUMNS.index(name) + 1
            yield FileError(path, rowid, column, f'{name} "{value}"', f"a {name} that no other row has")


def _valid(
    path: Path, rows: Iterable[tuple[Any, ...]], numbering: Numbering, errors: list[FileError]
) -> Iterator[Subscriber]:
    validate, context = _SUBSCRIBER, FileContext(path, given=numbering)
    for rowid, *values in rows:
        row = dict(zip(_COLUMNS, values, strict=True))
        fields = {name: row[name] for name in ("number", "pin", "roaming", "notify")}
        fields |= {"user": row["user"] or "", "password": row["password"] or ""}
        fields |= {name: (row[name] or "").split() for name in ("allow", "block")}
        fields["barring"] = {name: row[name] for name in Barring.__match_args__}
        fields["treatment"] = _from_json(row["treatment"] or "{}")
        try:
            yield validate(fields, context=context)
        except ValidationError as invalid:
            for details in invalid.errors():
                column = next(str(step) for step in details["loc"] if step in _COLUMNS)
                place = rowid, _COLUMNS.index(column) + 1
                problems = details.get("ctx", {}).get("error")
                several = problems.problems if isinstance(problems, Problems) else ()
                expectations = [problem.expected for problem in several] or [expected_by(details)]
                found = f'{column} "{row[column]}"'
                errors += [FileError(path, *place, found, expected) for expected in expectations]


_SUBSCRIBER: Callable[..., Subscriber] = TypeAdapter(SubscriberInFile).validate_python


def _from_json(text: str) -> Any:
    """The value of a JSON text; the text itself where it is none, for the validation to refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text
