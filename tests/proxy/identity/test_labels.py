"""A labelled call as the phone shows it: by our label, whatever the caller sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.treating import plain_name
from proxy.sip.flow import Flow
from tests.plays.dialogue import ABROAD, DAUGHTER, PHONE, SHADY, SWITCH, Play, request
from tests.plays.treated import treating

OVERSEAS = {"label": "Overseas call: {country}", "only": "overseas"}
SINGAPORE = '"Overseas call: Singapore"'


def labelled(invite: bytes, flow: Flow = ABROAD, **more: Any) -> Play:
    """The INVITE that reaches the switch from a proxy that labels all calls from overseas."""
    dialogue = treating({"default.allow": OVERSEAS | more})
    return dialogue.receive(invite, flow).sends(100).sends("INVITE", SWITCH)


def caller(address: str, flow: Flow = ABROAD, **settings: Any) -> bytes:
    """An INVITE with that From; bytes that are no UTF-8 are written as surrogates."""
    from_ = f"<sip:{DAUGHTER}@{flow.host}>;tag=from".encode()
    return request("INVITE", flow, **settings).replace(from_, address.encode("utf-8", "surrogateescape"))


def test_a_call_from_overseas_is_shown_as_one() -> None:
    dialogue = labelled(request("INVITE"))
    assert dialogue.forwarded.line("from") == f"From: {SINGAPORE} <sip:{DAUGHTER}@127.0.1.1>;tag=from"
    dialogue.answer(200).sends(200)
    (record,) = dialogue.records()
    assert (record["action"], record["rule"], record["status"]) == ("label", "default.allow", None)
    assert record["label"] == "Overseas call: Singapore"
    assert "service" not in record


def test_a_call_from_home_is_not() -> None:
    home = request("INVITE", PHONE).replace(DAUGHTER.encode(), b"+8613900139000")
    dialogue = labelled(home, PHONE)
    assert dialogue.forwarded.line("from") == "From: <sip:+8613900139000@127.0.0.77>;tag=from"
    assert dialogue.answer(486).sends("ACK").sends(486).records()[0]["action"] == "allow"


@pytest.mark.parametrize(
    ("number", "language", "shown"),
    [
        ("+12025550143", "en", "United States"),
        ("+18765550143", "en", "Jamaica"),
        ("+85255501234", "zh", "香港"),
        ("+442079460123", "zh", "英国"),
        ("+881631550001", "en", "satellite"),
        ("+870773550003", "zh", "卫星电话"),
        ("+883510001234", "en", "international network"),
        ("+8613900139000", "en", "origin unknown"),  # a home number, from abroad
        ("anonymous", "zh", "来源不明"),
        ("++86139", "en", "origin unknown"),
        ("alice", "en", "origin unknown"),
    ],
)
def test_the_origin_is_named(number: str, language: str, shown: str) -> None:
    treatments = {rule: OVERSEAS | {"language": language} for rule in ("default.allow", "spoofed.home_number")}
    dialogue = treating(treatments).receive(caller(f"<sip:{number}@127.0.1.1>;tag=from")).sends(100).sends("INVITE")
    assert dialogue.forwarded.from_.display_name == f"Overseas call: {shown}"


@pytest.mark.parametrize(
    ("from_", "shown"),
    [
        ("sip:+6591234567@h;tag=from", f"{SINGAPORE} <sip:+6591234567@h>;tag=from"),
        ('"Mary"<tel:+6591234567;a=b> ; x=y;tag=from', f"{SINGAPORE} <tel:+6591234567;a=b> ; x=y;tag=from"),
        ('Mary\r\n Poppins\t<sip:+6591234567@h>;tag="a;b"', f'{SINGAPORE} <sip:+6591234567@h>;tag="a;b"'),
        ('"a\\"<sip:b>" <tel:+6591234567>;tag=from', f"{SINGAPORE} <tel:+6591234567>;tag=from"),
    ],
)
def test_the_uri_and_the_tag_stay_as_they_were(from_: str, shown: str) -> None:
    assert labelled(caller(from_)).forwarded.header("from") == shown


def test_every_asserted_identity_shows_the_label_too() -> None:
    asserted = '"Bank" <sip:+6591234567@trusted;user=phone>, <tel:+6591234567>, junk'
    dialogue = labelled(request("INVITE", more=[("P-Asserted-Identity", asserted), ("P-Asserted-Identity", "<junk")]))
    assert dialogue.forwarded.headers("p-asserted-identity") == [
        f"{SINGAPORE} <sip:+6591234567@trusted;user=phone>",
        f"{SINGAPORE} <tel:+6591234567>",
    ]


def test_the_asserted_number_can_carry_a_verification_status_of_ours_only() -> None:
    asserted = '"Bank" <sip:+6591234567;verstat=TN-Validation-Passed:pw@trusted>, <tel:+6591234567;a=b>, <sip:trusted>'
    dialogue = labelled(request("INVITE", more=[("P-Asserted-Identity", asserted)]), verstat="TN-Validation-Failed")
    assert dialogue.forwarded.values("p-asserted-identity") == [
        f"{SINGAPORE} <sip:+6591234567;verstat=TN-Validation-Failed:pw@trusted>",
        f"{SINGAPORE} <tel:+6591234567;a=b;verstat=TN-Validation-Failed>",
        f"{SINGAPORE} <sip:trusted>",
    ]


def test_a_label_can_ring_otherwise_and_point_to_more() -> None:
    ours: dict[str, Any] = {
        "info": "https://ringfence.example/why",
        "ring": "https://ring.example/a",
        "ring_info": "alert-external",
    }
    theirs = [("Call-Info", "<https://x.example>;purpose=icon"), ("Alert-Info", "<urn:alert:source:family>")]
    forwarded = labelled(request("INVITE", more=theirs), **ours).forwarded
    assert forwarded.headers("call-info") == ["<https://ringfence.example/why>;purpose=info"]
    assert forwarded.headers("alert-info") == ["<https://ring.example/a>;info=alert-external"]


@pytest.mark.parametrize(("flow", "kept"), [(ABROAD, 1), (SHADY, 0)])
def test_only_a_trusted_trunk_may_ring_and_inform_beside_a_label(flow: Flow, kept: int) -> None:
    theirs = [("Call-Info", "<https://x.example>;purpose=icon"), ("Alert-Info", "<urn:alert:source:family>")]
    forwarded = labelled(
        request("INVITE", flow, more=[*theirs, ("Remote-Party-ID", '"Mum" <sip:+6591234567@h>')]), flow
    ).forwarded
    assert [len(forwarded.headers(name)) for name in ("call-info", "alert-info", "remote-party-id")] == [kept, kept, 0]


def test_who_forwarded_a_labelled_call_has_no_name_either() -> None:
    parties = [
        ("Diversion", '"Police" <sip:+6591234568@h>;reason=no-answer, <tel:110>, <junk'),
        ("History-Info", "junk<"),
    ]
    forwarded = labelled(request("INVITE", more=parties)).forwarded
    assert forwarded.headers("diversion") == ["<sip:+6591234568@h>;reason=no-answer", "<tel:110>"]
    assert forwarded.headers("history-info") == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("Mary", " (Mary)"),
        ("O'Brien-Smith, J. & Co", " (O'Brien-Smith, J. & Co)"),
        ("国家反诈中心", " (国家反诈中心)"),
        ('Tab\t"quoted\\" <x>', " (Tab quoted x)"),
        ("\u202egnorw\u2066", " (gnorw)"),
        ("zero\u200bwidth", " (zero width)"),
        ("bad \udcff\udcfe bytes", " (bad bytes)"),
        ("x" * 90, f" ({'x' * 40})"),
        ("Overseas call: Home", ""),
        ("OVERSEAS", ""),
        ("\uff2fversea\uff53", ""),  # fullwidth
        ("О\u0443ersеаs", ""),  # Cyrillic beside Latin
        ("0verseas ca11", ""),
        ("O v e r s e a s", ""),
        ("Óverseas", ""),
        ("Оѵеrѕеаѕ", ""),
        ("Мария", " (Мария)"),
    ],
)
def test_a_name_that_is_kept_cannot_be_taken_for_a_label(name: str, shown: str) -> None:
    assert labelled(request("INVITE")).forwarded.from_.display_name == "Overseas call: Singapore"
    kept = plain_name(name, "Overseas call: {country}")
    assert (f" ({kept})" if kept else "") == shown


def test_a_kept_name_stands_behind_the_label() -> None:
    dialogue = labelled(caller('"Mary" <sip:+6591234567@h>;tag=from'), name="keep")
    assert dialogue.forwarded.from_.display_name == "Overseas call: Singapore (Mary)"
    assert dialogue.answer(486).sends("ACK").sends(486).records()[0]["label"] == "Overseas call: Singapore (Mary)"


def test_a_call_that_goes_on_is_left_alone() -> None:
    dialogue = labelled(request("INVITE", more=[("Contact", "<sip:d@127.0.1.1:5070>")]))
    dialogue.answer(200, headers=[("Record-Route", dialogue.forwarded.headers("record-route")[0])]).sends(200)
    route = [("Route", dialogue.last.headers("record-route")[0])]
    reinvite = request("INVITE", cseq=2, branch="z9hG4bK-2", to_tag="callee", more=route)
    dialogue.receive(reinvite).sends(100).sends("INVITE", SWITCH)
    assert dialogue.forwarded.line("from") == f"From: <sip:{DAUGHTER}@127.0.1.1>;tag=from"


def test_a_from_that_nobody_can_read_is_refused() -> None:
    broken = caller("<sip:+6591234567@h> junk;tag=from", to_tag="made-up")
    treating({"default.allow": OVERSEAS}).receive(broken).sends(400).sends_nothing()


# --- verstat


PASSED = "sip:+6591234567;verstat=TN-Validation-Passed@h"


@pytest.mark.parametrize(
    ("uri", "clean"),
    [
        (PASSED, "sip:+6591234567@h"),
        ("sip:+6591234567;VERSTAT=TN-Validation-Passed;a=b@h", "sip:+6591234567;a=b@h"),
        ("sip:+6591234567;verstat@h", "sip:+6591234567@h"),
        ("sip:+6591234567;verstat;verstat=x;verstat@h", "sip:+6591234567@h"),
        ("sip:+6591234567; verstat=TN-Validation-Passed@h", "sip:+6591234567@h"),
        ("sip:+6591234567;%20verstat\r\n =TN-Validation-Passed@h", "sip:+6591234567@h"),
        ("sip:+6591234567%3Bverstat%3DTN-Validation-Passed@h", "sip:+6591234567@h"),
        ("sip:+6591234567;%76er%53tat=TN-Validation-Passed@h", "sip:+6591234567@h"),
        ("sip:+6591234567;vers;verstat=x;verstattat=y@h", "sip:+6591234567;vers;verstattat=y@h"),
        ("sip:+6591234567;verstat=x:secret@h", "sip:+6591234567:secret@h"),
        ("sip:+6591234567@h;verstat=TN-Validation-Passed", "sip:+6591234567@h"),
        ("tel:+6591234567;verstat=TN-Validation-Passed", "tel:+6591234567"),
    ],
)
@pytest.mark.parametrize("treatments", [{}, {"default.allow": OVERSEAS}], ids=["plain", "labelled"])
def test_nobody_verifies_their_own_number(uri: str, clean: str, treatments: dict[str, dict[str, str]]) -> None:
    for name in ("", '"Bank;verstat=TN-Validation-Passed" '):
        dialogue = treating(treatments).receive(caller(f"{name}<{uri}>;tag=from", SHADY), SHADY)
        shown = f"{SINGAPORE} " if treatments else name
        assert dialogue.sends(100).sends("INVITE").forwarded.header("from") == f"{shown}<{clean}>;tag=from"


def test_verstat_is_stripped_without_brackets_too() -> None:
    ours = caller("tel:+6591234567;verstat=TN-Validation-Passed;tag=from", SHADY)
    forwarded = treating({}).receive(ours, SHADY).sends(100).sends("INVITE").forwarded
    assert forwarded.header("from") == "tel:+6591234567;tag=from"


def test_a_trusted_trunk_may_tell_what_it_verified() -> None:
    told = f"<{PASSED}>;tag=from"
    assert treating({}).receive(caller(told)).sends(100).sends("INVITE").forwarded.header("from") == told


# --- anything


_NAMES = st.text(st.characters(blacklist_characters="\r\n", codec="utf-8"), max_size=60)
_BYTES = st.binary(max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape"))
_TELLING = st.sampled_from(
    ["Overseas call: Home", "\u202eemoH", '" <sip:bank@h>;x="', "\\", '"', "<", "公安局", "%0d%0aX: y", ""]
)
_QUOTING = st.sampled_from(["{}", '"{}"', '"{}', '"{}\\"'])


@given(st.lists(_NAMES | _BYTES | _TELLING, max_size=4).map("".join), _QUOTING, st.sampled_from(["keep", "replace"]))
def test_the_label_is_always_ours_and_nothing_is_smuggled_in(name: str, quoting: str, keep: str) -> None:
    name = name.replace("\r", "").replace("\n", "")
    sent = caller(f"{quoting.format(name)} <sip:+6591234567@h>;tag=from", SHADY, more=[("Alert-Info", "<urn:alert:x>")])
    dialogue = treating({"default.allow": OVERSEAS | {"name": keep, "ring": "urn:alert:source:external"}})
    dialogue.receive(sent, SHADY)
    (_, data) = dialogue.core.outbox[-1]
    if data.startswith(b"SIP/2.0 400"):
        return
    dialogue.sends(100).sends("INVITE", SWITCH)
    forwarded = dialogue.forwarded
    shown = forwarded.from_
    if keep == "replace":
        assert forwarded.line("from").startswith('From: "Overseas call: ')
        assert not shown.display_name.partition(": ")[2].startswith("Home")
    assert shown.display_name.startswith("Overseas call: ")
    assert shown.display_name.isprintable()
    assert shown.display_name.casefold().count("overseas") == 1
    assert forwarded.headers("alert-info") == ["<urn:alert:source:external>"]
    before = sent.partition(b"\r\n\r\n")[0].count(b"\r\n")
    assert data.partition(b"\r\n\r\n")[0].count(b"\r\n") == before + 3  # our Via, Max-Breadth and Record-Route
