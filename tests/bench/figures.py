"""The figures that `make bench` measures, beside what they should be: one table at its end, and JSON.

Every benchmark adds what it found; how a figure is made says who measures it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `target` is the most it may be or, where it `rises`, the least. None: shown only."""

    name: str
    build: str  # of Ringfence: compiled or pure
    measured: float
    target: float | None
    unit: str = ""
    rises: bool = False

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.measured >= self.target if self.rises else self.measured <= self.target


@dataclass(slots=True)
class Figures:
    """All figures of a run, in the order in which they were measured; `notes` is more for the JSON file, by name."""

    measured: list[Figure] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def add(self, figure: Figure) -> bool:
        """Keep a figure; True if it meets its target."""
        self.measured.append(figure)
        return figure.met

    def table(self) -> str:
        """A line for each figure."""
        rows = [("figure", "build", "measured", "target", ""), *map(_row, self.measured)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{name:{widths[0]}}  {build:{widths[1]}}  {measured:>{widths[2]}}  {target:>{widths[3]}}  {met}".rstrip()
            for name, build, measured, target, met in rows
        )

    def write(self, path: Path) -> None:
        """Write all there is as JSON."""
        figures = [{**asdict(one), "met": one.met} for one in self.measured]
        path.write_text(json.dumps({"figures": figures, **self.notes}, indent=1) + "\n")


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    target = "" if figure.target is None else f"{'>=' if figure.rises else '<='} {_shown(figure.target)}"
    name = f"{figure.name}, {figure.unit}" if figure.unit else figure.name
    return name, figure.build, _shown(figure.measured), target, ("met" if figure.met else "MISSED") if target else ""


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"
