"""Calls of a mix, seeded."""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import pytest

from proxy.policy.profile import Subscriber
from simulator.scenario.mix import Mix, kinds
from simulator.traffic import mixture
from simulator.traffic.mixture import mixed_calls
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.population import People

TOWN = {"prefix": "+861380013", "length": "13"}
PROFILES = {
    "barred": {"share": "0.3", "barring": {"incoming_international": "on"}},
    "plain": {"share": "0.6"},
    "away": {"share": "0.1", "roaming": "on"},
}


def mix(traffic: dict[str, Any], count: int = 1000, **more: Any) -> Mix:
    town = {"count": str(count), "numbers": TOWN, "profiles": PROFILES}
    return Mix.model_validate({"subscribers": {"town": town}, "traffic": traffic} | more)


def calls(traffic: dict[str, Any], seed: int = 7, **more: Any) -> list[PlannedCall]:
    return list(mixed_calls(mix(traffic, **more), seed))


def everything() -> dict[str, Any]:
    return {name: {} for name in kinds()}


@pytest.fixture(scope="module")
def usual() -> list[PlannedCall]:
    """The calls of a mix of everything."""
    return calls(everything())


def test_the_same_seed_gives_the_same_calls_and_another_seed_others(usual: list[PlannedCall]) -> None:
    assert calls(everything()) == usual
    assert calls(everything(), seed=8) != usual


def test_calls_come_in_order_of_time_and_each_has_a_name_of_its_own() -> None:
    planned = calls(everything(), lasts="30h")
    assert [call.start for call in planned] == sorted(call.start for call in planned)
    assert len({call.id for call in planned}) == len(planned)


def test_a_kind_is_the_same_whatever_else_is_in_the_mix() -> None:
    alone = calls({"wangiri": {"calls_per_line": "1"}})
    among = [call for call in calls(everything() | {"wangiri": {"calls_per_line": "1"}}) if call.family == "wangiri"]
    assert alone == among


def test_there_are_as_many_calls_a_line_as_the_mix_says() -> None:
    planned = calls({"home-circle": {"calls_per_line": "2"}, "wangiri": {"calls_per_line": "1"}}, lasts="5d")
    counted = Counter(call.family for call in planned)
    assert counted["home-circle"] == pytest.approx(10_000, rel=0.05)
    assert counted["wangiri"] == pytest.approx(5_000, rel=0.15)  # campaigns come in lumps


def test_campaigns_are_as_large_as_published() -> None:
    planned = calls({"police-from-abroad": {"calls_per_line": "3", "pool": "1"}}, lasts="4d")
    sizes = sorted(Counter(call.caller for call in planned).values())
    assert sum(sizes) / len(sizes) == pytest.approx(13, rel=0.1)
    assert 22 <= sizes[int(len(sizes) * 0.95)] <= 32  # 95 % under 27


def test_hours_of_the_day_are_kept_at_the_place_where_the_mix_begins() -> None:
    office = calls({"business-abroad": {"calls_per_line": "1"}}, begins="2026-03-02T08:00+08:00", lasts="1d")
    hours = Counter(int((8 + call.start / 3600) % 24) for call in office)
    assert set(hours) <= set(range(7, 20))
    assert hours[10] > hours[18]


def test_pace_shortens_the_time_between_calls_and_their_ringing_alike(usual: list[PlannedCall]) -> None:
    fast = calls(everything(), pace="10")
    assert [call.id for call in usual] == [call.id for call in fast]
    for one, ten in zip(usual, fast, strict=True):
        assert abs(ten.start - one.start / 10) <= 1e-5
        assert ten.talk is None or one.talk is None or abs(ten.talk - one.talk / 10) <= 1e-5


def test_family_abroad_calls_again_from_the_same_numbers_and_some_of_these_are_on_the_allow_list() -> None:
    given = mix({"family-abroad": {"calls_per_line": "2", "pool": "2", "on_allow_list": "0.6"}}, lasts="5d")
    people = People(given, 7)
    lines = {each.number: each for _, each in people}
    callers = defaultdict(set)
    for call in mixed_calls(given, 7):
        callers[call.callee].add(call.caller)
    assert max(map(len, callers.values())) == 2
    allowed = sum(caller in lines[callee].allow for callee, own in callers.items() for caller in own)
    assert allowed / sum(map(len, callers.values())) == pytest.approx(0.6, abs=0.06)


def test_roamers_are_subscribers_who_roam_and_strangers_are_nobody_of_the_town() -> None:
    given = mix({"roamer": {"calls_per_line": "1"}, "spoofed-home-number": {"calls_per_line": "1"}})
    lines = {each.number: each for _, each in People(given, 7)}
    planned = list(mixed_calls(given, 7))
    assert {call.family for call in planned} == {"roamer", "spoofed-home-number"}
    for call in planned:
        if call.family == "roamer":
            assert lines[call.caller].roaming
        else:
            assert call.caller not in lines
            assert call.caller.startswith("+861380013")


def test_neighbours_differ_from_the_callee_in_the_last_digits() -> None:
    for call in calls({"neighbour-spoofing": {"calls_per_line": "1"}}):
        assert call.caller != call.callee
        assert call.caller[:-4] == call.callee[:-4]


def test_sequential_dialling_goes_from_number_to_number() -> None:
    by_caller = defaultdict(list)
    for call in calls({"sequential-dialling": {"calls_per_line": "0.5"}}):
        by_caller[call.caller].append(int(call.callee[-4:]))
    for dialled in by_caller.values():
        assert dialled == [(dialled[0] + nth) % 1000 for nth in range(len(dialled))]


def test_tdos_keeps_one_line_busy_from_many_numbers() -> None:
    by_callee = Counter(call.callee for call in calls({"tdos": {"calls_per_line": "0.5"}}))
    planned = calls({"tdos": {"calls_per_line": "0.5"}})
    assert len(by_callee) < 20
    assert len({call.caller for call in planned}) > len(planned) * 0.95
    assert {call.behaviour for call in planned} == {"cancel"}


def test_a_text_goes_before_the_call_from_the_same_number() -> None:
    planned = calls({"text-then-call": {"calls_per_line": "0.5"}}, lasts="2d")
    texts = [call for call in planned if call.method == "MESSAGE"]
    by_pair = {(call.caller, call.callee, call.start) for call in planned if call.method == "INVITE"}
    assert texts
    for text in texts:
        assert text.body
        followed = {(text.caller, text.callee, round(text.start + 180.0, 6))}
        assert followed <= by_pair or text.start > 2 * 86400 - 180


def test_forwarded_calls_name_the_subscriber_who_forwards() -> None:
    numbers = {each.number for _, each in People(mix({"forwarded": {}}), 7)}
    for call in calls({"forwarded": {"calls_per_line": "0.5"}}):
        [(name, value)] = call.headers
        assert name == "Diversion"
        assert value.split(":")[1].split("@")[0] in numbers


def test_segments_have_their_share_and_their_settings() -> None:
    people = People(mix({"home-circle": {}}), 7)
    counted = Counter(people.segment(index) for index in range(people.lines))
    assert counted["barred"] == pytest.approx(300, abs=60)
    for index in range(people.lines):
        _, line = people.line(index)
        assert isinstance(line, Subscriber)
        assert line.barring.incoming_international == (people.segment(index) == "barred")
        assert line.roaming == (people.segment(index) == "away")


def test_lines_of_two_populations_have_their_own_numbers_and_names() -> None:
    village = {"count": "5", "numbers": {"prefix": "+861390013", "length": "13"}}
    town = {"count": "3", "numbers": TOWN}
    both = Mix.model_validate({"subscribers": {"town": town, "village": village}, "traffic": {"home-circle": {}}})
    people = People(both, 1)
    assert [name for name, _ in people] == [*(f"town-{n}" for n in (1, 2, 3)), *(f"village-{n}" for n in range(1, 6))]
    assert people.number(3) == "+8613900130000"
    lines = {each.number for _, each in people}
    for call in mixed_calls(both, 1):
        assert {call.caller, call.callee} <= lines
        assert call.caller != call.callee


def test_a_large_mix_takes_no_more_memory_than_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture, "_WINDOW", 10_000)  # a tenth, and so are its pieces
    monkeypatch.setattr(mixture, "_PIECE", 1_000)
    given = mix({"home-circle": {"calls_per_line": "1000"}}, count=200)  # two hundred thousand calls
    stream = mixed_calls(given, 7)
    tracemalloc.start()
    try:
        taken = sum(1 for _ in islice(stream, 3_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken == 3_000
    assert peak < 1_400_000  # 0.9 MB; with all of them kept it would be 2.4


def test_calls_tell_the_segment_of_their_callee() -> None:
    given = mix({"home-circle": {}})
    people = People(given, 7)
    for call in mixed_calls(given, 7):
        assert call.callee_name is not None
        assert call.segment == people.segment(int(call.callee_name.removeprefix("town-")) - 1)
