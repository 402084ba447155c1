"""A comparison as data: what `ringfence compare --json FILE` writes. Delays are in seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from simulator.judging.compared import Compared
from simulator.judging.paired import Cell, Difference, Judged, Paired, by_size, confusions_of
from simulator.report.compare.words import effect


def document(compared: Compared) -> dict[str, Any]:
    """All of it."""
    comparison = compared.comparison
    a, b = comparison.confusions
    return {
        "exit_code": int(compared.exit_code),
        "a": compared.a,
        "b": compared.b,
        "scenarios": [{"name": name, "seed": seed} for name, seed in compared.scenarios],
        "folders": [{"policy": policy, "folder": folder} for policy, folder in compared.folders],
        "invalid_because": list(compared.invalid_because),
        "notes": list(compared.notes),
        "interrupted": compared.interrupted,
        "calls": comparison.calls,
        "verdicts_changed": comparison.verdicts_changed,
        "outcomes_changed": comparison.outcomes_changed,
        "confusion": {"a": a.figures, "b": b.figures},
        "differences": {name: _difference(each) for name, each in comparison.differences.items()},
        "paired": {
            "scam_recall": _paired(comparison.recall),
            "false_block_rate": _paired(comparison.false_blocks),
            "accuracy": _paired(comparison.accuracy),
        },
        "by_scenario": _split(comparison.split(lambda cell: cell.scenario)),
        "by_family": _split(comparison.split(lambda cell: cell.family)),
        "by_segment": _split(comparison.split(lambda cell: cell.segment)),
        "added_setup_delay": _delays(compared),
        "conditions": [
            {"asked": held.condition.text, "fails": held.fails, "undecided": held.undecided}
            | ({} if held.value is None else _difference(Difference(held.value, held.lower95, held.upper95)))
            for held in compared.held
        ],
        "changes": [
            {
                "scenario": how.scenario,
                "family": how.family,
                "truth": how.truth,
                "a": {"action": how.a[0], "rule": how.a[1], "outcome": how.outcomes[0]},
                "b": {"action": how.b[0], "rule": how.b[1], "outcome": how.outcomes[1]},
                "effect": effect(how),
                "calls": count,
            }
            for how, count in by_size(comparison.changes)
        ],
        "changed_calls": [{**asdict(each), "a": _judged(each.a), "b": _judged(each.b)} for each in comparison.examples],
    }


def _difference(difference: Difference) -> dict[str, float]:
    return {name: value for name, value in difference._asdict().items() if value is not None}


def _paired(paired: Paired) -> dict[str, Any]:
    return {
        "both": paired.both,
        "a_only": paired.a_only,
        "b_only": paired.b_only,
        "neither": paired.neither,
        "mcnemar_p": paired.p,
    }


def _split(parts: dict[str, Counter[Cell]]) -> dict[str, Any]:
    return {
        name: {
            "a": a.counts,
            "b": b.counts,
            "outcomes_changed": sum(n for cell, n in cells.items() if cell.a != cell.b),
        }
        for name, cells in parts.items()
        for a, b in [confusions_of(cells)]
    }


def _delays(compared: Compared) -> dict[str, Any]:
    if not compared.delays:
        return {}
    found = {name: _difference(each) for name, each in compared.delay_differences.items()}
    return {"pairs": len(compared.delays), "b_minus_a": found}


def _judged(judged: Judged) -> dict[str, Any]:
    return judged._asdict() | {"trace": [list(step) for step in judged.trace]}
