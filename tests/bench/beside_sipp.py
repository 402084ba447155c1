"""`python -m tests.bench.beside_sipp --rate 100 --seconds 10`: the generators of `ringfence load` and SIPp call through
one proxy at the same time, at the same rate, and both tell how long their callers waited for ringing.

SIPp looks at its sockets and its clock every millisecond or so, and takes the time after it has read a message; ours is
the kernel's. What the machine does to one it does to the other.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simulator.lab.lab_spec import LabSpec
from simulator.load.drive import Asked, Drive
from simulator.load.plateau import Limits
from simulator.load.rig import Rig
from simulator.load.traffic import traffic_of
from tests.bench.harness import free_port, last_counts, percentile, sipp_command, wire_times
from tests.bench.systems import write_entries

SCENARIO = """\
scenario: beside-sipp
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001"}
  bob: {number: "+8613800138002"}
calls:
  - {campaign: friends, trunk: international, from: {prefix: "+659123", pool: 100, length: 10}, to: [alice, bob],
     count: 100, ring: 0s, talk: 0s, truth: legit}
"""
TRUNK = "127.0.1.1"  # of the first trunk, the international one
_RAMP = 1.0  # seconds, in which SIPp starts


@dataclass(frozen=True, slots=True)
class Both:
    """Ring delays in milliseconds: INVITE sent until 180, by our generators and by SIPp; and the calls of each."""

    ours: tuple[float, float]  # p50 and p99
    theirs: tuple[float, float]
    our_calls: int
    their_calls: int
    failed: int
    our_rate: float
    their_rate: float

    def __str__(self) -> str:
        rows = (
            ("ringfence", self.our_calls, self.our_rate, self.ours),
            ("SIPp", self.their_calls, self.their_rate, self.theirs),
        )
        return "\n".join(
            f"{name:10}{calls:7} calls{rate:8.1f}/s  180 p50 {p50:7.3f} ms  p99 {p99:7.3f} ms"
            for name, calls, rate, (p50, p99) in rows
        )


def beside_sipp(rate: int, seconds: float) -> Both:
    """Play both, `rate` calls a second each."""
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as name:
        folder = Path(name)
        write_entries(folder)
        (folder / "scenario.yaml").write_text(SCENARIO)
        return asyncio.run(_play(folder, rate, seconds))


async def _play(folder: Path, rate: int, seconds: float) -> Both:
    source = folder / "scenario.yaml"
    traffic = traffic_of(source, None, None)
    asked = Asked(rate, rate, _RAMP, seconds, Limits(p99=3600.0, failures=1.0))
    drive = Drive(asked, traffic.calls, lambda _: None)
    run = folder / "run"
    run.mkdir()
    played = {"source": str(source), "seed": None, "select": None}
    async with Rig(LabSpec.of(traffic.scenario), run, played, 2, drive.rows) as rig:
        command = sipp_command(
            "uac.xml", TRUNK, free_port(TRUNK), f"{rig.address[0]}:{rig.address[1]}", "-inf", "calls.csv",
            "-r", str(rate), "-m", str(round(rate * seconds)), "-l", "100000", "-trace_shortmsg",
            "-timeout", f"{seconds + 40:.0f}",
        )  # fmt: skip
        driving = asyncio.create_task(drive.run(rig))
        await asyncio.sleep(_RAMP)
        sipp = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await sipp.wait()
        await driving
    (plateau,) = drive.plateaus
    ring = plateau.tally.distribution("setup_delay")
    assert ring is not None
    achieved, their_ring, _, _ = wire_times(folder)
    done = int(last_counts(folder / "uac.xml.stat.csv")["SuccessfulCall(C)"])
    return Both(
        ours=(1e3 * ring.p50, 1e3 * ring.p99),
        theirs=(percentile(their_ring, 0.50), percentile(their_ring, 0.99)),
        our_calls=plateau.calls,
        their_calls=len(their_ring),
        failed=plateau.failed + round(rate * seconds) - done,
        our_rate=plateau.calls / plateau.seconds,
        their_rate=achieved,
    )


def main() -> None:
    """Play one round and print what both say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=100, help="calls a second, each")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    begun = time.monotonic()
    print(beside_sipp(given.rate, given.seconds))
    print(f"in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
