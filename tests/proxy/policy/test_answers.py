"""Answers to refused callers, byte for byte, and the answers that each rule may give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.answers import Answer, reference
from proxy.policy.engine import Policy
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from tests.plays.config_text import errors_of
from tests.plays.dialogue import BARRED, LISTENERS, SWITCH, TRUNKS, Household, Nobody, Play, new_core, play, request

BARRING = "barring.incoming_international"
CARD = "https://cards.example/card.jws"
CALL_REJECTED = 'Reason: Q.850;cause=21;text="Call rejected"'


def refused(call_id: str = "call-1", **answer: str) -> Play:
    """A barred call meets a proxy that puts its refusals like this."""
    answers = {BARRING: Answer.model_validate(answer)}
    policy = Policy(build_snapshot("CN", preset.load("cn"), Household(), Nobody(), treatments=answers))
    core = ProxyCore(CoreSettings(LISTENERS, SWITCH, TRUNKS.find), policy, b"secret" * 4)
    knows_608 = [("Feature-Caps", "*;+sip.608")]
    invite = request("INVITE", to=BARRED, call_id=call_id, more=knows_608)
    return play(core).receive(invite).sends(int(answer["reject"][:3]))


def told(dialogue: Play) -> list[str]:
    """The status line and the header lines that are not copied from the request."""
    copied = ("via", "from", "to", "call-id", "cseq", "content-length")
    message = dialogue.last
    return [
        message.start_line,
        *(line for line, name in zip(message.lines, message.names, strict=True) if name not in copied),
    ]


def test_a_rule_without_a_treatment_says_it_in_its_own_words() -> None:
    dialogue = play(new_core()).receive(request("INVITE", to=BARRED)).sends(603)
    assert told(dialogue) == ["SIP/2.0 603 Decline", CALL_REJECTED]
    assert "reference" not in dialogue.records()[0]


@pytest.mark.parametrize(
    ("reject", "status_line"), [("603", "603 Decline"), ("607", "607 Unwanted"), ("433", "433 Anonymity Disallowed")]
)
def test_a_plain_status_carries_its_standard_phrase(reject: str, status_line: str) -> None:
    dialogue = refused(reject=reject)
    assert told(dialogue) == [f"SIP/2.0 {status_line}", CALL_REJECTED]
    record = dialogue.records()[0]
    assert (record["status"], record["final"]) == (int(reject), int(reject))


@pytest.mark.parametrize(
    ("name", "contact"),
    [("url", "https://redress.example/q?x=1&y=2"), ("tel", "+12025550123"), ("email", "redress@operator.example")],
)
def test_603_plus_tells_where_to_complain_and_what_to_quote(name: str, contact: str) -> None:
    dialogue = refused(reject="603+", **{name: contact})
    record = dialogue.records()[0]
    quoted = record["reference"]
    assert told(dialogue) == [
        "SIP/2.0 603 Network Blocked",
        f'Reason: SIP;cause=603;text="v=analytics1;{name}={contact};id={quoted}";location=RLN',
        CALL_REJECTED,
    ]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", quoted)
    assert quoted == reference(record["call_id"], record["timestamp"])
    assert (record["action"], record["status"], record["rule"]) == ("reject", 603, BARRING)


def test_no_two_calls_quote_the_same_even_with_the_same_call_id() -> None:
    answer = {"reject": "603+", "tel": "+12025550123"}
    dialogue = refused(**answer)
    dialogue.now += 0.001
    dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", cseq=2)).sends(603)
    dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-3", call_id="call-2")).sends(603)
    assert len({record["reference"] for record in dialogue.records()}) == 3


def test_a_call_id_cannot_break_out_of_the_reason() -> None:
    dialogue = refused(call_id='a";x@\x80\u00e9', reject="603+", tel="+12025550123")
    assert dialogue.last.headers("reason")[0].count('"') == 2


def test_608_points_to_the_signed_card() -> None:
    assert told(refused(reject="608", url=CARD, announce="barred")) == [
        "SIP/2.0 608 Rejected",
        f"Call-Info: <{CARD}>;purpose=jwscard",
        CALL_REJECTED,
    ]


def test_a_call_that_passes_is_told_nothing() -> None:
    dialogue = refused(reject="608", url=CARD, announce="barred")
    dialogue.receive(request("INVITE", branch="z9hG4bK-2", call_id="other")).forget_sent("SIP/2.0 100")
    dialogue.sends("INVITE", SWITCH)
    assert "call-info" not in dialogue.forwarded.names


def test_the_us_preset_speaks_603_plus_for_listed_numbers_and_a_config_may_change_that() -> None:
    ours = Answer(reject="603+", tel="+12025550123")
    build = build_snapshot
    us = preset.load("us")
    answers = build("US", us, Household(), Nobody(), treatments={"scam_list.exact": ours}).treatments
    assert answers["scam_list.exact"] is ours
    prefix = answers["scam_list.prefix"]
    assert isinstance(prefix, Answer)
    assert prefix.reject == "603+"


def test_wrong_treatments_are_told_with_their_places(tmp_path: Path) -> None:
    assert errors_of(
        tmp_path,
        """\
treatments:
  scam_list.exakt: {reject: "603"}
  scam_list.exact: {reject: "604"}
  scam_list.prefix: {reject: "603+", url: 'https://a.example/";x'}
  subscriber.block: {reject: "607", tel: "+12025550123"}
  anonymous.reject: {reject: "603+"}
  spoofed.home_number: {reject: "608", tel: "+12025550123"}
  barring.all_incoming: {reject: "608", url: "https://a.example/card.jws"}
""",
    ) == [
        '4:3: found "scam_list.exakt", expected a rule: "scam_list.exact"',
        '5:29: found "604", expected "433", "603", "603+", "607" or "608"',
        ('6:43: found "https://a.example/";x", expected an https address without spaces, quotes and semicolons'),
        '7:42: found "+12025550123", expected no contact: 607 cannot carry one',
        "8:21: found a mapping, expected one of url, tel and email beside 603+",
        "9:24: found a mapping, expected the url of the signed card beside 608, and no other contact",
        (
            "10:25: found a mapping, expected announce: PROMPT beside 608, "
            "for callers whose network does not know it (RFC 8688)"
        ),
    ]


def test_only_a_person_says_607_and_only_anonymous_calls_get_433(tmp_path: Path) -> None:
    assert errors_of(
        tmp_path,
        'treatments: {scam_list.exact: {reject: "607"}, anonymous.reject: {reject: "433"}, '
        'subscriber.block: {reject: "433"}}',
    ) == [
        '3:40: found "607", expected 607 for subscriber.block only',
        '3:110: found "433", expected 433 for anonymous.reject only',
    ]
