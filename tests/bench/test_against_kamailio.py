"""Ringfence beside Kamailio in the same run, under the same SIPp load: CPU per call and set-up delay.

Rounds alternate, so that noise of the machine meets both; each figure is the median of its rounds. `make bench` prints
the table. A round in which SIPp itself lagged says nothing, and the comparison then fails as INVALID.
"""

from __future__ import annotations

from statistics import median

import pytest

from tests.bench import harness

pytestmark = pytest.mark.bench
CPU_TARGET, DELAY_TARGET = 1.0, 1.5  # of Kamailio's: CPU per call, p99 of the set-up delay


def compare(rate: int, seconds: float, rounds: int) -> None:
    """Play `rounds` of each system, print them, and hold the medians against the targets."""
    print(f"\n{harness.HEADINGS}")
    played: dict[str, list[harness.Round]] = {"kamailio": [], "ringfence": []}
    for _ in range(rounds):
        for system, those in played.items():
            those.append(harness.play(system, rate, seconds))
            print(harness.line(those[-1]), flush=True)
    kamailio, ringfence = played["kamailio"], played["ringfence"]
    cpu = median(r.cpu_per_call for r in ringfence) / median(r.cpu_per_call for r in kamailio)
    p50 = median(r.setup_p50 for r in ringfence) / median(r.setup_p50 for r in kamailio)
    p99 = median(r.setup_p99 for r in ringfence) / median(r.setup_p99 for r in kamailio)
    print(f"{rate} calls/s, Ringfence to Kamailio: CPU per call {cpu:.2f}, set-up p50 {p50:.2f}, p99 {p99:.2f}")
    assert not [r for r in kamailio + ringfence if r.generator_lagged], "INVALID: SIPp did not reach the rate"
    assert [r.failed for r in kamailio + ringfence] == [0] * 2 * rounds
    assert cpu <= CPU_TARGET
    assert p99 <= DELAY_TARGET


@pytest.mark.parametrize("rate", [400, 800])
def test_a_call_costs_no_more_cpu_and_little_more_time(rate: int) -> None:
    compare(rate, seconds=8, rounds=5)


def test_neither_once_old_transactions_are_let_go_as_fast_as_new_ones_come() -> None:
    """Transactions absorb retransmissions for 32 s: only a round longer than that has their end in its figures."""
    compare(400, seconds=45, rounds=3)
