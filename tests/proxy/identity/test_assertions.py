"""Identities that pass the proxy, and in which direction."""

from __future__ import annotations

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response
from tests.plays.dialogue import ABROAD, PHONE, SHADY, SWITCH, play, request
from tests.plays.digest_phone import ALICE, BOB, start
from tests.plays.established import established, routes

ASKING = (
    ("P-Asserted-Identity", "<tel:110>"),
    ("Remote-Party-ID", '"Police" <sip:110@h>;party=calling;screen=yes'),
    ("Alert-Info", "<urn:alert:source:family>"),
    ("Call-Info", "<https://x.example/p.png>;purpose=icon, <sip:x>;answer-after=0"),
    ("Diversion", '"Police" <tel:110>'),
    ("History-Info", "<sip:110@h>;index=1"),
)
NAMES = [name.lower() for name, _ in ASKING]


def present(message: Request | Response) -> list[str]:
    return [name for name in NAMES if name in message.names]


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("flow", [SHADY, PHONE])
def test_no_claim_of_a_stranger_passes(flow: Flow, method: str) -> None:
    sent = request(method, flow, more=ASKING).replace(b"+6591234567", b"+8613900139000" if flow == PHONE else b"+65912")
    dialogue = play().receive(sent, flow)
    if method == "INVITE":
        dialogue.sends(100)
    assert present(dialogue.sends(method, SWITCH).forwarded) == []


def test_what_a_trusted_trunk_says_passes_private_or_not() -> None:
    foreign = [(name, value.replace("110", "+6591234568")) for name, value in [*ASKING, ("Privacy", "id")]]
    assert present(play().receive(request("INVITE", more=foreign)).sends(100).sends("INVITE").forwarded) == NAMES


def test_no_claim_of_a_phone_that_proved_who_it_is_passes() -> None:
    on = start().challenged()
    claims = tuple((name, value.replace("110", BOB)) for name, value in ASKING)
    on.asks("INVITE", on.answer_to(), more=claims).goes_on()
    assert present(on.forwarded) == ["p-asserted-identity"]
    assert ALICE in on.forwarded.line("p-asserted-identity")


def test_no_claim_passes_within_a_dialog() -> None:
    dialogue = established(flow=SHADY)
    reinvite = request(
        "INVITE", SHADY, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=[("Route", routes(dialogue)[0]), *ASKING]
    )
    assert present(dialogue.receive(reinvite, SHADY).sends(100).sends("INVITE", SWITCH).forwarded) == []


@pytest.mark.parametrize(("flow", "kept"), [(PHONE, ["call-info", "diversion", "history-info"]), (ABROAD, NAMES)])
def test_who_is_called_asserts_nothing_either_unless_trusted(flow: Flow, kept: list[str]) -> None:
    outward = request("INVITE", SWITCH, uri=f"sip:x@{flow.host}:{flow.port}")
    dialogue = play().receive(outward, SWITCH).sends(100).sends("INVITE", flow)
    assert present(dialogue.answer(180, flow, headers=ASKING).sends(180, SWITCH).last) == kept


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ([("Privacy", "id")], []),
        ([("Privacy", "none"), ("Privacy", "header; ID")], []),
        ([("Privacy", "none")], ["p-asserted-identity", "remote-party-id"]),
        ([], ["p-asserted-identity", "remote-party-id"]),
    ],
)
def test_no_private_identity_reaches_the_phone(more: list[tuple[str, str]], shown: list[str]) -> None:
    outward = request("INVITE", SWITCH, uri="sip:x@127.0.0.77:5071", more=[*ASKING[:2], *more])
    assert present(play().receive(outward, SWITCH).sends(100).sends("INVITE", PHONE).forwarded) == shown


@pytest.mark.parametrize(("wish", "kept"), [("full", False), ("Name;x", False), ("off", True)])
def test_remote_party_id_has_a_privacy_of_its_own(wish: str, kept: bool) -> None:
    shown = ("Remote-Party-ID", f"<sip:110@h>;privacy = {wish}")
    outward = request("INVITE", SWITCH, uri="sip:x@127.0.0.77:5071", more=[shown])
    forwarded = play().receive(outward, SWITCH).sends(100).sends("INVITE", PHONE).forwarded
    assert ("remote-party-id" in forwarded.names) is kept
