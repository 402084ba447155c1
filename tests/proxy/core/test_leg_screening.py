"""Calls from the softswitch to a phone nobody dialled: judged by what its owner decided, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from proxy.config.models import ProxyConfig
from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Treatments
from proxy.presets.preset import Preset, build_snapshot
from proxy.sip.flow import Flow
from tests.plays.dialogue import ABROAD, LISTENERS, PHONE, SWITCH, TRUNKS, Headers, Nobody, Play, play, request

ALICE, BOB, SHY = "+8613800138001", "+8613800138002", "+8613800138003"
PEST, FRIEND = "+6591234567", "+8613900139003"
PEOPLE = {
    one.number: one
    for one in (
        Subscriber(ALICE, user="alice", block=(PEST,)),
        Subscriber(BOB, user="bob"),
        Subscriber(SHY, user="shy", allow=(FRIEND,), barring=Barring(all_incoming=True)),
        Subscriber("+8613800138004", user="home", barring=Barring(incoming_international=True, anonymous=True)),
    )
}
FORWARDED = ("Diversion", f"<sip:{BOB}@h>;reason=unconditional")


class People:
    def find(self, number: str, /) -> Subscriber | None:
        return PEOPLE.get(number)

    def find_user(self, user: str, /) -> Subscriber | None:
        return next((one for one in PEOPLE.values() if one.user == user), None)


def company(*, judge: bool = True, modes: Any = None, **treatments: Any) -> Play:
    treated = TypeAdapter(Treatments).validate_python({"subscriber.block": treatments} if treatments else {})
    preset = Preset("plain", home_regions=frozenset(("CN",)))
    policy = Policy(build_snapshot("CN", preset, People(), Nobody(), modes, treated, ["10086"]))
    settings = CoreSettings(LISTENERS, SWITCH, TRUNKS.find, trying_after=0.0, judge_softswitch=judge)
    return play(ProxyCore(settings, policy, b"secret" * 4))


def leg(
    caller: str = PEST,
    phone: str = "alice",
    *more: tuple[str, str],
    to: str = BOB,
    method: str = "INVITE",
    flow: Flow = PHONE,
) -> bytes:
    """A leg to a phone; `to` is who was dialled, `caller` a number or a whole address."""
    address = caller if "<" in caller else f"<sip:{caller}@h>"
    sent = request(
        method, SWITCH, uri=f"sip:{phone}@{flow.host}:{flow.port}", to=to, call_id=f"{caller} {phone}", more=more
    )
    return sent.replace(f"<sip:+6591234567@{SWITCH.host}>".encode(), address.encode())


def rings(dialogue: Play, sent: bytes, flow: Flow = PHONE) -> bool:
    """True if the phone gets it; a refusal goes to the softswitch, with a record."""
    method = sent.split()[0].decode()
    dialogue.receive(sent, SWITCH).forget_sent("SIP/2.0 100")
    if dialogue.core.outbox[0][1].startswith((b"SIP/2.0 603", b"SIP/2.0 433")):
        dialogue.forget_sent().wait(40).forget_sent()
        return False
    dialogue.sends(method, flow)
    return True


def test_a_forwarded_call_rings_nobody_who_blocked_the_caller() -> None:
    dialogue = company().receive(leg(PEST, "alice", FORWARDED), SWITCH).sends(603, SWITCH)
    assert dialogue.last.headers("reason") == ['Q.850;cause=21;text="Call rejected"']
    (record,) = dialogue.records()
    assert (record["trunk"], record["caller"], record["callee"]) == ("softswitch", PEST, ALICE)
    assert (record["action"], record["rule"], record["final"]) == ("reject", "subscriber.block", 603)


def test_unless_the_softswitch_is_trusted_with_that_as_it_is_by_default() -> None:
    assert ProxyConfig.model_fields["softswitch_calls"].default == "pass"
    dialogue = company(judge=False)
    assert rings(dialogue, leg(PEST, "alice", FORWARDED))
    assert dialogue.records() == []


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize(
    ("caller", "more"),
    [
        (PEST, []),
        ("006591234567", []),
        (f"{BOB}", [("P-Asserted-Identity", f"<tel:{PEST}>")]),
        (
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            [("P-Asserted-Identity", f"<tel:{PEST}>"), ("Privacy", "id")],
        ),
        (BOB, [("Remote-Party-ID", f"<sip:{PEST}@h>;party=calling")]),
    ],
)
def test_the_caller_is_seen_wherever_a_softswitch_says_so(caller: str, more: Headers, method: str) -> None:
    assert not rings(company(), leg(caller, "alice", *more, method=method))
    assert rings(company(), leg(caller, "bob", *more, method=method))


@pytest.mark.parametrize(
    ("phone", "to", "more"),
    [
        ("alice", BOB, []),
        (ALICE, BOB, []),
        ("x7f3k", ALICE, []),
        ("x7f3k", BOB, [("P-Called-Party-ID", f"<sip:{ALICE}@h>")]),
        ("x7f3k", BOB, [("History-Info", f"<sip:{BOB}@h>;index=1, <sip:{ALICE}@h>;index=1.1")]),
    ],
)
def test_whose_phone_it_is_can_be_told_in_several_ways(phone: str, to: str, more: Headers) -> None:
    assert not rings(company(), leg(PEST, phone, *more, to=to))


def test_who_forwarded_the_call_is_not_who_is_rung() -> None:
    assert rings(company(), leg(PEST, "x7f3k", ("Diversion", f"<sip:{ALICE}@h>"), to=ALICE))


@pytest.mark.parametrize(
    ("caller", "phone", "rung"),
    [
        (FRIEND, "shy", True),
        (BOB, "shy", False),
        (SHY, "shy", True),  # click-to-dial shows their own number
        ("10086", "shy", True),  # texts of self-service and the like
        (PEST, "home", False),
        (FRIEND, "home", True),
        ("anonymous", "home", False),
        ("anonymous", "alice", True),
    ],
)
def test_barring_and_the_allow_list_count_as_well(caller: str, phone: str, rung: bool) -> None:
    assert rings(company(), leg(caller, phone)) is rung


def test_a_labelled_call_comes_out_of_the_softswitch_and_rings() -> None:
    dialogue = company(label="Blocked: {country}")
    dialogue.receive(request("INVITE", ABROAD, to=ALICE)).sends(100).sends("INVITE", SWITCH)
    assert rings(dialogue, leg(PEST, "alice", to=ALICE))


@pytest.mark.parametrize(
    ("called", "seconds", "rung"),
    [(ALICE, 0, True), ("alice", 170, True), (ALICE, 190, False), (BOB, 0, False), (SHY, 0, False)],
)
def test_who_was_let_through_is_not_judged_again_for_three_minutes(called: str, seconds: int, rung: bool) -> None:
    dialogue = company(modes={"subscriber.block": "off"})
    dialogue.receive(request("INVITE", ABROAD, to=called)).forget_sent()
    dialogue.core.policy = company().core.policy  # as after a reload
    dialogue.wait(seconds).forget_sent()
    assert rings(dialogue, leg(PEST, "alice", to=ALICE)) is rung


@pytest.mark.parametrize(("mode", "rung"), [("enforce", False), ("shadow", True), ("off", True)])
def test_the_modes_of_the_rules_hold_here_too(mode: str, rung: bool) -> None:
    assert rings(company(modes={"subscriber.block": mode}), leg()) is rung


def test_a_refusal_is_put_as_the_treatment_says_and_other_treatments_let_pass() -> None:
    assert company(reject="607", announce="blocked").receive(leg(), SWITCH).sends(607, SWITCH)
    assert rings(company(divert="voicemail"), leg())


def test_calls_to_trunks_and_within_dialogs_are_not_for_the_lists() -> None:
    assert rings(company(), leg(PEST, ALICE, flow=ABROAD), ABROAD)
    within = leg(PEST, "alice", method="MESSAGE").replace(f"<sip:{BOB}@127.0.0.1>".encode(), b"<sip:x@h>;tag=b")
    assert rings(company(), within)
