"""Callers who want to stay unknown: what of them goes to the softswitch, and what to the phone."""

from __future__ import annotations

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Request
from tests.plays.dialogue import ABROAD, ALICE, DAUGHTER, PHONE, SHADY, SWITCH, Headers, Play, new_core, play, request
from tests.plays.treated import treating

NAME, NUMBER = "Jean Dupont", "+33123456789"
KEEPING = {"label": "Overseas call: {country}", "name": "keep", "only": "overseas"}
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=from'
ASSERTED = ("P-Asserted-Identity", f'"{NAME}" <sip:{NUMBER}@ims.example>')
PARTY = f'"{NAME}" <sip:{NUMBER}@ims.example>;party=calling;screen=yes'


def calling(
    from_: str = f'"{NAME}" <sip:{NUMBER}@h>;tag=from',
    flow: Flow = ABROAD,
    more: Headers = (),
    method: str = "INVITE",
    to: str = ALICE,
) -> bytes:
    line = f"<sip:{DAUGHTER}@{flow.host}>;tag=from"
    return request(method, flow, more=more, to=to).replace(line.encode(), from_.encode())


def inward(sent: bytes, flow: Flow = ABROAD, dialogue: Play | None = None) -> Play:
    """The request as the softswitch gets it."""
    dialogue = (dialogue or play()).receive(sent, flow)
    if sent.startswith(b"INVITE"):
        dialogue.sends(100)
    return dialogue.sends(sent.split()[0].decode(), SWITCH)


def at_the_phone(inward: Play) -> Play:
    """The request as the phone gets it from a softswitch that passes on all it may."""
    got = inward.forwarded
    lines = [
        (line.partition(":")[0], line.partition(":")[2].strip())
        for line, name in zip(got.lines, got.names, strict=True)
        if name not in ("via", "call-id", "from", "record-route", "max-forwards", "cseq", "to", "content-length")
    ]
    sent = request(
        got.method, SWITCH, uri="sip:alice@127.0.0.77:5071", call_id="leg-2", branch="z9hG4bK-leg-2", more=lines
    )
    sent = sent.replace(f"<sip:{DAUGHTER}@{SWITCH.host}>;tag=from".encode(), (got.header("from") or "").encode())
    outward = play(new_core()).receive(sent, SWITCH)
    if got.method == "INVITE":
        outward.sends(100)
    return outward.sends(got.method, PHONE)


WISHES = [
    [("Privacy", "id")],
    [("Privacy", "user")],
    [("Privacy", "header;critical")],
    [("Privacy", "critical"), ("Privacy", "session;id")],
    [("Privacy", "none;id")],
    [("Remote-Party-ID", f"{PARTY};privacy=full")],
    [("Remote-Party-ID", f"{PARTY};privacy=uri")],
    [("Remote-Party-ID", f'{PARTY};privacy="name,uri-network"')],
]


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("flow", [ABROAD, SHADY])
@pytest.mark.parametrize("wish", WISHES)
def test_the_name_of_a_withheld_caller_reaches_no_phone(wish: Headers, flow: Flow, method: str, labelled: bool) -> None:
    policy = treating({"default.allow": KEEPING}) if labelled else play()
    phone = at_the_phone(inward(calling(flow=flow, method=method, more=[ASSERTED, *wish]), flow, policy)).forwarded
    assert NAME not in bytes(phone).decode()
    assert not {"p-asserted-identity", "remote-party-id"} & set(phone.names)
    label = "Overseas call: France" if labelled and method == "INVITE" else "Anonymous"
    assert phone.from_.display_name == label


@pytest.mark.parametrize("more", [[ASSERTED], [ASSERTED, ("Privacy", "id")]])
@pytest.mark.parametrize("labelled", [True, False])
def test_nor_does_what_is_asserted_of_a_caller_with_an_anonymous_from(more: Headers, labelled: bool) -> None:
    policy = treating({"default.allow": KEEPING}) if labelled else play()
    switch = inward(calling(ANONYMOUS, more=more), dialogue=policy)
    assert NUMBER in switch.forwarded.line("p-asserted-identity")  # the network knows
    phone = bytes(at_the_phone(switch).forwarded).decode()
    assert NAME not in phone
    assert NUMBER not in phone


def test_the_label_of_a_withheld_caller_is_recorded_without_the_name() -> None:
    dialogue = inward(
        calling(ANONYMOUS, more=[ASSERTED, ("Privacy", "id")]), dialogue=treating({"default.allow": KEEPING})
    )
    assert dialogue.answer(486).sends("ACK").sends(486).records()[0]["label"] == "Overseas call: France"


def test_a_name_that_nobody_withholds_is_kept() -> None:
    phone = at_the_phone(inward(calling(more=[ASSERTED]), dialogue=treating({"default.allow": KEEPING}))).forwarded
    assert phone.from_.display_name == "Overseas call: France (Jean Dupont)"
    assert NUMBER in phone.line("p-asserted-identity")


@pytest.mark.parametrize("labelled", [True, False])
def test_who_withholds_only_the_name_shows_the_number(labelled: bool) -> None:
    policy = treating({"default.allow": KEEPING}) if labelled else play()
    sent = calling(more=[ASSERTED, ("Remote-Party-ID", f"{PARTY};privacy=name")])
    phone = at_the_phone(inward(sent, dialogue=policy)).forwarded
    assert NAME not in bytes(phone).decode()
    assert NUMBER in phone.line("p-asserted-identity")
    assert "privacy" not in phone.names


def test_nor_do_other_headers_tell_the_name_that_is_withheld() -> None:
    telling = [("Organization", NAME), ("Reply-To", f'"{NAME}" <sip:{NUMBER}@h>'), ("Call-Info", "<x:>;purpose=card")]
    sent = calling(more=[*telling, ASSERTED, ("Remote-Party-ID", f"{PARTY};privacy=name")])
    phone = at_the_phone(inward(sent)).forwarded
    assert NAME not in bytes(phone).decode()
    assert "call-info" not in phone.names
    assert phone.header("reply-to") == f"<sip:{NUMBER}@h>"


@pytest.mark.parametrize(
    ("more", "privacy"),
    [
        ([("Remote-Party-ID", f"{PARTY};privacy=full")], ["id;user"]),
        ([("Remote-Party-ID", f"{PARTY};privacy=full"), ("Privacy", "none")], ["id;user"]),
        ([("Privacy", "user"), ("Privacy", "critical")], ["critical;id;user"]),
        ([("Privacy", "id ;critical")], ["id ;critical"]),  # nothing to add
        ([("Privacy", "none")], ["none"]),
        ([], []),
    ],
)
def test_a_wish_is_handed_on_as_privacy(more: Headers, privacy: list[str]) -> None:
    assert inward(calling(more=more)).forwarded.headers("privacy") == privacy


def test_who_asks_for_no_privacy_gets_none() -> None:
    forwarded = inward(
        calling('"Anonymous" <sip:anonymous@x>;tag=from', more=[("Privacy", "none"), ASSERTED])
    ).forwarded
    assert forwarded.headers("privacy") == ["none"]


TELLING = [
    (
        "Call-Info",
        "<https://x.example/who>;purpose=info, <https://x.example/p.png>;purpose=icon, <sip:x>;answer-after=0",
    ),
    ("Organization", NAME),
    ("Reply-To", f"<sip:{NUMBER}@h>"),
    ("P-Preferred-Identity", f"<sip:{NUMBER}@h>"),
    ("Subject", NAME),
    ("User-Agent", NAME),
    ("In-Reply-To", "call-0"),
]


@pytest.mark.parametrize(
    ("wish", "kept"),
    [
        ("id", ["call-info", "subject", "user-agent", "in-reply-to"]),
        ("user;id", ["call-info"]),
        ("none", [name.lower() for name, _ in TELLING]),
    ],
)
def test_headers_that_tell_who_calls_go_as_far_as_the_wish_does(wish: str, kept: list[str]) -> None:
    phone = at_the_phone(inward(calling(more=[*TELLING, ("Privacy", wish)]))).forwarded
    assert [name.lower() for name, _ in TELLING if name.lower() in phone.names] == kept
    if wish != "none":
        assert phone.headers("call-info") == ["<sip:x>;answer-after=0"]


def test_an_emergency_call_keeps_all() -> None:
    more = [("Privacy", "user"), *TELLING]
    forwarded = inward(calling(more=more, to="110", flow=SHADY), SHADY).forwarded
    assert forwarded.from_.display_name == NAME
    assert forwarded.headers("privacy") == ["user"]
    assert "reply-to" in forwarded.names


def outward(*more: tuple[str, str], flow: Flow = PHONE) -> Request:
    sent = request("INVITE", SWITCH, uri=f"sip:x@{flow.host}:{flow.port}", more=more)
    return play().receive(sent, SWITCH).sends(100).sends("INVITE", flow).forwarded


@pytest.mark.parametrize(
    ("diversion", "kept"),
    [
        (f'"{NAME}" <tel:{NUMBER}>;reason=no-answer;privacy=full', []),
        (f'"{NAME}" <tel:{NUMBER}>;privacy=uri, <tel:+33199009999>', ["<tel:+33199009999>"]),
        (f'"{NAME}" <tel:{NUMBER}>;privacy=name', [f"<tel:{NUMBER}>;privacy=name"]),
        (f'"{NAME}" <tel:{NUMBER}>;privacy=off', [f'"{NAME}" <tel:{NUMBER}>;privacy=off']),
    ],
)
def test_who_forwarded_a_call_can_withhold_that(diversion: str, kept: list[str]) -> None:
    assert outward(("Diversion", diversion)).headers("diversion") == kept


ENTRIES = f"<sip:{NUMBER}@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:bob@h?Privacy=history&x=y>;index=1.1;mp=1"


@pytest.mark.parametrize("wish", ["history", "header", "session"])
def test_the_history_of_a_call_can_be_private_as_a_whole(wish: str) -> None:
    assert "history-info" not in outward(("History-Info", ENTRIES), ("Privacy", wish)).names


def test_and_entry_by_entry() -> None:
    first = f"<sip:{NUMBER}@h?Reason=SIP%3Bcause%3D302>;index=1"
    entries = outward(("History-Info", ENTRIES)).values("history-info")
    assert entries == [first, "<sip:anonymous@anonymous.invalid>;index=1.1;mp=1"]


@pytest.mark.parametrize(("flow", "wish", "kept"), [(PHONE, "id", 0), (PHONE, "none", 1), (ABROAD, "id", 1)])
def test_no_signature_tells_a_phone_who_calls(flow: Flow, wish: str, kept: int) -> None:
    forwarded = outward(("Identity", "a.b.c;info=<https://x.example>"), ("Privacy", wish), flow=flow)
    assert len(forwarded.headers("identity")) == kept
