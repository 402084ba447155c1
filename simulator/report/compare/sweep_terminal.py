"""A sweep on the terminal: the trade-off between recall and false blocks, and the best points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.judging.front import front, rates
from simulator.offline.sweep import Row
from simulator.wording import counted

_WIDTH, _HEIGHT = 60, 12  # of the curve, in characters
_MOST = 20  # points of the front


def summary(out: Console, rows: Sequence[Row]) -> None:
    """Print the curve and the front."""
    measured = [row for row in rows if rates(row) is not None]
    if not measured:
        out.print("No trade-off: it takes scam and legitimate calls to measure one.")
        return
    best = front(measured)
    out.print()
    out.print(Text("Recall against false blocks", style="bold"), "(* on the front: no other point beats it)")
    for line in curve(measured, best):
        out.print(line, markup=False)
    out.print()
    keys = varying(rows)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Point", "Legit wrongly\nstopped", "Scam\nstopped"):
        table.add_column(heading, justify="right")
    for key in keys:
        table.add_column(key, overflow="fold")
    for row in _some(best):
        false_blocks, recall = rates(row) or (0.0, 0.0)
        shown = (parameter(row.parameters[key]) for key in keys)
        table.add_row(str(row.number), f"{false_blocks * 100:.3f} %", f"{recall * 100:.2f} %", *map(Text, shown))
    out.print(table)
    if len(best) > _MOST:
        out.print(f"  {counted(len(best), 'point')} on the front, of which {_MOST} are shown", style="dim")


def curve(measured: Sequence[Row], best: Sequence[Row]) -> list[str]:
    """The points in a field of characters: false blocks to the right, recall up."""
    found = {row.number: rates(row) or (0.0, 0.0) for row in measured}
    most = max(x for x, _ in found.values()) or 1.0
    low, high = min(y for _, y in found.values()), max(y for _, y in found.values())
    span = (high - low) or 1.0
    field = [[" "] * (_WIDTH + 1) for _ in range(_HEIGHT + 1)]
    for rows, sign in ((measured, "."), (best, "*")):
        for row in rows:
            x, y = found[row.number]
            field[_HEIGHT - round((y - low) / span * _HEIGHT)][round(x / most * _WIDTH)] = sign
    lines = []
    for place, line in enumerate(field):
        label = f"{high * 100:6.2f} %" if place == 0 else f"{low * 100:6.2f} %" if place == _HEIGHT else " " * 8
        lines.append(f"{label} |{''.join(line).rstrip()}")
    return [*lines, f"{'':8} +{'-' * _WIDTH}", f"{'':9}0 %{f'{most * 100:.3f} %':>{_WIDTH - 2}}"]


def varying(rows: Sequence[Row]) -> list[str]:
    """The parameters that are not the same everywhere."""
    keys = list(rows[0].parameters) if rows else []
    return [key for key in keys if len({row.parameters[key] for row in rows}) > 1]


def parameter(value: object) -> str:
    """The value of a parameter as text."""
    if isinstance(value, tuple):
        return " ".join(Path(each).name for each in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _some(best: Sequence[Row]) -> list[Row]:
    """So many of them as can be shown, evenly along the front."""
    if len(best) <= _MOST:
        return list(best)
    return [best[round(place * (len(best) - 1) / (_MOST - 1))] for place in range(_MOST)]
