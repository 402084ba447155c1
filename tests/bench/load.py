"""`python -m tests.bench.load --rate 800 --seconds 10 --system ringfence|kamailio|direct`: one measured round.

`--profile FILE` runs Ringfence under cProfile (read it with `python -m pstats FILE`); `--rounds N` repeats.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench import harness


def main() -> None:
    """Play the rounds asked for and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", choices=harness.SYSTEMS, action="append", help="may be repeated; alternates")
    parser.add_argument("--rate", type=int, default=800, help="calls a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    print(harness.HEADINGS)
    for _ in range(given.rounds):
        for system in given.system or ["ringfence"]:
            print(harness.line(harness.play(system, given.rate, given.seconds, given.profile)), flush=True)


if __name__ == "__main__":
    main()
