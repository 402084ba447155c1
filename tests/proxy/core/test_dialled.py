"""Codes in front of a number, in the running core: whom they hide nothing from, and what leaves the proxy."""

from __future__ import annotations

import json

import pytest

from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.subscribers.directory import Directory
from tests.plays.barred_abroad import new_policy_that_bars_calls_out
from tests.plays.dialogue import PHONE, SWITCH, Nobody, Play, play, request
from tests.plays.digest_phone import ALICE, BOB, start


def judged_by(**bob: object) -> Play:
    """Bob has these wishes; alice calls from a phone."""
    household = Directory([Subscriber(ALICE, "alice"), Subscriber(BOB, "bob", **bob)])  # type: ignore[arg-type]
    dialogue = play()
    dialogue.core.policy = Policy(build_snapshot("CN", preset.load("cn"), household, Nobody()))
    return dialogue


def from_alice(dialled: str, method: str = "INVITE") -> bytes:
    sent = request(method, PHONE, uri=f"sip:{dialled}@127.0.0.1", to="x")
    return sent.replace(b"+6591234567", ALICE.encode())


@pytest.mark.parametrize(
    "dialled", ["#31#13800138002", "%2331%2313800138002", "1791113800138002", "*31#+8613800138002"]
)
def test_what_passes_goes_on_as_it_was_dialled(dialled: str) -> None:
    dialogue = judged_by().receive(from_alice(dialled), PHONE).sends(100).sends("INVITE", SWITCH)
    assert dialogue.forwarded.uri == f"sip:{dialled}@127.0.0.1"


@pytest.mark.parametrize("dialled", ["#31#13800138002", "*31#13800138002", "1791113800138002", "913800138002"])
def test_no_code_leads_round_the_block_list_of_who_is_called(dialled: str) -> None:
    dialogue = judged_by(block=(ALICE,)).receive(from_alice(dialled), PHONE).sends(603)
    assert dialogue.records()[0]["rule"] == "subscriber.block"


def test_who_withholds_their_number_by_a_code_is_anonymous() -> None:
    dialogue = judged_by(barring=Barring(anonymous=True))
    dialogue.receive(from_alice("#31#13800138002"), PHONE).sends(433)
    [record] = dialogue.records()
    assert record["trace"][-1] == ["anonymous.reject", "enforce", "reject", "#31# was dialled"]
    dialogue = judged_by(barring=Barring(anonymous=True))
    dialogue.receive(from_alice("*31#13800138002"), PHONE).sends(100).sends("INVITE", SWITCH)


def test_a_record_shows_the_number_abroad_and_no_pin() -> None:
    dialogue = play()
    dialogue.core.policy = new_policy_that_bars_calls_out()
    dialogue.receive(from_alice("*33*2580*+33123456789"), PHONE).sends(603)
    text = json.dumps(dialogue.records())
    assert "+33123456789" in text
    assert "2580" not in text


# --- emergency calls


@pytest.mark.parametrize("dialled", ["110", "#31#110", "*31#119", "%2331%23110"])
def test_an_emergency_call_behind_a_code_needs_no_password(dialled: str) -> None:
    on = start().asks("INVITE", to=dialled).goes_on()
    assert on.forwarded.uri == f"sip:{dialled}@127.0.0.1"


@pytest.mark.parametrize(
    "dialled", ["9110", "0110", "17911110", "110;rn=+33123456789", "*21*110", "#31#110;rn=0033123456789"]
)
def test_behind_what_not_every_switch_cuts_off_it_does(dialled: str) -> None:
    start().challenged(to=dialled)


@pytest.mark.parametrize("dialled", ["9110", "0119", "17911110", "#31#110", "110"])
def test_whoever_bars_all_calls_out_still_reaches_the_police(dialled: str) -> None:
    dialogue = judged_by()
    household = Directory([Subscriber(ALICE, "alice", barring=Barring(all_outgoing=True))])
    dialogue.core.policy = Policy(build_snapshot("CN", preset.load("cn"), household, Nobody()))
    dialogue.receive(from_alice(dialled), PHONE).sends(100).sends("INVITE", SWITCH)
    dialogue.forget_sent().receive(from_alice("#31#13800138002").replace(b"z9hG4bK-1", b"z9hG4bK-2"), PHONE).sends(603)


# --- within dialogs


def established_from_a_phone() -> tuple[Play, str]:
    dialogue = play()
    dialogue.core.policy = new_policy_that_bars_calls_out()
    dialogue.receive(from_alice("13800138002"), PHONE).sends(100).sends("INVITE", SWITCH)
    token = dialogue.forwarded.headers("record-route")[0]
    dialogue.answer(200).sends(200)
    return dialogue, token


@pytest.mark.parametrize(
    "uri", ["sip:+33123456789@127.0.0.9", "sip:0033123456789@127.0.0.9", "sip:#31#0033123456789@x"]
)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_no_request_within_a_call_leads_abroad(uri: str, method: str) -> None:
    dialogue, token = established_from_a_phone()
    more = [("Route", token)]
    to = "13800138002"
    sent = request(method, PHONE, to=to, uri=uri, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=more)
    dialogue.receive(sent.replace(b"+6591234567", ALICE.encode()), PHONE).sends(603, PHONE).sends_nothing()


@pytest.mark.parametrize("uri", ["sip:127.0.0.9:5080", "sip:asterisk@127.0.0.9:5080", "sip:13800138002@127.0.0.9"])
def test_a_call_at_home_goes_on(uri: str) -> None:
    dialogue, token = established_from_a_phone()
    sent = request(
        "INVITE", PHONE, to="13800138002", uri=uri, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=[("Route", token)]
    )
    dialogue.receive(sent.replace(b"+6591234567", ALICE.encode()), PHONE).sends(100).sends("INVITE", SWITCH)


def test_a_uri_longer_than_any_number_is_refused_unread() -> None:
    dialogue = play()
    dialogue.receive(from_alice("13800138002;x=" + "a" * 5000), PHONE).sends(414)


# --- a phone that sends its callers on


def sends_on(*targets: str, **barring: bool) -> Play:
    """Bob's phone, whose owner is barred, answers a call with a redirection."""
    dialogue = judged_by(barring=Barring(**(barring or {"outgoing_international": True})))
    call = request("INVITE", SWITCH, to=BOB, uri=f"sip:{BOB}@127.0.0.77:5071")
    dialogue.receive(call, SWITCH).sends(100).sends("INVITE", PHONE)
    dialogue.answer(302, PHONE, [("Contact", target) for target in targets])
    return dialogue.sends("ACK", PHONE)


@pytest.mark.parametrize("targets", [
    ["<sip:+33123456789@127.0.0.9>"], ["<tel:0033123456789>"], ["<sip:%2331%230033123456789@x>;q=1"],
    ["<sip:13900139003@x>", "<sip:+33123456789@x>"], ["<sip:+33123456789@x"], ["<sip:1@x>"] * 9,
])  # fmt: skip
def test_a_barred_phone_sends_nobody_abroad(targets: list[str]) -> None:
    dialogue = sends_on(*targets).sends(480, SWITCH)
    assert "contact" not in dialogue.last.names
    assert dialogue.core.counters["deflection_barred"] == 1


def test_it_may_send_its_callers_on_to_a_number_at_home() -> None:
    dialogue = sends_on("<sip:13900139003@x>").sends(302, SWITCH)
    assert dialogue.last.headers("contact") == ["<sip:13900139003@x>"]
    assert dialogue.core.counters["deflection_barred"] == 0
    sends_on("<sip:13900139003@x>", all_outgoing=True).sends(480, SWITCH)


def test_who_is_not_barred_may_send_their_callers_anywhere() -> None:
    sends_on("<sip:+33123456789@x>", all_incoming=True).sends(302, SWITCH)
