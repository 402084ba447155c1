"""The score counts calls as they end, whenever somebody looks at it."""

from __future__ import annotations

from simulator.stage.score import Tally
from tests.plays.observed import call


def test_a_family_has_the_figures_of_all_its_calls_however_often_they_were_looked_at() -> None:
    tally = Tally()
    tally.add(call("c1", family="wangiri"), None)
    tally.add(call("c2", family="bank", truth="legit", blocked=False), 0.001)
    first = tally.to_json()
    tally.add(call("c3", family="wangiri", blocked=False), 0.003)
    second = tally.to_json()

    assert tally.to_json() == second
    assert list(second["families"]) == ["bank", "wangiri"]
    assert first["families"]["wangiri"]["scam_recall"]["value"] == 1.0
    assert second["families"]["wangiri"]["scam_recall"]["value"] == 0.5
    assert second["families"]["bank"] == first["families"]["bank"]
    assert (first["calls"], second["calls"], second["families"]["wangiri"]["calls"]) == (2, 3, 2)
    assert second["delay"]["count"] == 2
