"""The subscribers of a town that nobody keeps are those of a town that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.model import Scenario, load_scenarios
from simulator.traffic.lines import inhabited
from simulator.traffic.plan import populated
from tests.plays.compared import SCENARIO, written

MIX = """\
mix:
  subscribers:
    town: {count: 12, numbers: {prefix: "+861380013", length: 13}, profiles: {plain: {}, away: {roaming: on}}}
    old-town: {count: 3, numbers: {prefix: "+861390013", length: 13}}
  traffic: {family-abroad: {on_allow_list: 0.8}}
"""


def town(folder: Path, more: str = MIX) -> Scenario:
    ((scenario, _),) = load_scenarios([written(folder, SCENARIO + more)])
    return scenario


@pytest.mark.parametrize("more", [MIX, ""])
def test_every_line_is_the_one_that_would_have_been_kept(tmp_path: Path, more: str) -> None:
    scenario = town(tmp_path, more)
    whole, lines = populated(scenario, 7), inhabited(scenario, 7)
    assert dict(lines.subscribers.items()) == whole.subscribers
    assert len(lines.subscribers) == len(whole.subscribers)
    assert {name: lines.subscribers[name] for name in lines.subscribers} == whole.subscribers
    assert lines.mix == scenario.mix


@pytest.mark.parametrize("name", ["town-0", "town-13", "village-1", "town", "carol"])
def test_a_name_that_nobody_has_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyError, match=name):
        inhabited(town(tmp_path), 7).subscribers[name]
