"""Calls of plain fields are decided as the proxy would, with what it remembers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from proxy.core.deciding import decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.core.plain_calls import PlainCall, decisions
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.remote import UNASKED, Opinions
from proxy.policy.trunks import Trunk
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.reputation.scam_list import ScamList
from proxy.subscribers.directory import Directory
from simulator.scenario.reputation import Canned, LabSource

ALICE, BOB = "+8613800138001", "+8613800138002"
PEOPLE = [
    Subscriber(ALICE, "alice", barring=Barring(all_incoming=True)),
    Subscriber(BOB, "bob", barring=Barring(incoming_international=True), block=("+1900*",)),
]
TRUNKS = {
    "international": Trunk("international", "international", trust_identity=True),
    "domestic": Trunk("domestic", "domestic", trust_identity=True),
    "phones": Trunk("phones", "access"),
    "accounts": Trunk("accounts", "access", auth="digest"),
}
LISTED = ScamList.of_columns([23224, 447700900123], [True, False], names=("wangiri",))
POLICY = Policy(build_snapshot("CN", preset.load("cn"), Directory(PEOPLE), LISTED))
NOON = 1_760_000_000.0


def rules(calls: Iterable[PlainCall], memory: EmergencyCalls | None = None) -> list[str]:
    return [one.verdict.rule if one.verdict else "" for one in decisions(calls, POLICY, TRUNKS, memory)]


def test_each_call_is_decided_as_the_one_decision_has_it() -> None:
    calls = [
        PlainCall("+447700900123", ALICE, "international", NOON),
        PlainCall("+23224999001", "+8613800138009", "international", NOON),
        PlainCall("+6591234567", BOB, "international", NOON, diversion=(ALICE,)),
        PlainCall("", BOB, "domestic", NOON, display_name="Anonymous", withheld="Privacy: id"),
        PlainCall(BOB, "+19005550123", "phones", NOON, method="MESSAGE", text="hello"),
        PlainCall(BOB, ALICE, "accounts", NOON, authenticated=BOB),
    ]
    for call, decision in zip(calls, decisions(calls, POLICY, TRUNKS), strict=True):
        caller, callee, trunk, at, method, display_name, withheld, diversion, authenticated, text = call
        made = Call.from_fields(
            caller,
            callee,
            TRUNKS[trunk],
            POLICY.snapshot.numbering,
            at,
            method=method,
            display_name=display_name,
            withheld=withheld,
            diversion=diversion,
            authenticated=authenticated,
            text=text,
        )
        assert decision == decide(made, POLICY)
    assert rules(calls)[:2] == ["barring.all_incoming", "scam_list.prefix"]


def test_a_call_for_help_is_remembered_for_whoever_made_it() -> None:
    back = PlainCall("+861062345678", ALICE, "domestic", NOON + 60)
    assert rules([back]) == ["barring.all_incoming"]
    assert rules([PlainCall(ALICE, "110", "phones", NOON), back]) == ["never_block", "never_block"]
    assert rules([PlainCall(BOB, "110", "phones", NOON), back])[1] == "barring.all_incoming"


@pytest.mark.parametrize(
    ("proved", "rule"), [(ALICE, "never_block"), ("", "barring.all_incoming"), (BOB, "barring.all_incoming")]
)
def test_where_phones_prove_who_they_are_only_who_proved_it_is_remembered(proved: str, rule: str) -> None:
    calls = [
        PlainCall(ALICE, "110", "accounts", NOON, authenticated=proved),
        PlainCall("+861062345678", ALICE, "domestic", NOON + 60),
    ]
    assert rules(calls)[1] == rule


def test_memory_goes_from_one_run_of_calls_to_the_next() -> None:
    memory = EmergencyCalls()
    rules([PlainCall(ALICE, "110", "phones", NOON)], memory)
    assert rules([PlainCall("+861062345678", ALICE, "domestic", NOON + 60)], memory) == ["never_block"]


def test_calls_are_taken_as_they_are_wanted() -> None:
    drawn: list[int] = []

    def endless() -> Iterable[PlainCall]:
        while True:
            drawn.append(len(drawn))
            yield PlainCall("+6591234567", BOB, "international", NOON)

    found = decisions(endless(), POLICY, TRUNKS)
    assert [next(found).outcome for _ in range(3)] == ["refuse"] * 3
    assert len(drawn) == 3


def test_a_trunk_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError, match="elsewhere"):
        rules([PlainCall(ALICE, BOB, "elsewhere", NOON)])


def test_remote_sources_say_what_the_scenario_has_them_say() -> None:
    desk = LabSource.model_validate({"rates": {"+6591234567": {"fraud": 0.9}}})
    people = Directory([Subscriber(ALICE, "alice")])
    snapshot = build_snapshot("CN", preset.load("cn"), people, LISTED, sources=(desk.source_at("desk", ""),))
    calls = [PlainCall(caller, ALICE, "international", NOON) for caller in ("+6591234567", "+6591234568")]
    known: list[tuple[Opinions, list[str]]] = [
        (Canned({"desk": desk}), ["reputation.remote", "default.allow"]),
        (UNASKED, ["default.allow", "default.allow"]),
    ]
    for opinions, rules in known:
        found = [one.verdict and one.verdict.rule for one in decisions(calls, Policy(snapshot), TRUNKS, None, opinions)]
        assert found == rules
