"""The formats of what a load leaves, as models, of which JSON schemas are made."""

from __future__ import annotations

from typing import Literal

from simulator.results.formats import Count, Format, LoadAsked, Moment


class PlateauLine(Format):
    """A plateau: calls a second asked for, calls placed, why some failed, the limits that were missed, and why it was
    the load itself that was measured. `metrics` are its figures as in metrics.json."""

    rate: float
    began: Moment
    seconds: float
    held: bool
    calls: Count
    failures: dict[str, Count]
    statuses: dict[str, Count]
    missed: list[str]
    measured_itself: list[str]
    metrics: dict[str, float]


class LoadFile(LoadAsked):
    """load.json of a load's folder: what was asked for, the softswitch behind the proxy (null where the load's own far
    end was in its place), each plateau in the order in which it was driven, and the place
    of the one that the figures in metrics.json and the histograms are of, from 0; null where there is none."""

    scenario: str
    softswitch: Literal["embedded", "docker"] | None = None
    highest_rate: float | None
    shown: Count | None
    told: list[str]
    plateaus: list[PlateauLine]


class SecondLine(Format):
    """A line of load-seconds.jsonl, one each second: the rate that was asked for, the rate at which callers heard
    ringing or a refusal, their delays from when the call was due, and how late calls left (in seconds; null where
    there were none). `placed` and `failed` count from the begin of the plateau, `proxy` is its share of a processor."""

    timestamp: Moment
    plateau: Count
    rate: float
    heard_rate: float
    placed: Count
    failed: Count
    under_way: Count
    delay_p50: float | None
    delay_p99: float | None
    lateness_p99: float | None
    proxy: float | None
