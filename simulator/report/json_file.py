"""The result as data: what `--json FILE` writes. Figures that were not measured are absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from simulator.exit_code import worst
from simulator.judging.accuracy import Rate
from simulator.judging.curves import Curve
from simulator.judging.failure_kinds import FailureKind, proxys_reason
from simulator.judging.figures import Figures, combine
from simulator.judging.latency import Distribution
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result


def document(results: Sequence[Result]) -> dict[str, Any]:
    """The whole command's outcome: every scenario, then all of them together. Delays are in seconds."""
    return {
        "exit_code": int(worst(result.exit_code for result in results)),
        "scenarios": [_scenario(result) for result in results],
        "total": _figures(combine((result.folder.name, result.figures) for result in results)),
    }


def _scenario(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "source": str(result.source),
        "home": result.home,
        "preset": result.preset,
        "seed": result.seed,
        "folder": str(result.folder),
        "duration": result.duration,
        "exit_code": int(result.exit_code),
        "interrupted": result.interrupted,
        "partial": result.partial,
        "left_out": result.left_out,
        "unfinished": result.unfinished,
        "set_up": result.set_up,
        "valid": not result.invalid_because,
        "invalid_because": result.invalid_because,
        "notes": result.notes,
        **_figures(result.figures),
        "metrics": result.figures.metrics,
        "thresholds": [
            {"figure": held.threshold.figure, "asked": held.threshold.text, "met": held.met}
            | ({"undecided": True} if held.undecided else {})
            | ({} if held.value is None else {"value": held.value})
            for held in result.checks
        ],
        "thresholds_not_held": [{"figure": left.figure, "asked": left.text} for left in result.not_applied],
        "wrong": [_call(call) | {"why": why} for call, why in result.wrong],
        "wrong_kinds": [_kind(kind) for kind in result.wrong_kinds],
        "faults": [_call(call) | {"why": "; ".join(call.disagreements)} for call in result.faults],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    measured = figures.accuracy
    estimate = figures.precision_at_prevalence
    return {
        "confusion": measured.total.figures,
        **({} if estimate is None else {"precision_at_prevalence": asdict(estimate)}),
        "by_rule": {name: row.figures for name, row in measured.by_rule.items()},
        "by_family": {name: row.figures for name, row in measured.by_family.items()},
        "by_segment": {name: row.figures for name, row in measured.by_segment.items()},
        "shadow": {name: found.counts | {"enforced": found.enforced.figures} for name, found in figures.shadow.items()},
        "curves": {kind: _curve(curve) for kind, curve in figures.curves.items()},
        "latency": {name: _distribution(delay) for name, delay in figures.distributions.items()},
    }


def _curve(curve: Curve) -> dict[str, Any]:
    points = [
        asdict(point) | {"precision": _rate(curve.precision(point)), "recall": _rate(curve.recall(point))}
        for point in curve.points
    ]
    about = {"average_precision": curve.average_precision, "calls": curve.calls, "scam": curve.scam}
    return about | {"points": points}


def _rate(rate: Rate | None) -> dict[str, Any] | None:
    return None if rate is None else {"value": rate.value, **asdict(rate)}


def _distribution(distribution: Distribution) -> dict[str, float]:
    return {"count": distribution.count, **distribution.figures}


def _kind(kind: FailureKind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "count": len(kind.calls),
        "why": kind.why,
        "example": kind.example.id,
        "proxy": proxys_reason(kind.example),
    }


def _call(call: CallObservation) -> dict[str, str]:
    planned = call.planned
    return {
        "id": call.id,
        "name": call.name,
        "caller": planned.caller,
        "callee": planned.callee,
        "trunk": planned.trunk,
    }
