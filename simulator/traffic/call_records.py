"""Call records -> calls as they were: from CSV or Parquet, row by row, numbers as text whatever they look like.

One call may have several rows: those of one id are one call, which begins with the first of them and was answered if
any says so. What a record cannot tell stays unknown. Rows that cannot be read are left out, counted, and told with line
and column.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from proxy.files.visible import visible
from proxy.files.yaml_file import FileError, FileErrors
from simulator.scenario.headers import USER_PART
from simulator.scenario.records import Mapped, RecordedOutcome, Records
from simulator.traffic.record_rows import Row, csv_rows, parquet_rows

_TOGETHER = 100_000  # calls for which more rows are waited for
_LAST = 253_402_300_800.0  # epoch seconds: the year 10000
_LONGEST = 31_536_000.0  # seconds of a call: a year
_KEPT = 50  # errors that are told one by one
_SHOWN = 5  # trunks that are told by name
_SURE = ("answer", "busy", "reject", "ring_only", "unknown")  # of two rows about one call the surer counts


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call as its record tells of it: `start` in epoch seconds, `lasts` and `talk` in seconds or None where it does
    not say; `line` is that of its first row. `trunk`, `truth` and `family` are the values of their columns, or ""."""

    id: str
    start: float
    caller: str
    callee: str
    line: int
    outcome: RecordedOutcome = "unknown"
    display_name: str = ""
    lasts: float | None = None
    talk: float | None = None
    method: str = "INVITE"
    trunk: str = ""
    truth: str = ""
    family: str = ""


@dataclass(slots=True)
class Reading:
    """Counts of rows, kept while they are read: `left_out` could not be read, and `errors` tells the first of them;
    `rows` are all, `others` those of no call (REGISTER and the like). `trunks` are calls by the value of their trunk's
    column, where nothing was said of it: they come in as international."""

    rows: int = 0
    left_out: int = 0
    others: int = 0
    errors: list[FileError] = field(default_factory=list)
    trunks: Counter[str] = field(default_factory=Counter)

    def leave_out(self, error: FileError) -> None:
        """Count a row that cannot be read."""
        self.left_out += 1
        if len(self.errors) < _KEPT:
            self.errors.append(error)


def read_records(records: Records, reading: Reading | None = None) -> Iterator[RecordedCall]:
    """The calls of a file, in the order of their first rows. Raises FileErrors where it is no file of such records."""
    reading = reading or Reading()
    path, meaning = records.file, records.meaning
    rows = parquet_rows(path) if path.suffix == ".parquet" else csv_rows(path, meaning)
    columns = _Columns.of(path, meaning, next(rows))
    zone = ZoneInfo(records.zone)
    open_calls: OrderedDict[str, RecordedCall] = OrderedDict()
    other_legs: dict[str, str] = {}
    for row in rows:
        reading.rows += 1
        if (found := columns.read(row, zone, reading)) is None:
            continue
        call, other_leg = found
        key = other_legs.get(call.id, call.id)
        if other_leg:
            other_legs[other_leg] = key
            if (leg := open_calls.pop(other_leg, None)) is not None:
                open_calls[key] = replace(_merged(call, leg), id=call.id, caller=call.caller, callee=call.callee)
                continue
        known = open_calls.get(key)
        if known is not None:
            open_calls[key] = _merged(known, call)
        elif call.method == "BYE":
            reading.others += 1  # the end of a call that began before the file
        else:
            open_calls[key] = call
        if len(open_calls) > _TOGETHER:
            yield open_calls.popitem(last=False)[1]
    yield from open_calls.values()


def _merged(first: RecordedCall, later: RecordedCall) -> RecordedCall:
    """One call of two of its rows."""
    if later.method == "BYE":
        return replace(first, talk=max(0.0, later.start - first.start)) if first.talk is None else first
    outcome = min(first.outcome, later.outcome, key=_SURE.index)
    talk = max((each.talk for each in (first, later) if each.talk is not None), default=None)
    lasts = max((each.lasts for each in (first, later) if each.lasts is not None), default=None)
    return replace(first, outcome=outcome, talk=talk, lasts=lasts, start=min(first.start, later.start))


@dataclass(frozen=True, slots=True)
class _Columns:
    """The places of the columns that mean something; -1 where the file has none. A row has `needs` columns at least;
    where that is 0, one for each of the `names`."""

    path: Path
    meaning: Mapped
    names: Sequence[str]
    places: dict[str, int]
    needs: int

    @classmethod
    def of(cls, path: Path, meaning: Mapped, head: Row) -> _Columns:
        """Find them. Raises FileErrors where one that is needed is missing, or keeps telephone numbers as numbers."""
        names = head.cells
        wanted = ("id", "other_leg", "start", "caller", "callee", "display_name", "trunk", "truth", "family", "method")
        places = {
            name: next((names.index(each) for each in getattr(meaning, name) if each in names), -1)
            for name in (*wanted, "answered", "lasts", "talk", "outcome")
        }
        missing = [name for name in ("start", "caller", "callee") if places[name] < 0]
        if missing:
            expected = ", and ".join(f"a column {' or '.join(getattr(meaning, name))} for {name}" for name in missing)
            raise FileErrors([FileError(path, 1, 1, f"columns {', '.join(names)}", expected)])
        kept = [names[places[name]] for name in ("caller", "callee") if names[places[name]] in head.numbers]
        if kept:
            found = f"{' and '.join(kept)} kept as numbers, without the plus and zeros in front"
            raise FileErrors([FileError(path, 1, 1, found, "columns of text")])
        needs = meaning.needs if tuple(names) == meaning.columns else 0
        return cls(path, meaning, names, places, needs)

    def read(self, row: Row, zone: ZoneInfo, reading: Reading) -> tuple[RecordedCall, str] | None:
        """The call of a row, and the id of its other leg; None where the row is left out."""
        meaning, cells, places = self.meaning, row.cells, self.places
        least = self.needs or len(self.names)
        if len(cells) < least or (not self.needs and any(cells[least:])):
            found, expected = f"{len(cells)} columns", f"{least}, as in {self.path.name}"
            reading.leave_out(FileError(self.path, row.line, 1, found, expected))
            return None

        def cell(name: str) -> str:
            place = places[name]
            return cells[place].strip() if 0 <= place < len(cells) else ""

        method = cell("method").upper() or "INVITE"
        if method not in ("INVITE", "MESSAGE", "BYE"):
            reading.others += 1
            return None
        try:
            start = _epoch(cell("start"), zone)
        except ValueError:
            self._wrong(row, "start", 'a time such as "2026-03-02 08:00:00"', reading)
            return None
        seconds: list[float | None] = []
        for name in ("lasts", "talk"):
            text = cell(name)
            try:
                seconds.append(_seconds(text) if text else None)
            except ValueError:
                self._wrong(row, name, "seconds", reading)
                return None
        callee = cell("callee")
        if not callee and method != "BYE":
            self._wrong(row, "callee", "a number that was called", reading)
            return None
        for name in ("caller", "callee"):
            if (user := _user(cell(name))) and not USER_PART.fullmatch(user):
                self._wrong(row, name, "a number, or the user of a SIP URI (RFC 3261 25.1)", reading)
                return None
        outcome = meaning.outcomes.get(cell("outcome"), "unknown")
        if places["answered"] >= 0 and cell("answered"):
            outcome = "answer"
        lasts, talk = seconds
        call = RecordedCall(
            cell("id") or f"line-{row.line}",
            start,
            _user(cell("caller")),
            _user(callee),
            row.line,
            outcome,
            _name(cell("display_name")),
            lasts,
            talk if outcome == "answer" else None,
            method,
            cell("trunk"),
            cell("truth"),
            cell("family"),
        )
        return call, cell("other_leg")

    def _wrong(self, row: Row, name: str, expected: str, reading: Reading) -> None:
        place = self.places[name]
        cell = visible(row.cells[place]).replace("\n", "␊") if place < len(row.cells) else None
        found = "no column" if cell is None else f'"{cell}"'
        reading.leave_out(FileError(self.path, row.line, _column(row, place), found, expected))


def _column(row: Row, place: int) -> int:
    """The column of a cell in its line, counted from 1; in Parquet, and on further lines, that of the cell."""
    at, quoted, passed = 0, False, 0
    if not row.text:
        return place + 1
    for at, character in enumerate(row.text):
        if passed == place:
            return at + 1
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            passed += 1
    return at + 1


def _seconds(text: str) -> float:
    """A length of time. Raises ValueError."""
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(text)
    return seconds


def _epoch(text: str, zone: ZoneInfo) -> float:
    """Epoch seconds of a time. Raises ValueError."""
    if text[:1].isdigit() and text.replace(".", "", 1).isdigit() and len(text.partition(".")[0]) >= 9:
        if (since_1970 := float(text)) >= _LAST:
            raise ValueError(text)
        return since_1970
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp()
    except OverflowError as error:  # before the year 1 or after 9999, in UTC
        raise ValueError(text) from error


def _user(text: str) -> str:
    """The number of a URI or of a number."""
    if text.lower().startswith(("sip:", "sips:", "tel:")):
        return text.partition(":")[2].partition("@")[0].partition(";")[0]
    return text


def _name(text: str) -> str:
    """The display name of `"Name" <number>`."""
    name = "".join(each if each.isprintable() else " " for each in text.partition("<")[0]).strip().strip('"')
    return name if name and not name.lstrip("+").isdigit() else ""


def told(path: Path, reading: Reading, calls: int) -> Iterable[str]:
    """Lines that say what was read and what was left out."""
    left_out = f"; {_many(reading.left_out, 'row')} left out" if reading.left_out else ""
    yield f"{path}: {_many(reading.rows, 'row')}, {_many(calls, 'call')}{left_out}"
    yield from map(str, reading.errors)
    if reading.left_out > len(reading.errors):
        yield f"{path}: and {reading.left_out - len(reading.errors):,} more that could not be read"
    if said := of_no_trunk(reading):
        yield f"{path}: {said}"


def unreadable(records: Records | None, reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Notes of the records' rows that could not be read, in a few words too, and of calls on trunks nobody named."""
    if records is None:
        return (), ()
    said = of_no_trunk(reading)
    notes = (f"{records.file}: {said}",) if said else ()
    if not reading.left_out:
        return notes, ()
    rows = f"{_many(reading.left_out, 'row')} of {reading.rows:,}"
    note = f"{records.file}: {rows} left out; the first: {reading.errors[0]}"
    return (note, *notes), (f"{rows} in {records.file.name} that could not be read",)


def of_no_trunk(reading: Reading) -> str:
    """A word about calls on trunks that `trunk` says nothing of; "" where there are none."""
    if not reading.trunks:
        return ""
    named = ", ".join(f'"{visible(name)}" ({count:,})' for name, count in reading.trunks.most_common(_SHOWN))
    more = f" and {len(reading.trunks) - _SHOWN:,} more values" if len(reading.trunks) > _SHOWN else ""
    calls = _many(reading.trunks.total(), "call")
    return f"{calls} on trunks that trunk: does not name came in as international: {named}{more}"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
