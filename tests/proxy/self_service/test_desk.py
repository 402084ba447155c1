"""Subscribers change their own profiles through the proxy, as dialogues."""

from __future__ import annotations

import pytest

from proxy.sip.flow import Flow
from proxy.subscribers.changes import Change
from simulator.agents.digest import answer_challenge
from tests.plays.dialogue import ABROAD, DAUGHTER, PHONE, SWITCH, Play, request
from tests.plays.order_line import ALICE, BOB, CAROL, DOMESTIC, changes, rings, sent, start, text_of


def test_a_texted_keyword_is_answered_and_in_force_for_the_very_next_call() -> None:
    on = start()
    assert rings(on)
    on.receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE).sends(200, PHONE)
    assert "Calls and texts from abroad: blocked" in text_of(on, ALICE)
    on.sends_nothing()
    assert changes(on) == [Change(ALICE, "incoming_international", True)]
    assert not rings(on, n=91)
    assert rings(on, BOB, n=92)
    record = on.records()[0]
    assert (record["rule"], record["action"], record["final"]) == ("self_service", "allow", 200)
    assert record["detail"] == f"10086 by {ALICE}: changed"


def test_a_retransmitted_text_is_carried_out_once() -> None:
    on = start()
    order = sent("MESSAGE", ALICE, "10086", "QXGJLH")
    on.receive(order, PHONE).sends(200, PHONE)
    text_of(on, ALICE)
    on.receive(order, PHONE).sends(200, PHONE).sends_nothing()
    assert len(changes(on)) == 1


def test_our_text_is_sent_again_until_the_switch_answers_and_its_fate_concerns_nobody() -> None:
    on = start().receive(sent("MESSAGE", ALICE, "10086", "STATUS"), PHONE).sends(200, PHONE)
    text_of(on, ALICE)
    on.wait(0.5).sends("MESSAGE", SWITCH).answer(480).sends_nothing().wait(40.0).sends_nothing()
    assert on.core.transactions == 0


@pytest.mark.parametrize("dialled", ["*354*2580%23", "*354*2580#", "%2A354*2580%23"])
def test_a_star_code_is_announced_by_the_switch_and_texted(dialled: str) -> None:
    on = start().receive(sent("INVITE", ALICE, dialled), PHONE).sends(100, PHONE)
    assert "Calls and texts from abroad: blocked" in text_of(on, ALICE)
    on.sends("INVITE", SWITCH)
    assert on.forwarded.uri == "sip:rf*play*changed@127.0.0.9:5080"
    on.answer(200).sends(200, PHONE)
    assert not rings(on)
    record = on.records()[0]
    assert (record["rule"], record["callee"], record["final"]) == ("self_service", "*354#", 200)
    assert "2580" not in str(record)


@pytest.mark.parametrize("dialled", ["*331*2580%23%23", "*33*2580a", "**03*330*2580*1111*1111%23", "+*354#2580%23"])
def test_what_is_like_a_star_code_is_announced_and_its_pin_stays_here(dialled: str) -> None:
    on = start().receive(sent("INVITE", ALICE, dialled), PHONE)
    assert "is not offered here" in text_of(on, ALICE)
    on.sends(100, PHONE).sends("INVITE", SWITCH)
    assert on.forwarded.uri == "sip:rf*play*unchanged@127.0.0.9:5080"
    on.answer(200).sends(200, PHONE)
    assert "2580" not in str(on.records()) + str(changes(on))


@pytest.mark.parametrize("method", ["MESSAGE", "REFER"])
def test_star_codes_are_dialled(method: str) -> None:
    on = start()
    data = sent(method, ALICE, BOB if method == "REFER" else "*354*2580%23")
    if method == "REFER":
        data = data.replace(b"CSeq:", b"Refer-To: <sip:*354*2580%23@x>\r\nCSeq:")
    on.receive(data, PHONE).sends(403, PHONE).sends_nothing()
    assert changes(on) == []
    assert "2580" not in str(on.records())


def test_a_code_that_is_refused_as_spoofed_leaves_no_pin_either() -> None:
    on = start("digest").receive(sent("INVITE", BOB, "*354*2580%23"), PHONE).sends(407, PHONE)
    asked = on.last.headers("proxy-authenticate")
    given = answer_challenge(asked, "INVITE", "sip:*354*2580%23@127.0.0.1", "alice", "s3cret") or ""
    on.receive(sent("INVITE", BOB, "*354*2580%23", n=2, given=given), PHONE).sends(403, PHONE).sends_nothing()
    (record,) = on.records()
    assert (record["rule"], record["callee"]) == ("spoofed.subscriber_number", "*354#")
    assert "2580" not in str(record)


def test_a_text_that_is_none_is_no_order() -> None:
    picture = sent("MESSAGE", ALICE, "10086", "QXGJLH").replace(b"CSeq:", b"Content-Type: image/png\r\nCSeq:")
    on = start().receive(picture, PHONE).sends(415, PHONE).sends_nothing()
    assert on.last.header("accept") == "text/plain"
    assert changes(on) == []
    plain = sent("MESSAGE", ALICE, "10086", "QXGJLH", n=2).replace(b"CSeq:", b"c: Text/Plain ;charset=UTF-8\r\nCSeq:")
    on.receive(plain, PHONE).sends(200, PHONE)
    assert len(changes(on)) == 1


def test_a_notice_offers_no_prefix_that_the_caller_made_up() -> None:
    on = start().receive(request("INVITE", ABROAD, to=CAROL).replace(DAUGHTER.encode(), b"44*")).sends(603)
    assert "somebody without a number" in (told := text_of(on, CAROL))
    assert "44" not in told


def test_a_notice_offers_no_number_that_would_be_read_as_another() -> None:
    on = start().receive(request("INVITE", ABROAD, to=CAROL).replace(DAUGHTER.encode(), b"+" + DAUGHTER.encode()))
    on.sends(603)
    assert DAUGHTER[1:] in (told := text_of(on, CAROL))
    assert "ALLOW" not in told


def test_three_wrong_pins_lock_star_codes_and_not_texts() -> None:
    on, heard = start(), []
    for n, pin in enumerate(("1111", "2222", "3333", "2580")):
        on.receive(sent("INVITE", ALICE, f"*354*{pin}%23", n=n), PHONE)
        if n < 3:
            on.sends(100)  # while it is saved that the PIN was wrong
        text_of(on, ALICE)
        if n == 3:
            on.sends(100)
        on.sends("INVITE", SWITCH)
        heard.append(on.forwarded.uri.partition("@")[0])
    assert heard == ["sip:rf*play*wrong-pin", "sip:rf*play*wrong-pin", "sip:rf*play*locked", "sip:rf*play*locked"]
    assert {change.field for change in changes(on)} == {"wrong_pins", "last_wrong_pin"}
    on.receive(sent("MESSAGE", ALICE, "10086", "QXGJLH", n=9), PHONE).sends(200, PHONE)


@pytest.mark.parametrize(("method", "to"), [("MESSAGE", "10086"), ("INVITE", "*354*2580%23")])
@pytest.mark.parametrize("flow", [ABROAD, DOMESTIC])
def test_nobody_orders_anything_over_a_trunk(method: str, to: str, flow: Flow) -> None:
    on = start().receive(sent(method, ALICE, to, "QXGJLH", flow), flow).sends(403).sends_nothing()
    assert changes(on) == []
    assert on.records()[0]["rule"] == "self_service"


@pytest.mark.parametrize("who", ["+8613800138009", "anonymous", "nobody"])
def test_who_is_no_subscriber_orders_nothing(who: str) -> None:
    on = start().receive(sent("MESSAGE", who, "10086", "QXGJLH"), PHONE).sends(403, PHONE).sends_nothing()
    assert changes(on) == []


def test_a_phone_may_go_by_its_user_name() -> None:
    on = start().receive(sent("MESSAGE", "bob", "10086", "QXGJLH"), PHONE).sends(200, PHONE)
    text_of(on, BOB)
    assert changes(on) == [Change(BOB, "incoming_international", True)]


def test_with_digest_the_order_is_for_who_proved_to_give_it() -> None:
    on = start("digest")

    def order(by: str, n: int) -> None:
        on.receive(sent("MESSAGE", by, "10086", "QXGJLH", n=n), PHONE).sends(407, PHONE)
        asked = on.last.headers("proxy-authenticate")
        given = answer_challenge(asked, "MESSAGE", "sip:10086@127.0.0.1", "alice", "s3cret") or ""
        on.receive(sent("MESSAGE", by, "10086", "QXGJLH", n=n + 1, given=given), PHONE)

    order(BOB, 1)
    on.sends(403, PHONE).sends_nothing()
    assert changes(on) == []
    order("anonymous", 3)
    on.sends(200, PHONE)
    text_of(on, ALICE)
    assert changes(on) == [Change(ALICE, "incoming_international", True)]


@pytest.mark.parametrize(("method", "to"), [("INVITE", "10086"), ("INVITE", "*72#"), ("MESSAGE", BOB)])
def test_everything_else_goes_on_to_the_switch(method: str, to: str) -> None:
    on = start().receive(sent(method, ALICE, to.replace("#", "%23"), "QXGJLH"), PHONE)
    if method == "INVITE":
        on.sends(100)
    on.sends(method, SWITCH)
    assert to.replace("#", "%23") in on.forwarded.uri


def calls_from(on: Play, by: str, to: str, n: int) -> bool:
    """True if a call from a phone goes on to the switch."""
    on.receive(sent("INVITE", by, to, n=n), PHONE)
    went_on = not on.core.outbox[0][1].startswith(b"SIP/2.0 603")
    on.forget_sent()
    return went_on


def test_who_barred_all_their_calls_can_still_call_for_help_and_take_it_back() -> None:
    on = start().receive(sent("INVITE", ALICE, "*33*2580%23"), PHONE).sends(100, PHONE)
    assert "您的所有呼出和短信: 仅限紧急呼叫" in text_of(on, ALICE)
    on.forget_sent()
    assert not calls_from(on, ALICE, BOB, 2)
    assert calls_from(on, ALICE, "110", 3)
    assert calls_from(on, ALICE, "10086", 4)
    on.receive(sent("MESSAGE", ALICE, BOB, "hello", n=5), PHONE).sends(603, PHONE).sends_nothing()
    on.receive(sent("INVITE", ALICE, "#33*2580%23", n=6), PHONE).sends(100, PHONE)
    assert "Your calls and texts to anybody: let through" in text_of(on, ALICE)
    on.forget_sent()
    assert calls_from(on, ALICE, BOB, 7)
    on.receive(sent("MESSAGE", ALICE, "10086", "HCXZ", n=8), PHONE).sends(200, PHONE)
    text_of(on, ALICE)
    assert not calls_from(on, ALICE, BOB, 9)
    on.receive(sent("MESSAGE", ALICE, "10086", "QXHCXZ", n=10), PHONE).sends(200, PHONE)
    text_of(on, ALICE)
    assert calls_from(on, ALICE, BOB, 11)


def test_who_barred_all_calls_to_them_still_gets_their_replies() -> None:
    on = start().receive(sent("INVITE", ALICE, "*35*2580%23"), PHONE).sends(100, PHONE)
    assert "All calls and texts to you: blocked" in text_of(on, ALICE)
    on.forget_sent()
    assert not calls_from(on, BOB, ALICE, 2)
    assert not rings(on)
    on.receive(sent("MESSAGE", ALICE, "10086", "STATUS", n=3), PHONE).sends(200, PHONE)
    assert "All calls and texts to you: blocked" in text_of(on, ALICE)


def test_a_call_that_its_own_caller_barred_is_told_to_nobody() -> None:
    on = start().receive(sent("INVITE", ALICE, "*33*2580%23"), PHONE).sends(100, PHONE)
    text_of(on, ALICE)
    on.forget_sent()
    on.receive(sent("INVITE", ALICE, CAROL, n=2), PHONE).sends(603, PHONE).sends_nothing()


def test_the_default_preset_speaks_plain_english() -> None:
    on = start(rules="default").receive(sent("MESSAGE", ALICE, "7000", "Allow +65 9123 4567"), PHONE).sends(200, PHONE)
    assert text_of(on, ALICE, "7000") == (
        "Done.\n+6591234567 can always reach you.\nTo undo this, text REMOVE +6591234567 to 7000."
    )
    on.receive(sent("MESSAGE", ALICE, "7000", "BLOCK OVERSEAS", n=2), PHONE).sends(200, PHONE)
    text_of(on, ALICE, "7000")
    assert rings(on)


def test_a_refused_call_is_told_to_who_wants_to_know_once() -> None:
    on = start()
    for n in range(4):
        on.receive(request("INVITE", ABROAD, to=CAROL, branch=f"z9hG4bK-{n}", call_id=f"call-{n}")).sends(603)
        if n == 0:
            told = text_of(on, CAROL)
            assert f"A call from {DAUGHTER} was refused: you take no calls and texts from abroad." in told
            assert f"text ALLOW {DAUGHTER} to 10086" in told
        on.sends_nothing()
    on.receive(sent("MESSAGE", CAROL, "10086", f"ALLOW {DAUGHTER}", n=7), PHONE).sends(200, PHONE)
    text_of(on, CAROL)
    assert rings(on, CAROL)


def test_a_flood_of_refused_calls_makes_no_flood_of_texts() -> None:
    on = start()
    for n in range(50):
        flood = request("INVITE", ABROAD, to=CAROL, branch=f"z9hG4bK-{n}", call_id=f"call-{n}")
        on.receive(flood.replace(DAUGHTER.encode(), f"+23224{n:06d}".encode())).forget_sent("SIP/2.0 ")
        on.core.outbox[:] = [one for one in on.core.outbox if one[1].startswith(b"MESSAGE")]
        if n < 2:
            text_of(on, CAROL)
        on.sends_nothing()


def test_who_did_not_ask_hears_nothing_of_refused_calls_nor_of_numbers_that_hide() -> None:
    on = start().receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE).sends(200, PHONE)
    text_of(on, ALICE)
    on.receive(request("INVITE", ABROAD, to=ALICE, branch="z9hG4bK-2", call_id="2")).sends(603).sends_nothing()
    hidden = request("INVITE", ABROAD, to=CAROL, branch="z9hG4bK-3", call_id="3", more=[("Privacy", "id")])
    on.receive(hidden).sends(603)
    assert DAUGHTER not in text_of(on, CAROL)


def test_a_call_that_presents_somebody_elses_number_is_told_to_nobody() -> None:
    on = start("digest").receive(sent("INVITE", BOB, CAROL), PHONE).sends(407, PHONE)
    asked = on.last.headers("proxy-authenticate")
    given = answer_challenge(asked, "INVITE", f"sip:{CAROL}@127.0.0.1", "alice", "s3cret") or ""
    on.receive(sent("INVITE", BOB, CAROL, n=2, given=given), PHONE).sends(403, PHONE).sends_nothing()
