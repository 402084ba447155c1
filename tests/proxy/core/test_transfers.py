"""REFER on a trunk: refused, or let through within the trunk's own calls, to where both sides could call."""

from __future__ import annotations

import pytest

from proxy.sip.flow import Flow
from tests.plays.barred_abroad import new_policy_that_bars_calls_out
from tests.plays.dialogue import ABROAD, ALICE, BARRED, CARRIER, DAUGHTER, SWITCH, Play, play, request

CHARLIE = "+8613800138003"


def established(flow: Flow = CARRIER) -> Play:
    """A call to Alice that came in on a trunk."""
    dialogue = play().receive(request("INVITE", flow), flow).sends(100).sends("INVITE", SWITCH)
    token = [("Record-Route", route) for route in dialogue.forwarded.headers("record-route")]
    return dialogue.answer(200, headers=token).sends(200, flow)


def called_out(flow: Flow = CARRIER) -> Play:
    """A call from Alice to a trunk."""
    call = request("INVITE", SWITCH, uri=f"sip:+861012345678@{flow.host}:{flow.port}")
    call = call.replace(f"From: <sip:{DAUGHTER}@".encode(), f"From: <sip:{ALICE}@".encode())
    return play().receive(call, SWITCH).sends(100).sends("INVITE", flow)


def transfer(dialogue: Play, target: str, flow: Flow = CARRIER, *, to_tag: str = "callee", to: str = ALICE) -> Play:
    token = dialogue.forwarded.headers("record-route")[0]
    more = [("Route", token), ("Refer-To", target)]
    data = request(
        "REFER", flow, uri="sip:switch@127.0.0.9:5080", branch="z9hG4bK-2", cseq=2, to=to, to_tag=to_tag, more=more
    )
    dialogue.records()
    return dialogue.receive(data, flow)


@pytest.mark.parametrize("target", [f"<sip:{CHARLIE}@h>", "<sip:+861012345678@h?Replaces=1%40h%3Bto-tag%3D2>"])
def test_a_trunk_may_transfer_its_own_call_where_the_config_says_so(target: str) -> None:
    dialogue = transfer(established(), target).sends("REFER", SWITCH)
    assert dialogue.forwarded.header("refer-to") == target
    dialogue.answer(202).sends(202, CARRIER)
    assert [record["method"] for record in dialogue.records()] == ["REFER"]


def test_so_it_may_where_the_subscriber_called() -> None:
    dialogue = called_out()
    dialogue.answer(200, CARRIER).sends(200, SWITCH)
    transfer(dialogue, f"<sip:{CHARLIE}@h>").sends("REFER", SWITCH)


def test_by_default_it_may_not() -> None:
    transfer(established(ABROAD), f"<sip:{CHARLIE}@h>", ABROAD).sends(403, ABROAD).sends_nothing()


def test_it_may_not_outside_its_calls() -> None:
    data = request("REFER", CARRIER, more=[("Refer-To", f"<sip:{CHARLIE}@h>")])
    play().receive(data, CARRIER).sends(403, CARRIER).sends_nothing()
    transfer(established(), f"<sip:{CHARLIE}@h>", to_tag="").sends(403, CARRIER).sends_nothing()
    of_another = established(ABROAD)
    transfer(of_another, f"<sip:{CHARLIE}@h>").sends(403, CARRIER).sends_nothing()


def test_it_may_not_where_to_names_another_than_whom_the_call_is_with() -> None:
    transfer(established(), f"<sip:{CHARLIE}@h>", to=CHARLIE).sends(403, CARRIER).sends_nothing()


def test_nobody_is_called_by_it_whom_the_trunk_could_not_call() -> None:
    dialogue = called_out()
    dialogue.answer(200, CARRIER).sends(200, SWITCH)
    data = [("P-Asserted-Identity", f"<sip:{DAUGHTER}@h>")]
    token = dialogue.forwarded.headers("record-route")[0]
    more = [("Route", token), ("Refer-To", f"<sip:{BARRED}@h>"), *data]
    refer = request("REFER", CARRIER, branch="z9hG4bK-3", cseq=3, to_tag="from", to=ALICE, more=more)
    dialogue.receive(refer, CARRIER).sends(603, CARRIER).sends_nothing()


def test_nobody_is_called_by_it_whom_the_subscriber_may_not_call() -> None:
    dialogue = established()
    dialogue.core.policy = new_policy_that_bars_calls_out()
    dialogue = transfer(dialogue, "<tel:+881600000001>").sends(603, CARRIER).sends_nothing()
    assert [record["rule"] for record in dialogue.records()] == ["barring.outgoing_international"]
    transfer(established(), "<tel:+881600000001>").sends("REFER", SWITCH)  # who may call abroad


@pytest.mark.parametrize(
    "target",
    [
        f"<sip:{CHARLIE}@h?P-Asserted-Identity=%3Csip:110@h%3E>",
        f"<sip:{CHARLIE}@h?Replaces=1&From=%3Csip:110@h%3E>",
        f"<sip:{CHARLIE}@h?%46rom=%3Csip:110@h%3E>",
        f"<sip:{CHARLIE}@h;method=MESSAGE>",
    ],
)
def test_it_puts_no_words_into_the_new_calls_mouth(target: str) -> None:
    transfer(established(), target).sends(403, CARRIER).sends_nothing()
