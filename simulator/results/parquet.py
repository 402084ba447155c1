"""calls.parquet: the calls of a run as a table, for DuckDB, polars and pandas; and tables of other columns. The only
import of pyarrow for results.

Telephone numbers are text, moments are UTC with their zone, to the microsecond, and durations are seconds. What was not
measured is null. Rows are written some thousands at a time, so that memory does not grow with the run. The columns are
described in scenarios/README.md and, one by one, in the file itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from simulator.results.run_reader import lines_of, manifest_of, missing_calls, parts_of
from simulator.wording import takes

MISSING = takes("Parquet", "pyarrow", "data")
_ROWS = 10_000  # of a group
_TEXT, _FLAG, _COUNT, _SECONDS, _MOMENT = "string", "bool", "int32", "double", "moment"

# Name, type and meaning of each column.
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("run", _TEXT, "folder of the run"),
    ("scenario", _TEXT, "name of the scenario"),
    ("id", _TEXT, "name of the call within the run"),
    ("name", _TEXT, "name of its campaign or call in the scenario"),
    ("family", _TEXT, "kind of call"),
    ("segment", _TEXT, "profile of the callee in a mix, or empty"),
    ("truth", _TEXT, "scam, legit, attack or unknown"),
    ("method", _TEXT, "INVITE or MESSAGE"),
    ("trunk", _TEXT, "trunk that it came in on"),
    ("caller", _TEXT, "number or name that the caller showed"),
    ("callee", _TEXT, "number that was dialled"),
    ("agent", _TEXT, "wire or pjsua"),
    ("sent", _MOMENT, "when the caller sent it; null if it did not"),
    ("outcome", _TEXT, "blocked, passed or fault"),
    ("rightly_judged", _FLAG, "whether the outcome fits the truth"),
    ("wrong", _TEXT, "what is wrong with the verdict, or null"),
    ("action", _TEXT, "action of the proxy; null if it has no record of the call"),
    ("rule", _TEXT, "rule that decided"),
    ("detail", _TEXT, "evidence of the rule"),
    ("decision_seconds", _SECONDS, "how long the decision took"),
    ("status", _COUNT, "final SIP status that the caller got"),
    ("phone_invites", _COUNT, "requests that reached the phone"),
    ("setup_delay", _SECONDS, "from sending to ringing, or to the final status where nothing rang"),
    ("final_delay", _SECONDS, "from sending to the final status"),
    ("direct_setup_delay", _SECONDS, "the same straight to the softswitch"),
    ("added_setup_delay", _SECONDS, "the difference of the two"),
    ("transit_time", _SECONDS, "from sending until it came to the softswitch; null where that does not tell"),
    ("retransmissions", _COUNT, "requests that the caller sent again"),
)


def is_available() -> bool:
    """True if pyarrow is there, found without importing it."""
    return find_spec("pyarrow") is not None


def write_parquet(run: Path, target: Path) -> int:
    """Write the calls of a run to a table; returns how many. Raises OSError, and FileErrors without pyarrow or run."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise FileErrors([FileError.whole(target, MISSING)]) from None
    types = {
        _TEXT: pyarrow.string(),
        _FLAG: pyarrow.bool_(),
        _COUNT: pyarrow.int32(),
        _SECONDS: pyarrow.float64(),
        _MOMENT: pyarrow.timestamp("us", tz="UTC"),
    }
    fields = [pyarrow.field(name, types[kind], metadata={"description": text}) for name, kind, text in COLUMNS]
    rows, count = chain.from_iterable(map(_rows, parts_of(run))), 0
    with parquet.ParquetWriter(target, pyarrow.schema(fields), compression="zstd") as writer:
        while group := list(islice(rows, _ROWS)):
            columns = [
                pyarrow.array(column, each.type) for column, each in zip(zip(*group, strict=True), fields, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=writer.schema))
            count += len(group)
    return count


def write_columns(target: Path, columns: Mapping[str, tuple[str, str, list[Any]]]) -> None:
    """Write a table: of each column, by name, the Arrow type, what it means, and its values, which may be None.

    Raises OSError, and FileErrors without pyarrow.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise FileErrors([FileError.whole(target, MISSING)]) from None
    fields = [
        pyarrow.field(name, pyarrow.type_for_alias(kind), metadata={"description": meaning})
        for name, (kind, meaning, _) in columns.items()
    ]
    arrays = [pyarrow.array(values, each.type) for (_, _, values), each in zip(columns.values(), fields, strict=True)]
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields)), target, compression="zstd")


def _rows(run: Path) -> Iterator[tuple[Any, ...]]:
    manifest = manifest_of(run, "started", "started_at", "scenario")
    begins, at = datetime.fromisoformat(manifest["started"]), manifest["started_at"]
    for call in lines_of(run / "calls.jsonl"):
        saw, phone, wrote, direct = call["caller_saw"], call["phone_saw"], call["proxy_wrote"] or {}, call["direct"]
        sent = saw["sent"]
        setup, straight = _delay(saw, saw["ringing"] or saw["final"]), direct and _delay(direct, direct["ringing"])
        yield (
            run.resolve().name,
            manifest["scenario"],
            *(
                call[name]
                for name in ("id", "name", "family", "segment", "truth", "method", "trunk", "caller", "callee")
            ),
            call["agent"],
            None if sent is None else begins.astimezone(UTC) + timedelta(seconds=sent - at),
            *(call[name] for name in ("outcome", "rightly_judged", "wrong")),
            *(wrote.get(name) for name in ("action", "rule", "detail")),
            wrote["elapsed_us"] / 1e6 if wrote.get("elapsed_us") is not None else None,
            saw["status"],
            phone["invites"],
            setup,
            _delay(saw, saw["final"]),
            straight,
            None if setup is None or straight is None else setup - straight,
            _delay(saw, call.get("switch_received")),
            saw["retransmissions"],
        )


def _delay(saw: dict[str, Any], moment: float | None) -> float | None:
    return None if saw["sent"] is None or moment is None else moment - saw["sent"]


def leave_tables(folders: Iterable[Path]) -> Iterator[str]:
    """Leave calls.parquet in the folder of each run; yields what went wrong."""
    for run in folders:
        try:
            yield from missing_calls(run, write_parquet(run, run / "calls.parquet"))
        except (OSError, FileErrors) as error:
            yield f"{run / 'calls.parquet'}: not written: {getattr(error, 'strerror', None) or error}"
