"""histograms.hlog: the times of a run as HDR histograms, in the log format of HdrHistogram, which its tools read.

Each line has a tag, the time's name (as in metrics.json), the seconds from the start of the run and how long it took,
the longest time in milliseconds, and the counts of nanoseconds in HdrHistogram's V2 encoding (compressed, in base64).
What is below nought has a line of its own, by its size, with `.negative` behind the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from proxy.files.yaml_file import FileError, FileErrors
from simulator.judging.histogram import Histogram
from simulator.judging.latency import TIMES

HISTOGRAMS = "histograms.hlog"
_VERSION = "#[Histogram log format version 1.3]"
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
_SECONDS = r"\d{1,11}(?:\.\d+)?"
_START = re.compile(rf"#\[StartTime: ({_SECONDS}) ")
_INTERVAL = re.compile(rf"Tag=([^,]+),({_SECONDS}),({_SECONDS}),[\d.]+,(\S+)")
_NEGATIVE = ".negative"
_EXPECTED = "a line of an HdrHistogram log, Tag=NAME,START,LENGTH,MAX,HISTOGRAM"


class Histograms(NamedTuple):
    """The times of a run by name, and when it began and ended (seconds since 1970)."""

    began: float
    ended: float
    times: dict[str, Histogram]


def write_histograms(path: Path, histograms: Histograms) -> None:
    """Write them. Raises OSError."""
    began, length = histograms.began, max(0.0, histograms.ended - histograms.began)
    at = datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds")
    lines = [_VERSION, f"#[StartTime: {began:.3f} (seconds since epoch), {at}]"]
    lines += [f"#[BaseTime: {began:.3f} (seconds since epoch)]", _LEGEND]
    for name, histogram in histograms.times.items():
        texts = ((name, histogram.positive), (f"{name}{_NEGATIVE}", histogram.negative))
        for (tag, text), longest in zip(texts, histogram.longest, strict=True):
            if text:
                lines.append(f"Tag={tag},0.000,{length:.3f},{longest * 1e3:.6f},{text}")
    path.write_text("\n".join([*lines, ""]), encoding="ascii")


def read_histograms(path: Path) -> Histograms:
    """Read a file, or the one in a run's folder; lines of one name are added up. Raises FileErrors."""
    file = path / HISTOGRAMS if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "this is no text"
        raise FileErrors([FileError.whole(file, str(why))]) from None
    began, ended, times = 0.0, 0.0, dict[str, Histogram]()
    for number, line in enumerate(lines, start=1):
        if start := _START.match(line):
            began = float(start[1])
        if not line or line.startswith(("#", '"')):
            continue
        interval = _INTERVAL.fullmatch(line)
        if interval is None:
            raise FileErrors([FileError(file, number, 1, line[:40], _EXPECTED)])
        tag, starts, length, text = interval.groups()
        name = tag.removesuffix(_NEGATIVE)
        try:
            read = Histogram.read(**{"negative" if tag.endswith(_NEGATIVE) else "positive": text})
        except ValueError as error:
            expected = f"an HDR histogram in its V2 encoding ({error})"
            raise FileErrors([FileError(file, number, interval.start(4) + 1, text[:40], expected)]) from None
        times.setdefault(name, Histogram()).add(read)
        ended = max(ended, began + float(starts) + float(length))
    return Histograms(began, ended, times)


def merged(several: Iterable[Histograms]) -> Histograms:
    """The times of several runs together."""
    began, ended, times = float("inf"), 0.0, dict[str, Histogram]()
    for each in several:
        began, ended = min(began, each.began), max(ended, each.ended)
        for name, histogram in each.times.items():
            times.setdefault(name, Histogram()).add(histogram)
    order = [*TIMES, *sorted(times.keys() - set(TIMES))]
    return Histograms(min(began, ended), ended, {name: times[name] for name in order if name in times})
