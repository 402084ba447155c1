"""A softswitch that wakes up finds calls in its buffer of callers who left: none of them rings."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.probing import Probing
from proxy.sip.message import Request
from tests.plays.dialogue import ABROAD, PHONE, SWITCH, request
from tests.plays.watched import PROBING, Watched, heard_of, watching


def test_an_invite_is_sent_no_more_once_its_caller_was_told() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    for _ in range(60):
        on.wait(1.0)
        assert not [data for _, data in on.core.outbox if data.startswith(b"INVITE")]


@pytest.mark.parametrize("after", [0.0, 30.0, 3000.0])
def test_an_invite_that_its_caller_gave_up_is_cancelled_at_the_first_sign_of_it(after: float) -> None:
    on = heard_of().freezes()
    on.wait(after).forget_sent()
    on.answer(100).sends("CANCEL", SWITCH).sends_nothing()
    assert isinstance(on.last, Request)
    assert (on.last.via, on.last.uri) == (on.invite.via, on.invite.uri)
    on.answer(200).sends_nothing()


def test_an_invite_that_rings_late_and_is_cancelled_is_acknowledged_to_its_end() -> None:
    on = heard_of().freezes()
    invite = on.invite
    on.forget_sent()
    on.receive(bytes(invite.reply(180, to_tag="callee")), SWITCH).sends("CANCEL", SWITCH)
    on.receive(bytes(invite.reply(183, to_tag="callee")), SWITCH).sends_nothing()
    for _ in range(2):
        ack = on.receive(bytes(invite.reply(487, to_tag="callee")), SWITCH).sends("ACK", SWITCH).last
        assert isinstance(ack, Request)
        assert (ack.via.branch, ack.to.tag) == (invite.via.branch, "callee")
        on.sends_nothing()


def test_an_invite_that_is_answered_late_is_hung_up() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    answer = bytes(on.invite.reply(200, headers=[("Contact", "<sip:switch@127.0.0.9:5080>")], to_tag="callee"))
    on.receive(answer, SWITCH).sends("ACK", SWITCH).sends("BYE", SWITCH).sends_nothing()
    on.receive(answer, SWITCH).sends("ACK", SWITCH).sends_nothing()


def ringing(on: Watched, **how: Any) -> Watched:
    """The switch reads what lay in its buffer, and calls the phone for it."""
    on.forget_sent()
    invite = request("INVITE", SWITCH, uri=f"sip:alice@{PHONE.host}:{PHONE.port}", call_id="leg-b", **how)
    return on.receive(invite, SWITCH).sends(100, SWITCH)


def test_what_a_switch_that_wakes_up_rings_for_such_an_invite_never_reaches_the_phone() -> None:
    on = ringing(heard_of().freezes()).sends_nothing()
    on.receive(bytes(on.invite.reply(100)), SWITCH).sends("CANCEL", SWITCH).answer(200)
    on.receive(request("CANCEL", SWITCH, uri=f"sip:alice@{PHONE.host}:{PHONE.port}", call_id="leg-b"), SWITCH)
    on.sends(200, SWITCH).sends(487, SWITCH).sends_nothing()
    on.receive(request("ACK", SWITCH, call_id="leg-b", to_tag=on.last.to.tag or ""), SWITCH).wait(10.0).sends_nothing()


def test_what_it_does_not_cancel_rings_half_a_second_later() -> None:
    ringing(heard_of().freezes()).sends_nothing().wait(0.4).sends_nothing().wait(0.2).sends("INVITE", PHONE)


def test_what_goes_nowhere_is_told_so_half_a_second_later() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    on.receive(request("INVITE", SWITCH, uri="sip:alice@192.0.2.7", call_id="leg-b"), SWITCH).sends(100, SWITCH)
    on.wait(0.6).sends(403, SWITCH)


def test_nor_does_it_after_a_sleep_too_short_to_be_noticed_where_the_caller_hung_up() -> None:
    on = heard_of().calls(1).wait(0.3).forget_sent()
    on.receive(request("CANCEL", call_id="call-1", branch="z9hG4bK-1"))
    on.forget_sent()
    ringing(on).sends_nothing()
    on.receive(bytes(on.invite.reply(100)), SWITCH).sends("CANCEL", SWITCH)


def test_a_switch_that_answers_at_once_is_kept_waiting_by_no_caller_who_hangs_up() -> None:
    on = heard_of().calls(1)
    on.receive(request("CANCEL", call_id="call-1", branch="z9hG4bK-1")).forget_sent()
    ringing(on).sends("INVITE", PHONE)


def test_a_switch_that_has_been_awake_for_a_while_is_not_kept_waiting() -> None:
    on = heard_of().freezes()
    on.forget_sent().answers_probe().wait(2.1)
    ringing(on).sends("INVITE", PHONE)


def test_nor_is_one_that_was_started_anew() -> None:
    on = heard_of()
    on.calls(1).refused().forget_sent().wait(10.0)
    on.core.watch.refused(on.now)
    ringing(on).sends("INVITE", PHONE)


def test_nobody_else_has_us_cancel_a_call() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    on.answer(180, ABROAD).sends_nothing()


@pytest.mark.parametrize("probing", [PROBING, None])
def test_a_caller_who_hangs_up_before_any_response_has_the_invite_sent_no_more(probing: Probing | None) -> None:
    on = watching(probing)
    on.calls(1).receive(request("CANCEL", branch="z9hG4bK-1", call_id="call-1")).sends(200)
    for _ in range(100):
        on.wait(1.0)
        assert not [data for _, data in on.core.outbox if data.startswith(b"INVITE")]
    assert 487 in on.finals
    on.answer(180).sends("CANCEL", SWITCH)


def test_an_invite_that_timed_out_is_cancelled_when_somebody_rings_after_all() -> None:
    on = watching(None)
    on.calls(1).wait(33.0)
    assert 408 in on.finals
    on.answer(180).sends("CANCEL", SWITCH).sends_nothing()
