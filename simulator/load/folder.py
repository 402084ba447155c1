"""The folder that a load leaves: manifest.json, load.json, load-seconds.jsonl, metrics.json, histograms.hlog, and what
the proxy wrote. Its size grows by the proxy's records and one line each second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.judging.histogram import Histogram
from simulator.load.drive import Live, Told
from simulator.load.plateau import Plateau
from simulator.load.result import LoadResult
from simulator.results.manifest import timestamp
from simulator.results.run_folder import RunFolder

LOAD = "load.json"
SECONDS = "load-seconds.jsonl"


class LoadFolder:
    """A listener to a load, which writes into the folder of a run as it goes."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._seconds = (folder.path / SECONDS).open("a", buffering=1, encoding="utf-8")

    def hear(self, told: Told) -> None:
        """Write down what was told. Raises OSError."""
        if isinstance(told, Live):
            self._seconds.write(json.dumps(_second(told)) + "\n")

    def keep(self, result: LoadResult) -> None:
        """Write what came of it, and close. Raises OSError."""
        with suppress(OSError):  # of a line that there was no room for, which was told
            self._seconds.close()
        self._folder.write("metrics.json", result.metrics)
        self._folder.write_histograms(result.times)
        self._folder.write(LOAD, document(result))
        self._folder.finish(
            "interrupted" if result.interrupted else "finished",
            exit_code=int(result.exit_code),
            valid=not result.invalid_because,
            invalid_because=result.invalid_because,
            notes=result.told,
            duration=sum(each.seconds for each in result.plateaus),
        )


def document(result: LoadResult) -> dict[str, Any]:
    """The load as load.json, and `--json`, have it."""
    asked, shown = result.asked, result.shown
    return {
        "scenario": result.name,
        "lowest": asked.lowest,
        "highest": asked.highest,
        "ramp": asked.ramp,
        "hold": asked.hold,
        "p99": asked.limits.p99,
        "failures": asked.limits.failures,
        "processes": result.processes,
        "softswitch": result.switch,
        "highest_rate": result.best.rate if asked.find and result.best is not None else None,
        "shown": result.plateaus.index(shown) if shown is not None else None,
        "told": [*result.invalid_because, *result.told],
        "plateaus": [_plateau(each) for each in result.plateaus],
    }


def _plateau(plateau: Plateau) -> dict[str, Any]:
    return {
        "rate": plateau.rate,
        "began": timestamp(datetime.fromtimestamp(plateau.began, UTC)),
        "seconds": plateau.seconds,
        "held": plateau.held,
        "calls": plateau.calls,
        "failures": plateau.failures,
        "statuses": {str(status): count for status, count in sorted(plateau.tally.statuses.items()) if status},
        "missed": plateau.missed,
        "measured_itself": plateau.itself,
        "metrics": plateau.metrics,
    }


def _second(live: Live) -> dict[str, Any]:
    return {
        "timestamp": timestamp(),
        "plateau": live.plateau,
        "rate": live.rate,
        "heard_rate": round(live.heard_rate, 3),
        "placed": live.placed,
        "failed": live.failed,
        "under_way": live.under_way,
        "delay_p50": live.delay.p50 if live.delay else None,
        "delay_p99": live.delay.p99 if live.delay else None,
        "lateness_p99": live.lateness.p99 if live.lateness else None,
        "proxy": live.proxy,
    }


def decisions(folder: Path, plateau: Plateau) -> Histogram:
    """The decision times in the proxy's records that fall into a plateau, read line by line."""
    began, ended = (timestamp(datetime.fromtimestamp(at, UTC)) for at in (plateau.began, plateau.ended))
    return Histogram(_decided(folder / "proxy-calls.jsonl", began, ended))


def _decided(path: Path, began: str, ended: str) -> Iterator[float]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if '"event":"call"' not in line and '"event": "call"' not in line:
                continue
            record = json.loads(line)
            if began <= record["timestamp"] <= ended and record.get("elapsed_us") is not None:
                yield record["elapsed_us"] / 1e6
