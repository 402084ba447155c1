"""Values compare, show and change themselves by their fields."""

from __future__ import annotations

import pickle

import pytest

from proxy.sip.headers import CSeq, NameAddr

INVITE = CSeq(1, "INVITE")


def test_values_with_the_same_fields_are_one_in_a_set() -> None:
    assert {INVITE, CSeq(1, "INVITE")} == {INVITE}


@pytest.mark.parametrize("other", [CSeq(2, "INVITE"), CSeq(1, "ACK"), NameAddr("", "INVITE", {}), (1, "INVITE")])
def test_what_differs_in_a_field_or_in_its_class_is_another(other: object) -> None:
    assert other != INVITE


def test_a_changed_value_leaves_the_old_one_as_it_was() -> None:
    assert INVITE.but(method="CANCEL") == CSeq(1, "CANCEL")
    assert CSeq(1, "INVITE") == INVITE


def test_a_value_comes_out_of_a_pickle_as_it_went_in() -> None:
    assert pickle.loads(pickle.dumps(INVITE)) == INVITE  # noqa: S301


def test_a_value_has_its_fields_by_name() -> None:
    assert INVITE.as_dict() == {"number": 1, "method": "INVITE"}


def test_no_value_gets_a_field_that_it_does_not_have() -> None:
    with pytest.raises(TypeError):
        INVITE.but(branch="z9hG4bK1")


def test_a_value_is_shown_as_it_is_written() -> None:
    assert repr(INVITE) == "CSeq(number=1, method='INVITE')"
