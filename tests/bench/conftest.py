"""One table for all benchmarks of a run. BENCH_JSON names a file for the figures, with every round."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.figures import Figures


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """The figures of this run; the table is printed once all are there."""
    gathered = Figures()
    yield gathered
    if gathered.measured:
        print(f"\n\n{gathered.table()}")
    if path := os.environ.get("BENCH_JSON"):
        gathered.write(Path(path))
