"""Mixes of people and calls in a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors, load
from simulator.play.jobs import jobs
from simulator.scenario.mix import kinds
from simulator.scenario.model import Scenario

HEAD = """\
scenario: town
seed: 3
mix:
  subscribers:
    town:
      count: 20
      numbers: {prefix: "+861380013", length: 13}
"""


def scenario(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "town.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Scenario)


def errors(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(FileErrors) as wrong:
        scenario(tmp_path, text)
    return [str(error).partition(":")[2] for error in wrong.value.errors]


def test_a_mix_alone_makes_a_scenario_with_the_people_and_calls_of_it(tmp_path: Path) -> None:
    [job] = jobs([(scenario(tmp_path, f"{HEAD}  traffic: {{home-circle: {{}}}}\n"), tmp_path)])
    assert len(job.scenario.subscribers) == 20
    assert {call.callee_name for call in job.calls} <= job.scenario.subscribers.keys()


def test_a_mix_stands_beside_calls_and_named_subscribers(tmp_path: Path) -> None:
    text = f"""{HEAD}  traffic: {{home-circle: {{}}}}
subscribers: {{alice: {{number: "+8613900139001"}}}}
calls: [{{call: friend, trunk: domestic, from: "+8613900139002", to: alice, truth: legit}}]
"""
    [job] = jobs([(scenario(tmp_path, text), tmp_path)])
    assert len(job.scenario.subscribers) == 21
    assert {"friend", "home-circle"} == {call.campaign for call in job.calls}


def test_every_kind_says_all_there_is_to_say() -> None:
    assert {kind.truth for kind in kinds().values()} == {"scam", "legit", "attack"}
    for kind in kinds().values():
        assert sum((kind.outcomes or {}).values()) == pytest.approx(1)


def test_unknown_kinds_and_keys_are_told_with_their_place(tmp_path: Path) -> None:
    assert errors(tmp_path, f"{HEAD}  traffic: {{wangiry: {{}}}}\n") == [
        '8:13: found "wangiry", expected a kind of traffic: "wangiri"'
    ]
    [unknown] = errors(tmp_path, f"{HEAD}  traffic: {{courier: {{rate: 3}}}}\n")
    assert unknown.startswith('8:23: found unknown key "rate", expected one of "calls_per_line", "campaign"')


def test_what_does_not_fit_together_is_told_with_its_place(tmp_path: Path) -> None:
    text = f"{HEAD}  traffic:\n    roamer: {{}}\n    home-circle: {{to: one, pool_per: campaign}}\n"
    assert errors(tmp_path, text) == [
        '10:23: found "one", expected campaign: {calls: N, lasts: TIME} beside it, or any',
        '10:38: found "campaign", expected campaign: {calls: N, lasts: TIME} beside it, or another pool_per',
    ]
    assert errors(tmp_path, f"{HEAD}  traffic:\n    roamer: {{}}\n") == [
        '9:5: found "roamer", expected a population with a profile that has roaming: on, or without this kind'
    ]


def test_a_population_needs_numbers(tmp_path: Path) -> None:
    text = f"{HEAD}  traffic: {{home-circle: {{}}}}\n".replace("count: 20", "count: 10001")
    assert errors(tmp_path, text) == ['6:14: found "10001", expected at most 10,000, for which there are numbers']
    text = f"{HEAD}  traffic: {{courier: {{}}}}\n".replace("count: 20", "count: 10000")
    [full] = errors(tmp_path, text)
    assert full.startswith('8:13: found "courier", expected a population with numbers to spare for strangers')


def test_times_need_their_zone(tmp_path: Path) -> None:
    text = f'{HEAD}  begins: "2026-03-02T08:00"\n  traffic: {{home-circle: {{}}}}\n'
    assert errors(tmp_path, text) == [
        '8:11: found "2026-03-02T08:00", expected a time with its zone, such as "2026-03-02T08:00+08:00"'
    ]
    text = f"{HEAD}  traffic: {{home-circle: {{hours: [1, 2]}}}}\n"
    assert errors(tmp_path, text) == [
        "8:34: found a list, expected 24 weights, one for each hour of the day, not all 0"
    ]


def test_a_scenario_without_calls_or_mix_is_none(tmp_path: Path) -> None:
    assert errors(tmp_path, "scenario: nothing\n") == [
        "1:1: found a mapping, expected subscribers and calls, or a mix, or records"
    ]


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ("calls_per_line: null, hours: null", ['8:39: found "null"', '8:52: found "null"']),
        ("from: []", ["8:29: found a list, expected at least 1"]),
        ("outcomes: {answer: 1e308, busy: 1e308}", ['8:42: found "1e308"', '8:55: found "1e308"']),
    ],
)
def test_a_kind_keeps_what_it_cannot_do_without(tmp_path: Path, traffic: str, said: list[str]) -> None:
    found = errors(tmp_path, f"{HEAD}  traffic: {{wangiri: {{{traffic}}}}}\n")
    assert [begin for begin in said if any(error.startswith(begin) for error in found)] == said


def test_no_mix_lasts_for_ever(tmp_path: Path) -> None:
    for lasts in ("99999999999d", f"{'9' * 400}s"):
        [error] = errors(tmp_path, f"{HEAD}  traffic: {{wangiri: {{}}}}\n  lasts: {lasts}\n")
        assert error.endswith("expected a duration of at most 3650 days")
