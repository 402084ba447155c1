"""Callers on the callee's allow list pass what the callee bars."""

from __future__ import annotations

from proxy.numbers.numbering import Numbering
from proxy.policy.profile_fields import at_home
from tests.plays.policy_play import (
    ALICE,
    BOB,
    PHONES,
    company,
    judge,
    passed,
    refused,
    subscriber,
)


def test_an_allowed_number_passes_barring() -> None:
    alice = subscriber(allow=("+6591234567",), incoming_international=True)
    assert passed(judge(company(alice), "+6591234567"), "subscriber.allow")


def test_an_allowed_prefix_passes_too() -> None:
    alice = subscriber(allow=("+65*",), incoming_international=True)
    assert passed(judge(company(alice), "+6591234568"), "subscriber.allow")


def test_another_subscribers_list_does_not_help() -> None:
    policy = company(subscriber(incoming_international=True), subscriber(BOB, allow=("+6591234567",)))
    assert refused(judge(policy, "+6591234567"), "barring.incoming_international")


def test_an_allow_list_as_people_dial_lets_calls_out() -> None:
    alice = subscriber(outgoing_international=True, allow=("0065 9*",))
    policy = company(at_home(alice, Numbering("CN")))
    assert passed(judge(policy, ALICE, "006591234567", PHONES))
    assert passed(judge(policy, ALICE, "+6591234567", PHONES))
    assert refused(judge(policy, ALICE, "+6561234567", PHONES), "barring.outgoing_international")
