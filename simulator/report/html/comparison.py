"""The page of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from simulator.exit_code import ExitCode
from simulator.judging.accuracy import Confusion
from simulator.judging.compared import Compared
from simulator.judging.paired import Cell, by_size, confusions_of
from simulator.report.compare import words
from simulator.report.compare.terminal import by_effect, closing
from simulator.report.html.page import still

_MOST_KINDS, _MOST_CALLS = 200, 200
_SIGNS = {ExitCode.AS_EXPECTED: ("good", "✓"), ExitCode.THRESHOLD_MISSED: ("bad", "✕")}


def document(compared: Compared) -> str:
    """The text of the page."""
    comparison = compared.comparison
    kind, sign = _SIGNS.get(compared.exit_code, ("void", "!"))
    if compared.exit_code is ExitCode.AS_EXPECTED and not compared.held:
        kind, sign = "void", "="
    parts = (
        ("By scenario", comparison.split(lambda cell: cell.scenario)),
        ("By kind of call", comparison.split(lambda cell: cell.family)),
        ("By profile of the callee", comparison.split(lambda cell: cell.segment)),
    )
    splits = [(title, list(_rows(each))) for title, each in parts if len(each) > 1]
    return still(
        "comparison.html",
        {
            "compared": compared,
            "verdict": (kind, sign, closing(compared)[0]),
            "words": words,
            "rows": list(words.rows(compared)) if comparison.calls else [],
            "splits": splits,
            "changes": list(by_size(comparison.changes))[:_MOST_KINDS],
            "examples": by_effect(compared)[:_MOST_CALLS],
        },
    )


def _rows(parts: dict[str, Counter[Cell]]) -> Iterator[tuple[str, Confusion, Confusion, int]]:
    for name, cells in parts.items():
        yield name, *confusions_of(cells), sum(count for cell, count in cells.items() if cell.a != cell.b)
