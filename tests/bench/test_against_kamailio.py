"""Ringfence beside Kamailio in the same run, under the same SIPp load: CPU per call and set-up delay.

Each figure is a ratio of medians. The targets are for Kamailio with two children, as Debian ships it; shown beside it
are the ratios to one with one child, and to one with its fast allocator (kamailio.cfg says more). A round in which SIPp
itself lagged says nothing: it is played again, and the comparison fails as INVALID where that does not help. `make
bench BENCH=...` takes a part (pytest's -k: "400", "compiled", "not 45"); BENCH_ROUNDS and BENCH_LONG_ROUNDS are how
often each is played.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.bench import split
from tests.bench.campaign import DELAYS, Campaign, Load
from tests.bench.figures import Figure, Figures
from tests.bench.systems import COMPILED, KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST, PURE, compiled_is_there, pure_is_pure

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
ROUNDS, LONG_ROUNDS = (
    int(os.environ.get(f"BENCH_{name}", usual)) for name, usual in (("ROUNDS", 5), ("LONG_ROUNDS", 3))
)
BUILT = (COMPILED, PURE) if compiled_is_there() else (PURE,)
AT_400 = Load("400 calls/s", 400, 5, ROUNDS, (*BUILT, KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST))
AT_800 = Load("800 calls/s", 800, 4, ROUNDS, AT_400.systems)
# Transactions absorb retransmissions for 32 s: only a round longer than that has their end in its figures.
LONG = Load("45 s rounds", 400, 45, LONG_ROUNDS, (*BUILT, KAMAILIO))
LOADS = pytest.mark.parametrize("load", [AT_400, AT_800, LONG], ids=lambda load: load.name)
BUILDS = pytest.mark.parametrize("build", ["compiled", "pure"])
CPU = {  # of Kamailio's, at most
    "compiled": {AT_400: 0.70, AT_800: 0.65, LONG: 0.75},
    "pure": {AT_400: 0.95, AT_800: 0.90, LONG: 1.00},
}
SETUP_P99 = {"compiled": 1.0, "pure": 1.2}  # likewise
NO_COMPILED = "no compiled Ringfence: BENCH_COMPILED names no interpreter that finds one"


@pytest.fixture(scope="module")
def campaign(figures: Figures) -> Iterator[Campaign]:
    assert pure_is_pure(), "the sources' own folder holds a compiled core: nothing would be pure"
    campaign = Campaign(lambda text: print(text, flush=True))
    yield campaign
    figures.notes["rounds"] = campaign.as_json()


@LOADS
@BUILDS
def test_a_call_costs_no_more_than_its_share_of_kamailio(
    campaign: Campaign, figures: Figures, build: str, load: Load
) -> None:
    valid(campaign, load, build)
    measured = campaign.ratio(load, build, KAMAILIO.name, "cpu_per_call")
    met = figures.add(Figure(f"CPU per call / Kamailio, {load.name}", build, measured, CPU[build][load]))
    for other in load.systems[len(BUILT) + 1 :]:
        ratio = campaign.ratio(load, build, other.name, "cpu_per_call")
        figures.add(Figure(f"  to {other.name}", build, ratio, None))
    assert met


@LOADS
@BUILDS
def test_a_call_is_set_up_as_soon(campaign: Campaign, figures: Figures, build: str, load: Load) -> None:
    valid(campaign, load, build)
    measured = campaign.ratio(load, build, KAMAILIO.name, "setup_p99")
    met = figures.add(Figure(f"p99 set-up delay / Kamailio, {load.name}", build, measured, SETUP_P99[build]))
    for delay in DELAYS:
        figures.add(Figure(f"  {delay}", build, campaign.median(load, build, delay), None, "ms"))
    assert met


@BUILDS
def test_where_the_cpu_goes(campaign: Campaign, figures: Figures, build: str) -> None:
    """Shown, not judged: so the next one knows where to look."""
    system = next((one for one in BUILT if one.name == build), None)
    if system is None:
        pytest.skip(NO_COMPILED)
    try:
        found = split.split(system, AT_400.rate, 15)
    except split.Unavailable as error:
        pytest.skip(f"py-spy cannot look into the proxy: {error}")
    cpu = campaign.median(AT_400, build, "cpu_per_call") if AT_400 in campaign.played else None
    figures.notes.setdefault("split", {})[build] = found
    print(f"\n{build}, {AT_400.name}: {split.shown(found, cpu)}")
    assert sum(found.values()) == pytest.approx(1)


def valid(campaign: Campaign, load: Load, build: str) -> None:
    """Skip what is not there, and fail what says nothing."""
    if build not in (system.name for system in BUILT):
        pytest.skip(NO_COMPILED)
    assert not campaign.faults(load, build, KAMAILIO.name), "INVALID"
