"""Calls are treated as their treatment says: whichever calls came before says nothing of the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.deciding import decide
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.treatments import Label
from tests.plays.policy_play import ALICE, FROM_ABROAD, NOON, company

SINGAPORE, BRITAIN, SATELLITE = "+6591234567", "+442079460123", "+881631550001"
COMPANY = company()


def shown(policy: Policy, caller: str) -> str:
    """The label of a call from abroad."""
    call = Call.from_fields(caller, ALICE, FROM_ABROAD, policy.snapshot.numbering, NOON)
    verdict = decide(call, policy).verdict
    assert verdict is not None
    return verdict.label


def labelling(label: str, language: str = "en") -> Policy:
    treatment = Label.model_validate({"label": label, "language": language})
    return Policy(replace(COMPANY.snapshot, treatments={"default.allow": treatment}))


@pytest.mark.parametrize("times", [1, 2])
def test_one_label_names_the_country_of_each_caller(times: int) -> None:
    policy = labelling("From {country}")
    callers = [SINGAPORE, BRITAIN, SATELLITE, "+6566123456", "anonymous"] * times
    names = ["Singapore", "United Kingdom", "satellite", "Singapore", "origin unknown"] * times
    assert [shown(policy, caller) for caller in callers] == [f"From {name}" for name in names]


def test_labels_of_several_policies_are_told_apart() -> None:
    policies = [labelling("From {country}"), labelling("来电：{country}", "zh"), labelling("Overseas")]
    for _ in range(2):
        assert [shown(policy, SINGAPORE) for policy in policies] == ["From Singapore", "来电：新加坡", "Overseas"]


def test_labels_of_policies_that_come_and_go_are_their_own() -> None:
    for number in range(3000):  # more than are kept, each perhaps where the one before was in memory
        assert shown(labelling(f"{number}: {{country}}"), BRITAIN) == f"{number}: United Kingdom"
