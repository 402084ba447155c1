"""Subscribers as they lie in a YAML file or an SQLite database, and the directory that calls look them up in.

A million subscribers take about 80 bytes each: rows of text behind one another, found through sorted arrays; a
Subscriber is made when it is asked for. Nothing of it is known to the garbage collector, whose pauses would
otherwise grow with the number of subscribers.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product, starmap
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from proxy.files.yaml_file import FileContext, FileError, FileErrors, Problem, Problems, expected_by, load
from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Barring, Subscriber, at_home
from proxy.policy.treatments import Treatments, written

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
_DATABASE = "sqlite:///"
_BEHIND_A_DOOR = 8  # hashes, on average
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
_SEPARATOR, _END = "\x1f", b"\n"  # in no field: profile.py refuses control characters
_READ_TREATMENTS: TypeAdapter[Treatments] = TypeAdapter(Treatments)
_UNTREATED: Treatments = {}
_BARRINGS = tuple(starmap(Barring, product((False, True), repeat=len(Barring.__slots__))))
_BARRING_BITS = {barring: bits for bits, barring in enumerate(_BARRINGS)}


class Directory:
    """Immutable; finds subscribers by number and by digest user name, and lists them in the order they came in."""

    def __init__(self, subscribers: Iterable[Subscriber] = ()) -> None:
        rows = bytearray()
        numbers, users = _IndexBuilder(), _IndexBuilder()
        for subscriber in subscribers:
            numbers.add(subscriber.number, len(rows))
            if subscriber.user:
                users.add(subscriber.user, len(rows))
            rows += _pack(subscriber)
        self._rows = bytes(rows)
        self._numbers, self._users = numbers.build(), users.build()
        self._count = len(numbers)

    def find(self, e164: str) -> Subscriber | None:
        """The subscriber with this E.164 number."""
        for start in self._numbers.starts(e164):
            if (subscriber := self._row(start)).number == e164:
                return subscriber
        return None

    def find_user(self, user: str) -> Subscriber | None:
        """The subscriber with this digest user name."""
        for start in self._users.starts(user):
            if (subscriber := self._row(start)).user == user:
                return subscriber
        return None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Subscriber]:
        start = 0
        while start < len(self._rows):
            yield self._row(start)
            start = self._rows.index(_END, start) + 1

    def _row(self, start: int) -> Subscriber:
        text = self._rows[start : self._rows.index(_END, start)].decode()
        number, user, password, pin, bits, allow, block, treatment = text.split(_SEPARATOR)
        flags, barring = divmod(int(bits), len(_BARRINGS))
        return Subscriber(
            number,
            user,
            password,
            pin or None,
            bool(flags & 1),
            _BARRINGS[barring],
            tuple(allow.split()),
            tuple(block.split()),
            bool(flags & 2),
            _treatment(treatment) if treatment else _UNTREATED,
        )


def _pack(subscriber: Subscriber) -> bytes:
    bits = (subscriber.roaming + 2 * subscriber.notify) * len(_BARRINGS) + _BARRING_BITS[subscriber.barring]
    fields = (
        *(subscriber.number, subscriber.user, subscriber.password, subscriber.pin or "", str(bits)),
        *(" ".join(subscriber.allow), " ".join(subscriber.block), _as_json(subscriber.treatment)),
    )
    return _SEPARATOR.join(fields).encode() + _END


def _as_json(treatment: Treatments) -> str:
    """Treatments as a line of JSON, "" for none."""
    return json.dumps(written(treatment)) if treatment else ""


@lru_cache(maxsize=1024)  # many have the same
def _treatment(text: str) -> Treatments:
    return _READ_TREATMENTS.validate_json(text)


class _IndexBuilder:
    def __init__(self) -> None:
        self._hashes, self._starts = array("q"), array("q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, text: str, start: int) -> None:
        self._hashes.append(hash(text))
        self._starts.append(start)

    def build(self) -> _Index:
        hashes, starts = np.array(self._hashes, np.int64), np.array(self._starts, np.int64)
        order = hashes.argsort()
        return _Index(hashes[order], starts[order])


class _Index:
    """Hash of a text -> where rows start that may hold it; 16 bytes a text.

    Hashes spread evenly: `_doors` tells for the first bits of one where to look, so that a look-up touches two or three
    places in memory and not twenty.
    """

    def __init__(self, hashes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> None:
        bits = max(len(hashes) // _BEHIND_A_DOOR, 1).bit_length()
        self._shift = 64 - bits
        edges = np.arange(-(1 << bits - 1), 1 << bits - 1, dtype=np.int64) << self._shift
        self._doors = np.append(hashes.searchsorted(edges), len(hashes)).data
        self._middle = 1 << bits - 1
        self._hashes, self._starts = hashes.data, starts.data

    def starts(self, text: str) -> list[int]:
        wanted, hashes = hash(text), self._hashes
        door = (wanted >> self._shift) + self._middle
        end = self._doors[door + 1]
        index = bisect_left(hashes, wanted, self._doors[door], end)
        found = []
        while index < end and hashes[index] == wanted:
            found.append(self._starts[index])
            index += 1
        return found


def read_directory(location: str | None, numbering: Numbering) -> Directory:
    """Read the subscribers at a location as configs name it, none for None; raises FileErrors with all that is wrong
    with them. `numbering` reads the numbers on their lists."""
    if location is None:
        return Directory()
    path = path_of(location)
    if is_database(location):
        return _read_database(path, numbering)
    return Directory(load(path, SubscribersFile, given=numbering).subscribers)


def is_database(location: str) -> bool:
    """True if subscribers lie in an SQLite database; else it is a YAML file."""
    return location.startswith(_DATABASE)


def path_of(location: str) -> Path:
    """The file that subscribers lie in."""
    return Path(location.removeprefix(_DATABASE))


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
    fields = asdict(subscriber) | asdict(subscriber.barring)
    fields |= {
        "user": subscriber.user or None,
        "allow": " ".join(subscriber.allow),
        "block": " ".join(subscriber.block),
        "treatment": _as_json(subscriber.treatment),
    }
    return tuple(fields[name] for name in _COLUMNS)


def unique(subscribers: Iterable[tuple[int | str, Subscriber]]) -> None:
    """Raise Problems where two subscribers, given with their keys, share a number or a user name."""
    seen: set[str] = set()
    problems = []
    for key, subscriber in subscribers:
        for name in ("number", "user"):
            value = f"{name} {getattr(subscriber, name)}"
            if value in seen:
                problems.append(Problem((key, name), f"a {name} that no subscriber before it has"))
            elif getattr(subscriber, name):
                seen.add(value)
    if problems:
        raise Problems(problems)


def read_at_home(subscribers: Iterable[tuple[int | str, Subscriber]], numbering: Numbering) -> list[Subscriber]:
    """Subscribers, given with their keys, with lists of what their patterns stand for. Raises Problems."""
    read: list[Subscriber] = []
    problems: list[Problem] = []
    for key, subscriber in subscribers:
        try:
            read.append(at_home(subscriber, numbering))
        except Problems as wrong:
            problems += [Problem((key, *problem.where), problem.expected) for problem in wrong.problems]
    if problems:
        raise Problems(problems)
    return read


def _unique_in_list(subscribers: list[Subscriber]) -> list[Subscriber]:
    unique(enumerate(subscribers))
    return subscribers


@dataclass(frozen=True, slots=True)
class SubscribersFile:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    subscribers: Annotated[list[Subscriber], AfterValidator(_unique_in_list)]


def _read_database(path: Path, numbering: Numbering) -> Directory:
    """Read the table `subscribers`, and change nothing; a wrong value is placed by rowid and column."""
    if not path.is_file():
        advice = f"ringfence subscribers import subscribers.yaml sqlite:///{path}"
        raise FileErrors([FileError.whole(path, f"no such file; make the database with `{advice}`")])
    errors: list[FileError] = []
    try:
        # mode=rw, not ro: a database in WAL mode would be left with two files beside it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
            database.execute("PRAGMA query_only=on")
            rows = database.execute(f"SELECT rowid, {', '.join(_COLUMNS)} FROM subscribers ORDER BY rowid")  # noqa: S608
            directory = Directory(_valid(path, rows, numbering, errors))
            errors += _repeated(path, database)
    except sqlite3.Error as error:
        raise FileErrors([FileError.whole(path, f"{error}; expected an SQLite database of subscribers")]) from None
    if errors:
        raise FileErrors(errors[:_SHOWN], len(errors) - len(errors[:_SHOWN]))
    return directory


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
    validate, context = TypeAdapter(Subscriber).validate_python, FileContext(path, given=numbering)
    for rowid, *values in rows:
        row = dict(zip(_COLUMNS, values, strict=True))
        fields = {name: row[name] for name in ("number", "pin", "roaming", "notify")}
        fields |= {"user": row["user"] or "", "password": row["password"] or ""}
        fields |= {name: (row[name] or "").split() for name in ("allow", "block")}
        fields["barring"] = {name: row[name] for name in Barring.__slots__}
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


def _from_json(text: str) -> Any:
    """The value of a JSON text; the text itself where it is none, for the validation to refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text
