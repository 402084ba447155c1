"""A treated call as it looks on the wire: to the caller, to the softswitch, and in the call record."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Response
from tests.plays.dialogue import ABROAD, ALICE, BARRED, PHONE, SHADY, SWITCH, TLS_PHONE, Play, play, request
from tests.plays.treated import BARRING, treating

ANNOUNCED = {BARRING: {"reject": "603", "announce": "barred"}}
TO_BARRED = request("INVITE", to=BARRED)
EARLY_MEDIA = [("P-Early-Media", "sendrecv"), ("Content-Type", "application/sdp")]


def announcing(treatments: dict[str, Any] = ANNOUNCED, invite: bytes = TO_BARRED) -> Play:
    return treating(treatments).receive(invite).sends(100).sends("INVITE", SWITCH)


# --- announce, then refuse


def test_who_insists_on_reliable_responses_is_refused_without_an_announcement() -> None:
    insisting = request("INVITE", to=BARRED, more=[("Require", "timer, 100REL")])
    treating(ANNOUNCED).receive(insisting).sends(603, ABROAD).sends_nothing()


def test_an_announcement_is_early_media_whether_the_switch_says_so_or_not() -> None:
    dialogue = announcing()
    dialogue.receive(bytes(dialogue.forwarded.reply(183, to_tag="t", body=b"v=0\r\n")), SWITCH).sends(183, ABROAD)
    assert dialogue.last.headers("p-early-media") == ["sendrecv"]
    ringing = play().receive(request("INVITE")).sends(100).sends("INVITE")
    ringing.receive(bytes(ringing.forwarded.reply(183, to_tag="t", body=b"v=0\r\n")), SWITCH).sends(183, ABROAD)
    assert "p-early-media" not in ringing.last.names


def test_a_refusal_is_announced_by_the_switch_before_it_is_sent() -> None:
    dialogue = announcing()
    assert dialogue.forwarded.uri == "sip:rf*announce*barred@127.0.0.9:5080"
    assert dialogue.forwarded.to.uri == f"sip:{BARRED}@127.0.0.1"
    dialogue.answer(183, headers=EARLY_MEDIA).sends(183, ABROAD)
    assert dialogue.last.header("p-early-media") == "sendrecv"
    assert dialogue.records() == []
    dialogue.answer(603).sends("ACK", SWITCH).sends(603, ABROAD)
    assert dialogue.last.header("reason") == 'Q.850;cause=21;text="Call rejected"'
    (record,) = dialogue.records()
    assert (record["action"], record["status"], record["final"], record["rule"]) == ("reject", 603, 603, BARRING)
    assert record["service"] == "rf*announce*barred"
    dialogue.receive(request("ACK", to=BARRED, to_tag="x")).wait(60).sends_nothing()
    assert (dialogue.core.transactions, dialogue.core.pending) == (0, 0)


def test_the_refusal_is_the_rules_own_whatever_the_switch_says() -> None:
    treatments = {BARRING: {"reject": "603+", "tel": "+12025550123", "announce": "barred"}}
    for status in (404, 486, 500, 503, 603):
        dialogue = announcing(treatments).answer(status).sends("ACK").sends(603)
        assert isinstance(dialogue.last, Response)
        assert dialogue.last.reason == "Network Blocked"
        (record,) = dialogue.records()
        assert f"id={record['reference']}" in dialogue.last.headers("reason")[0]


def test_a_switch_that_is_gone_cannot_keep_a_caller_from_the_refusal() -> None:
    dialogue = announcing().wait(3.9).forget_sent("INVITE").sends_nothing().wait(0.2).sends(603, ABROAD)
    assert [record["final"] for record in dialogue.records()] == [603]


def test_an_announcement_without_end_is_ended() -> None:
    dialogue = announcing().answer(183).sends(183).wait(300).forget_sent("CANCEL").sends(603, ABROAD)
    assert [record["final"] for record in dialogue.records()] == [603]


def test_a_caller_who_hangs_up_on_the_announcement_gets_487_and_stays_refused() -> None:
    dialogue = announcing().answer(183).sends(183)
    invite = dialogue.forwarded
    dialogue.receive(request("CANCEL", to=BARRED)).sends(200).sends("CANCEL", SWITCH)
    dialogue.receive(bytes(invite.reply(487, to_tag="callee")), SWITCH).sends("ACK").sends(487, ABROAD)
    (record,) = dialogue.records()
    assert (record["action"], record["status"], record["final"]) == ("reject", 603, 487)


def test_a_switch_that_answers_instead_is_hung_up_on_and_the_caller_refused() -> None:
    dialogue = announcing()
    invite = dialogue.forwarded
    answer = bytes(invite.reply(200, headers=[("Contact", "<sip:switch@127.0.0.9:5080>")], to_tag="switch"))
    dialogue.receive(answer, SWITCH).sends(603, ABROAD).sends("ACK", SWITCH)
    ack = dialogue.forwarded
    bye = dialogue.sends("BYE", SWITCH).forwarded
    assert {ack.uri, bye.uri} == {"sip:switch@127.0.0.9:5080"}
    assert (ack.cseq.number, bye.cseq.number) == (1, 2)
    for sent in (ack, bye):
        assert (sent.call_id, sent.from_.tag, sent.to.tag) == (invite.call_id, "from", "switch")
        assert sent.via.branch not in (None, invite.via.branch)
    dialogue.answer(200).receive(answer, SWITCH).sends("ACK", SWITCH).sends_nothing()
    assert [record["final"] for record in dialogue.records()] == [603]
    dialogue.receive(request("ACK", to=BARRED, to_tag="x")).wait(60).sends_nothing()
    assert dialogue.core.transactions == 0


def test_a_text_is_refused_without_an_announcement() -> None:
    dialogue = treating(ANNOUNCED).receive(request("MESSAGE", to=BARRED)).sends(603, ABROAD).sends_nothing()
    assert "service" not in dialogue.records()[0]


@pytest.mark.parametrize(
    ("capabilities", "announced"),
    [("", True), ("*;+g.x", True), ("*;+sip.608x", True), ("*;+sip.608", False), ("*;+g.x, * ;+SIP.608;+y", False)],
)
def test_608_is_announced_to_those_whose_network_does_not_know_it(capabilities: str, announced: bool) -> None:
    treatments = {BARRING: {"reject": "608", "url": "https://cards.example/card.jws", "announce": "listed"}}
    more = [("Feature-Caps", capabilities)] if capabilities else []
    dialogue = treating(treatments).receive(request("INVITE", to=BARRED, more=more))
    if announced:
        assert dialogue.sends(100).sends("INVITE").forwarded.uri.startswith("sip:rf*announce*listed@")
        dialogue.answer(603).sends("ACK")
    dialogue.sends(608, ABROAD)
    assert ("service" in dialogue.records()[0]) is announced


# --- divert, challenge, warn


@pytest.mark.parametrize(
    ("treatment", "service", "action"),
    [
        ({"divert": "voicemail"}, f"rf*voicemail*{BARRED}", "divert"),
        ({"divert": "honeypot"}, f"rf*honeypot*{BARRED}", "divert"),
        ({"divert": {"play": "anonymous"}}, "rf*play*anonymous", "divert"),
        ({"challenge": "5"}, f"rf*challenge*5*{BARRED}", "challenge"),
        ({"warn": "on"}, f"rf*warn*{BARRED}", "label"),
    ],
)
def test_the_switch_is_asked_for_a_service(treatment: dict[str, Any], service: str, action: str) -> None:
    dialogue = announcing({BARRING: treatment})
    assert dialogue.forwarded.uri == f"sip:{service}@127.0.0.9:5080"
    dialogue.answer(180).sends(180).answer(200).sends(200, ABROAD)
    (record,) = dialogue.records()
    assert (record["action"], record["service"], record["final"]) == (action, service, 200)
    assert (record["status"], record["rule"], "label" in record) == (None, BARRING, False)


def test_nothing_else_of_the_request_is_changed_for_a_service() -> None:
    treated, plain = announcing({BARRING: {"divert": "honeypot"}}), treating({})
    plain.receive(request("INVITE")).sends(100).sends("INVITE")
    changing = ("via", "to", "record-route")
    for name in set(plain.forwarded.names) - set(changing):
        assert treated.forwarded.headers(name) == plain.forwarded.headers(name)
    assert treated.forwarded.names == plain.forwarded.names


def test_a_random_digit_comes_from_the_time() -> None:
    dialogue = treating({BARRING: {"challenge": "random"}})
    digits = set()
    for number in range(60):
        dialogue.now += 0.0137613
        call = request("INVITE", to=BARRED, call_id=f"{number}", branch=f"z9hG4bK-{number}")
        digits.add(dialogue.receive(call).sends(100).sends("INVITE").forwarded.uri.split("*")[2])
    assert digits == set("0123456789")


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        (f"tel:{BARRED}", BARRED),
        ("sip:013800138002@127.0.0.1;user=phone", BARRED),
        ("sip:barred@127.0.0.1", "barred"),
        ("sip:10086@127.0.0.1", "10086"),
        ("sip:*35%23;x=y@127.0.0.1", "*35%23"),
        ("sip:b%C3%BC%3Bro@127.0.0.1", "b%C3%BC%3Bro"),
    ],
)
def test_the_callee_goes_with_it_as_e164_or_as_dialled(uri: str, number: str) -> None:
    everybody = {BARRING: {"divert": "voicemail"}, "default.allow": {"challenge": "5"}}
    dialogue = treating(everybody).receive(request("INVITE", uri=uri)).sends(100).sends("INVITE")
    assert dialogue.forwarded.uri.rpartition("@")[0].endswith(f"*{number}")


@pytest.mark.parametrize("treatment", [{"divert": "voicemail"}, {"challenge": "5"}, {"warn": "on"}, {"label": "Hi"}])
def test_a_text_gets_what_the_rule_itself_says(treatment: dict[str, str]) -> None:
    treating({BARRING: treatment}).receive(request("MESSAGE", to=BARRED)).sends(603)


def test_emergency_calls_are_never_treated() -> None:
    dialogue = treating({"default.allow": {"challenge": "5"}}).receive(request("INVITE", to="110"))
    assert dialogue.sends(100).sends("INVITE").forwarded.uri == "sip:110@127.0.0.1"


@pytest.mark.parametrize(("flow", "treated"), [(ABROAD, True), (SHADY, True), (PHONE, False)])
def test_a_treatment_can_be_for_calls_from_overseas_only(flow: Flow, treated: bool) -> None:
    home = request("INVITE", flow).replace(b"+6591234567", b"+8613900139000")
    dialogue = treating({"default.allow": {"warn": "on", "only": "overseas"}, "spoofed.home_number": {"warn": "on"}})
    dialogue.receive(home, flow).sends(100).sends("INVITE")
    assert ("rf*warn*" in dialogue.forwarded.uri) is treated


# --- whose treatment


def test_a_subscribers_own_treatment_goes_before_the_configs() -> None:
    dialogue = treating(ANNOUNCED, own={BARRING: {"divert": "voicemail"}}).receive(TO_BARRED).sends(100).sends("INVITE")
    assert dialogue.forwarded.uri == f"sip:rf*voicemail*{BARRED}@127.0.0.9:5080"


def test_a_subscribers_own_treatment_is_for_their_calls_and_that_rule_only() -> None:
    own = {BARRING: {"divert": "voicemail"}}
    dialogue = treating({}, own=own).receive(request("INVITE", to=ALICE)).sends(100).sends("INVITE")
    assert dialogue.forwarded.uri == f"sip:{ALICE}@127.0.0.1"
    other = {"scam_list.exact": {"divert": "honeypot"}}
    treating({}, own=other).receive(TO_BARRED).sends(603)


# --- nobody else asks the switch


@pytest.mark.parametrize("flow", [ABROAD, SHADY, PHONE])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"])
def test_a_service_dialled_from_outside_is_not_found(flow: Flow, method: str) -> None:
    dialogue = treating({}).receive(request(method, flow, uri="sip:rf*announce*barred@127.0.0.1"), flow)
    assert dialogue.sends(404, flow).sends_nothing().records() == []


@pytest.mark.parametrize(
    "uri",
    [
        "sip:%72f*warn*1@127.0.0.1",
        "sip:r%66%2Awarn*1@127.0.0.1",
        "sip:RF*warn*1@127.0.0.1",
        "sip:%52%46%2awarn*1@127.0.0.1",
        "sip:r-f-*warn*1@127.0.0.1",
        "sip:-rf%2D*warn*1@127.0.0.1",
        "tel:rf*warn*1",
        "TEL:r.f*warn",
        "sip:rf*warn*1:password@127.0.0.1;user=phone",
    ],
)
def test_no_spelling_of_a_service_gets_past(uri: str) -> None:
    treating({}).receive(request("INVITE", uri=uri)).sends(404).sends_nothing()
    secure = request("INVITE", TLS_PHONE, uri=uri.replace("sip:", "sips:"))
    treating({}).receive(secure, TLS_PHONE).sends(404).sends_nothing()


def test_a_call_to_a_service_that_began_with_sips_stays_on_tls() -> None:
    invite = request("INVITE", TLS_PHONE, uri=f"sips:{BARRED}@127.0.0.1").replace(b"+6591234567", b"+8613900139000")
    dialogue = treating({"default.allow": {"challenge": "5"}}).receive(invite, TLS_PHONE).sends(100).sends("INVITE")
    assert dialogue.forwarded.uri.startswith("sip:rf*challenge*5*")
    assert [value[:5] for value in dialogue.forwarded.headers("record-route")] == ["<sip:", "<sips"]


@pytest.mark.parametrize("uri", ["sip:rf@127.0.0.1", "sip:surf*1@127.0.0.1", "sip:r*f@127.0.0.1"])
def test_what_only_resembles_a_service_passes(uri: str) -> None:
    treating({}).receive(request("INVITE", uri=uri)).sends(100).sends("INVITE", SWITCH)


def test_a_phone_cannot_have_itself_referred_to_a_service() -> None:
    refer = request("REFER", PHONE, more=[("Refer-To", "<sip:rf*honeypot*1@127.0.0.1>")])
    treating({}).receive(refer, PHONE).sends(404, PHONE).sends_nothing()


def test_a_dialog_with_a_service_goes_on_whatever_its_contact() -> None:
    dialogue = announcing({BARRING: {"divert": "voicemail"}})
    dialogue.answer(200, headers=[("Record-Route", dialogue.forwarded.headers("record-route")[0])]).sends(200)
    route = [("Route", dialogue.last.headers("record-route")[0])]
    uri = f"sip:rf*voicemail*{BARRED}@127.0.0.9:5080"
    bye = request("BYE", to=BARRED, uri=uri, cseq=2, branch="z9hG4bK-2", to_tag="callee", more=route)
    dialogue.receive(bye).sends("BYE", SWITCH).answer(200).sends(200)
