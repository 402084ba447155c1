"""A planned call as what its two agents are told to do."""

from __future__ import annotations

import pytest

from simulator.agents.orders import Behaviour, Credentials
from simulator.lab.directions import PATIENCE, behaviour_of, order_of
from simulator.traffic.planned_call import PlannedCall
from tests.plays.planned import planned


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (planned(ring=2.0), Behaviour(status=200, after=2.0)),
        (planned(ring=2.0, behaviour="reject"), Behaviour(status=603, after=2.0)),
        (planned(ring=2.0, behaviour="busy"), Behaviour(status=486, rings=False)),
        (planned(behaviour="ring_only", cancel_after=2.0), Behaviour(status=None)),
        (planned(behaviour="cancel", cancel_after=2.0), Behaviour(status=None)),
    ],
)
def test_a_phone_does_after_ringing_what_is_planned(call: PlannedCall, told: Behaviour) -> None:
    assert behaviour_of(call) == told


def test_a_caller_waits_for_all_that_is_planned_and_then_some() -> None:
    order = order_of(planned("c1", ring=2.0, cancel_after=3.0, talk=None), Credentials("bob", "s3cret"))
    assert (order.call_id, order.patience, order.talk, order.cancel_after) == ("c1", 5.0 + PATIENCE, None, 3.0)
    assert order.credentials == Credentials("bob", "s3cret")


def test_a_text_is_ordered_with_its_words_and_the_headers_that_say_who_sends_it() -> None:
    headers = (("P-Asserted-Identity", "<sip:+6591234567@ringfence.example>"),)
    order = order_of(planned(method="MESSAGE", body="on my way", headers=headers, display_name="Mum"))
    assert (order.text, order.identity_headers) == ("on my way", headers)
    assert order.from_.startswith('"Mum" <sip:')
