"""`python -m tests.bench.load --rate 800 --seconds 10 --system pure --system kamailio-2`: measured rounds, by turns.

`--rounds N` repeats; `--sources NAME=FOLDER` adds the Ringfence whose sources are in that folder, `--python NAME=PATH`
the one that an interpreter finds: so two states of the code can be compared.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench.campaign import Campaign, Load
from tests.bench.systems import PURE, SYSTEMS, System, ringfence


def main() -> None:
    """Play the rounds asked for and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS, action="append", default=[], help="may be repeated")
    parser.add_argument("--sources", metavar="NAME=FOLDER", type=_pair, action="append", default=[])
    parser.add_argument("--python", metavar="NAME=PATH", type=_pair, action="append", default=[])
    parser.add_argument("--rate", type=int, default=400, help="calls a second")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    systems: list[System] = [SYSTEMS[name] for name in given.system]
    systems += [ringfence(name, sys.executable, {"PYTHONPATH": folder}) for name, folder in given.sources]
    systems += [ringfence(name, interpreter, {"PYTHONPATH": ""}) for name, interpreter in given.python]
    systems = systems or [PURE]
    load = Load(f"{given.rate} calls/s", given.rate, given.seconds, given.rounds, tuple(systems))
    campaign = Campaign(lambda text: print(text, flush=True))
    campaign.rounds(load)
    print("\nmedians; ratios to the last")
    for system in systems:
        cpu, p99 = (campaign.median(load, system.name, figure) for figure in ("cpu_per_call", "setup_p99"))
        ratio = campaign.ratio(load, system.name, systems[-1].name, "cpu_per_call")
        least = min(one.cpu_per_call for one in campaign.rounds(load) if one.system == system.name)
        print(f"{system.name:12} CPU {cpu:7.1f} us ({ratio:.3f}), least {least:7.1f} us, set-up p99 {p99:7.3f} ms")


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    main()
