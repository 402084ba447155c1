"""The order of the rules, their modes, and the trace that says what each of them said."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.deciding import decide
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.precedence import PRECEDENCE, REFUSING, REMOTE, SETTABLE, SPOOFED
from proxy.policy.profile import Barring
from proxy.policy.treatments import Label, Treatments
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Mode, Step
from proxy.presets.preset import Preset
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    NOON,
    PHONES,
    STRANGER,
    Listed,
    company,
    judge,
    request,
    subscriber,
)

FIXED, ABROAD = "+862062345678", "+6591234567"
SERVICE = Preset("a caller that may always call", callbacks=frozenset(("862062345678",)))

# Calls that several rules want to decide: caller, callee, trunk, and those rules in the order that must hold.
CONTESTED: list[tuple[str, str, Trunk, tuple[str, ...]]] = [
    (
        FIXED,
        ALICE,
        FROM_ABROAD,
        (
            "subscriber.allow",
            "subscriber.block",
            "spoofed.home_number",
            "anonymous.reject",
            "barring.all_incoming",
            "barring.incoming_when_roaming",
            "barring.incoming_international",
            "scam_list.exact",
            "default.allow",
        ),
    ),
    (
        ABROAD,
        ALICE,
        FROM_ABROAD,
        (
            "subscriber.allow",
            "subscriber.block",
            "anonymous.reject",
            "barring.all_incoming",
            "barring.incoming_when_roaming",
            "barring.incoming_international",
            "scam_list.prefix",
            "default.allow",
        ),
    ),
    (
        ALICE,
        ABROAD,
        PHONES,
        (
            "barring.all_outgoing",
            "subscriber.allow",
            "subscriber.block",
            "anonymous.reject",
            "barring.all_incoming",
            "barring.outgoing_international",
            "scam_list.exact",
            "default.allow",
        ),
    ),
    (
        FIXED,
        ALICE,
        DOMESTIC,
        (
            "never_block",
            "subscriber.allow",
            "subscriber.block",
            "anonymous.reject",
            "barring.all_incoming",
            "barring.incoming_when_roaming",
            "scam_list.exact",
            "default.allow",
        ),
    ),
    (FIXED, FIXED, FROM_ABROAD, ("spoofed.own_number", "spoofed.home_number", "scam_list.exact", "default.allow")),
    (FIXED, FIXED, DOMESTIC, ("never_block", "spoofed.own_number", "scam_list.exact", "default.allow")),
    (ALICE, "110", PHONES, ("never_block", "scam_list.exact", "default.allow")),
    (FIXED, "110", FROM_ABROAD, ("never_block", "spoofed.home_number", "scam_list.exact", "default.allow")),
]


def strict(caller: str, only: tuple[str, ...] = (), modes: Mapping[str, Mode] | None = None) -> Policy:
    """Everything about the caller is wrong at once, and right as well."""
    everything = dict.fromkeys(Barring.__match_args__, True)
    people = [
        subscriber(number, roaming=True, allow=(caller,), block=(caller,), **everything) for number in (ALICE, ABROAD)
    ]
    listed = (Listed(FIXED), Listed(ALICE), Listed("+65*"))
    return company(*people, rules=SERVICE, listed=listed, only=only, modes=modes)


@pytest.mark.parametrize(("caller", "callee", "trunk", "rules"), CONTESTED)
def test_of_two_rules_that_match_the_earlier_decides(
    caller: str, callee: str, trunk: Trunk, rules: tuple[str, ...]
) -> None:
    def decides(*rules: str) -> str:
        only = tuple(rule for rule in rules if rule != "default.allow") or ("never_block",)
        return judge(strict(caller, only=only), caller, callee, trunk, privacy="id").rule

    assert [rule for rule in rules if rule != "default.allow" and decides(rule) != rule] == []
    assert [pair for pair in combinations(rules, 2) if decides(*pair) != pair[0]] == []


@pytest.mark.parametrize(("caller", "callee", "trunk", "rules"), CONTESTED)
def test_the_rules_said_to_refuse_are_those_that_do(
    caller: str, callee: str, trunk: Trunk, rules: tuple[str, ...]
) -> None:
    shadowed = strict(caller, modes=dict.fromkeys(SETTABLE, "shadow"))
    trace = judge(shadowed, caller, callee, trunk, privacy="id").trace
    outcomes = {step.rule: step.outcome for step in trace}
    assert {rule: outcomes[rule] for rule in rules} == {
        rule: "reject" if rule in REFUSING else "allow" for rule in rules
    }


def test_the_pairs_walk_every_rule_but_the_two_sorts_of_list_entry() -> None:
    """An entry is exact or a prefix, never both, so these two cannot meet. Nobody here proves who they are, and callers
    who withhold their number are told to no remote source."""
    met = {pair for *_, rules in CONTESTED for pair in combinations(rules, 2)}
    assert {rule for pair in met for rule in pair} == set(PRECEDENCE) - {SPOOFED, REMOTE}
    assert all(PRECEDENCE.index(first) < PRECEDENCE.index(second) for first, second in met)


def test_the_trace_names_every_rule_asked_and_none_after_the_decision() -> None:
    verdict = judge(company(subscriber(incoming_international=True)), ABROAD)
    assert [(step.rule, step.outcome) for step in verdict.trace] == [
        ("never_block", "no_match"),
        ("barring.all_outgoing", "no_match"),
        ("subscriber.allow", "no_match"),
        ("subscriber.block", "no_match"),
        ("spoofed.own_number", "no_match"),
        ("spoofed.home_number", "no_match"),
        ("anonymous.reject", "no_match"),
        ("barring.all_incoming", "no_match"),
        ("barring.incoming_when_roaming", "no_match"),
        ("barring.incoming_international", "reject"),
    ]
    assert all(step.detail and step.mode == "enforce" for step in verdict.trace)
    assert verdict.detail == verdict.trace[-1].detail == "overseas caller +6591234567 (SG) on trunk international"


def test_a_shadowed_rule_is_traced_and_not_obeyed() -> None:
    policy = company(subscriber(incoming_international=True), modes={"barring.incoming_international": "shadow"})
    verdict = judge(policy, ABROAD)
    assert verdict.rule == "default.allow"
    shadow = "overseas caller +6591234567 (SG) on trunk international"
    assert Step("barring.incoming_international", "shadow", "reject", shadow) in verdict.trace


def test_a_shadowed_rule_does_not_stop_later_ones() -> None:
    modes: dict[str, Mode] = {"barring.incoming_international": "shadow"}
    policy = company(subscriber(incoming_international=True), listed=(Listed(ABROAD),), modes=modes)
    assert judge(policy, ABROAD).rule == "scam_list.exact"


def test_a_rule_that_is_off_is_not_asked() -> None:
    policy = company(subscriber(incoming_international=True), modes={"barring.incoming_international": "off"})
    verdict = judge(policy, ABROAD)
    assert verdict.rule == "default.allow"
    assert "barring.incoming_international" not in [step.rule for step in verdict.trace]


def test_the_configs_modes_go_over_the_presets() -> None:
    lenient = Preset("lenient", modes={"spoofed.home_number": "off", "anonymous.reject": "shadow"})
    policy = company(rules=lenient, modes={"spoofed.home_number": "enforce"})
    assert judge(policy, FIXED, BOB).rule == "spoofed.home_number"
    assert policy.snapshot.modes["anonymous.reject"] == "shadow"


@pytest.mark.parametrize("rule", ["default.allow", SPOOFED, "barring.incoming"])
def test_modes_of_rules_that_have_none_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=f"no mode can be set for {rule}"):
        company(modes={rule: "off"})


POLICY = company(subscriber(incoming_international=True, anonymous=True), subscriber(BOB, roaming=True))
_USER = st.text(alphabet="+0123456789*#-.()anonymous%;=", min_size=1, max_size=20)


@given(_USER, _USER, st.sampled_from([FROM_ABROAD, DOMESTIC, PHONES]))
def test_every_call_gets_a_verdict(caller: str, callee: str, trunk: Trunk) -> None:
    sent = request(f"<sip:{caller}@192.0.2.1>;tag=1", callee, p_asserted_identity=f"<tel:{callee}>, x, <sip:{caller}>")
    verdict = POLICY.decide(Call.from_request(sent, trunk, POLICY.snapshot.numbering, NOON))
    assert verdict.rule == verdict.trace[-1].rule
    assert (verdict.status is None) == (verdict.action != "reject")


def test_who_proved_to_be_calling_and_shows_another_number_meets_no_other_rule() -> None:
    policy = company(subscriber(ALICE), subscriber(BOB, allow=(ALICE, STRANGER)))
    for claimed, rule in ((STRANGER, SPOOFED), (ALICE, "subscriber.allow")):
        call = Call.from_request(request(claimed, BOB), PHONES, policy.snapshot.numbering, NOON, ALICE)
        verdict = decide(call, policy).verdict
        assert verdict is not None
        assert verdict.rule == rule
        assert verdict.trace[0].rule == SPOOFED
    assert SPOOFED not in [step.rule for step in judge(policy, STRANGER, BOB, PHONES).trace]


def test_a_shadowed_rule_tells_of_the_treatment_that_its_calls_would_get() -> None:
    label: Treatments = {"barring.incoming_international": Label(label="Overseas")}
    barring = subscriber(incoming_international=True)
    policy = company(barring.but(treatment=label), modes={"barring.incoming_international": "shadow"})
    trace = judge(policy, "+6591234567").trace
    assert [step.outcome for step in trace if step.rule == "barring.incoming_international"] == ["label"]
