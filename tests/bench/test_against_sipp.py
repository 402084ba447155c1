"""The delays of `ringfence load` beside SIPp's, in one run, through one proxy."""

from __future__ import annotations

import pytest

from tests.bench.beside_sipp import beside_sipp

_TICK = 1.0  # ms: SIPp looks at its clock and its sockets about that often
_ROUNDS = 3  # a machine with much else to do does not do the same to both


@pytest.mark.bench
@pytest.mark.timeout(300)
@pytest.mark.parametrize("rate", [50, 150])
def test_same_rate_same_median_and_p99_within_the_resolution_of_the_clock(rate: int) -> None:
    for _ in range(_ROUNDS):
        both = beside_sipp(rate, 10.0)
        print(f"\n{both}")
        assert both.failed == 0
        assert both.their_rate == pytest.approx(both.our_rate, rel=0.02)
        close = [
            abs(ours - theirs) <= _TICK + share * theirs
            for ours, theirs, share in zip(both.ours, both.theirs, (0.15, 0.35), strict=True)
        ]
        if all(close):
            return
    pytest.fail(f"ours and SIPp's differ in {_ROUNDS} rounds")
