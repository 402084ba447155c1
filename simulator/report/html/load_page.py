"""The page of a load, from its folder: the rate that was found, its plateaus, and the times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from simulator.exit_code import ExitCode
from simulator.load.folder import LOAD, SECONDS
from simulator.load.formats import LoadFile, SecondLine
from simulator.report.html import figures
from simulator.report.html.charts import nice, time_axis, y_axis
from simulator.report.html.distributions import distribution
from simulator.report.html.page import still
from simulator.report.html.svg import Markup, path, picture, tag
from simulator.results.histograms import read_histograms
from simulator.results.run_reader import lines_of, manifest_of, metrics_of, read_json

_WIDTH, _HEIGHT = 860, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 14, 200
_MOST = 1200  # points of a line


def is_load(folder: Path) -> bool:
    """True for the folder of a load. Raises FileErrors."""
    return "load" in manifest_of(folder)


def document(folder: Path) -> str:
    """The text of the page. Raises FileErrors, OSError."""
    manifest = manifest_of(folder, "started", "command")
    if not (folder / LOAD).exists() or not {"exit_code", "invalid_because"} <= manifest.keys():
        raise FileErrors([FileError.whole(folder, f"this load has not come to its end; see {SECONDS}")])
    load: dict[str, Any] = read_json(folder / LOAD, LoadFile)
    metrics = metrics_of(folder)
    place, plateaus = load["shown"], load["plateaus"]
    if place is not None and place >= len(plateaus):
        raise FileErrors([FileError.whole(folder / LOAD, f"shown: found {place}, expected a place of a plateau")])
    shown = plateaus[place] if place is not None else None
    return still(
        "load.html",
        {
            "manifest": manifest,
            "load": load,
            "shown": shown,
            "verdict": _verdict(manifest, load),
            "plateaus": sorted(load["plateaus"], key=lambda each: each["rate"]),
            "delays": list(figures.delays(metrics)),
            "by_rate": _by_rate(load["plateaus"], load["p99"]),
            "over_time": _over_time(_thinned(list(lines_of(folder / SECONDS, SecondLine)))),
            "distribution": distribution(read_histograms(folder).times),
        },
    )


def _verdict(manifest: Mapping[str, Any], load: Mapping[str, Any]) -> tuple[str, str, str, str]:
    code = ExitCode(manifest["exit_code"])
    if code is ExitCode.INTERRUPTED:
        return "void", "!", "Interrupted", "The figures hold what was measured until then."
    if code is ExitCode.ENVIRONMENT:
        return "void", "!", "Invalid", "Do not use these figures: the notes say why."
    if code is ExitCode.WRONG_VERDICT:
        return "bad", "✕", "Wrong verdict", "Some calls got another answer than the scenario expects."
    rate = load["highest_rate"]
    if rate is not None:
        return "good", "✓", f"{rate:g} calls a second", "The highest rate that held."
    held = code is ExitCode.AS_EXPECTED
    sign = ("good", "✓") if held else ("bad", "✕")
    return *sign, f"{load['lowest']:g} calls a second", "They held." if held else "They did not hold."


def _by_rate(plateaus: Sequence[Mapping[str, Any]], limit: float) -> Markup | None:
    """The median and p99 of the delay over the rate; a plateau that did not hold has a cross."""
    found = sorted(
        ((each["rate"], *delay, each["held"]) for each in plateaus if (delay := _delay(each["metrics"])) is not None),
        key=lambda each: (each[0], each[3]),
    )
    if len(found) < 2:
        return None
    top = nice(1e3 * max(limit, *(p99 for _, _, p99, _ in found)))
    first, last = found[0][0], found[-1][0]

    def x(rate: float) -> float:
        along: float = (rate - first) / max(last - first, 1e-9)
        return _LEFT + along * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _BOTTOM - value / top * (_BOTTOM - _TOP)

    parts = [*y_axis(top, y, "ms")]
    parts.append(tag("path", d=f"M{_LEFT} {y(limit * 1e3):.1f}H{_WIDTH - _RIGHT}", class_="limit"))
    lines = list({each[0]: each for each in found}.values())  # of a rate that was tried twice: where it held, if it did
    for name, place in (("direct", 1), ("proxied", 2)):
        parts.append(tag("path", d=path([(x(each[0]), y(each[place] * 1e3)) for each in lines]), class_=f"line {name}"))
    for rate, _, p99, held in found:
        at = (x(rate), y(p99 * 1e3))
        mark = (
            tag("circle", cx=at[0], cy=at[1], r=4, class_="best")
            if held
            else tag("path", d=f"M{at[0] - 4:.1f} {at[1] - 4:.1f}l8 8m0 -8l-8 8", class_="limit")
        )
        parts.append(tag("g", tag("title", f"{rate:g} calls/s: p99 {p99 * 1e3:.1f} ms"), mark))
    parts += [
        tag("text", f"{rate:g}/s", x=x(rate), y=_BOTTOM + 22.0, class_="tick", text_anchor="middle")
        for rate in _apart([each[0] for each in found], x)
    ]
    return picture("Delay over the rate: median and p99", _WIDTH, _HEIGHT - 20, parts, "by-rate")


def _apart(rates: Sequence[float], x: Any) -> Iterator[float]:
    last = -100.0
    for rate in dict.fromkeys(rates):
        if x(rate) - last > 48:
            last = x(rate)
            yield rate


def _delay(metrics: Mapping[str, float]) -> tuple[float, float] | None:
    """The median and p99 from when calls were due, of the slower of ringing and refusal."""
    found = [
        (metrics[f"{name}.p50"], metrics[f"{name}.p99"])
        for name in ("setup_delay_from_due", "time_to_refusal_from_due")
        if f"{name}.p99" in metrics
    ]
    return max(found, key=lambda each: each[1], default=None)


def _thinned(seconds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of them as a picture shows."""
    return seconds[:: len(seconds) // _MOST + 1]


def _over_time(seconds: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The rate that was asked for and the one that was heard of, along the time of the load."""
    if len(seconds) < 2:
        return None
    begin = datetime.fromisoformat(seconds[0]["timestamp"])
    points = [((datetime.fromisoformat(each["timestamp"]) - begin).total_seconds(), each) for each in seconds]
    last = max(points[-1][0], 1e-6)
    top = nice(max(max(each["rate"], each["heard_rate"]) for each in seconds) or 1.0)

    def x(at: float) -> float:
        return _LEFT + at / last * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _BOTTOM - value / top * (_BOTTOM - _TOP)

    lines = [
        tag("path", d=path([(x(at), y(each[key])) for at, each in points]), class_=f"line {name}")
        for name, key in (("direct", "rate"), ("proxied", "heard_rate"))
    ]
    parts = [*y_axis(top, y, "/s"), *time_axis(0.0, last, x, float(_BOTTOM)), *lines]
    return picture("Calls a second along the load: asked for, and heard of", _WIDTH, _HEIGHT - 20, parts, "over-time")
