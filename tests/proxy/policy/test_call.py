"""The policy's reading of a request: who calls whom, and how much of that is believed."""

from __future__ import annotations

import pytest

from proxy.numbers.numbering import Numbering
from proxy.policy.call import Call
from proxy.policy.trunks import Trunk
from proxy.sip.errors import BadRequest
from tests.plays.policy_play import ALICE, BOB, DOMESTIC, FROM_ABROAD, NOON, UNTRUSTED_FROM_ABROAD, request

CN = Numbering("CN")


def read(caller: str = "+6591234567", callee: str = ALICE, trunk: Trunk = FROM_ABROAD, **headers: str) -> Call:
    return Call.from_request(request(caller, callee, **headers), trunk, CN, NOON)


def test_a_call_says_who_calls_whom_by_which_trunk() -> None:
    call = read('"Daughter" <sip:+6591234567@192.0.2.1>;tag=1')
    assert (call.method, call.caller.e164, call.callee.e164) == ("INVITE", "+6591234567", ALICE)
    assert (call.display_name, call.trunk, call.trunk_kind, call.arrival) == (
        "Daughter",
        "international",
        "international",
        NOON,
    )
    assert (call.withheld, call.diversion) == ("", ())


def test_the_asserted_identity_counts_on_a_trusted_trunk_only() -> None:
    asserted = '"Bank" <sip:+442079460123@192.0.2.1>'
    trusted = read(p_asserted_identity=asserted)
    assert (trusted.caller.e164, trusted.display_name) == ("+442079460123", "Bank")
    assert read(trunk=UNTRUSTED_FROM_ABROAD, p_asserted_identity=asserted).caller.e164 == "+6591234567"


@pytest.mark.parametrize(
    "asserted",
    [
        "<tel:+442079460123>",
        "tel:+442079460123",
        "<sip:+442079460123;verstat=TN-Validation-Passed@192.0.2.1;user=phone>",
        "<sip:bank@example.com>, <tel:+442079460123>",
        "<tel:+442079460123>, <sip:+442079460999@example.com>",
        "::, <tel:+442079460123>",  # one that nobody can read
    ],
)
def test_of_several_asserted_identities_the_first_with_a_number_counts(asserted: str) -> None:
    assert read(p_asserted_identity=asserted).caller.e164 == "+442079460123"


def test_an_asserted_name_hides_no_number_in_from() -> None:
    call = read(p_asserted_identity='"Bank" <sip:bank@example.com>')
    assert (call.caller.e164, call.display_name) == ("+6591234567", "Bank")
    nameless = read("<sip:anonymous@anonymous.invalid>;tag=1", p_asserted_identity="<sip:bank@example.com>")
    assert (nameless.caller.presented, nameless.withheld) == ("bank", "From is anonymous")


def test_all_numbers_that_a_request_presents_are_known_once_each() -> None:
    asserted = "<sip:+442079460123@x>, <tel:+442079460123>, <sip:110@x>, <sip:bank@x>"
    call = read("8610012345678", p_asserted_identity=asserted)
    assert [number.presented for number in call.presented] == ["+442079460123", "8610012345678", "110"]
    assert read(p_asserted_identity="<tel:+6591234567>").others == ()
    assert read(trunk=UNTRUSTED_FROM_ABROAD, p_asserted_identity=asserted).others == ()


def test_privacy_hides_the_number_from_the_phone_and_not_from_the_policy() -> None:
    call = read(
        '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', privacy="id", p_asserted_identity="<tel:+6591234567>"
    )
    assert (call.caller.e164, call.withheld) == ("+6591234567", "Privacy: id")


def test_who_forwarded_the_call_is_read_from_both_headers() -> None:
    call = read(
        trunk=DOMESTIC,
        diversion=f"<sip:{BOB}@x>;reason=no-answer",
        history_info="<sip:+6591234568@x>;index=1, <sip:+8613800138001@x>;index=1.1",
    )
    assert [party.e164 for party in call.diversion] == [BOB, "+6591234568"]


def test_a_flood_of_diversions_is_not_read_to_its_end() -> None:
    assert len(read(diversion=", ".join(["<tel:+6591234568>"] * 2000)).diversion) == 8


def test_a_request_without_a_readable_from_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        read("<sip:alice@192.0.2.1")
