"""Nobody on a trunk that asks for digest presents a number that is not theirs: From, display names, other headers."""

from __future__ import annotations

import pytest

from tests.plays.dialogue import PHONE
from tests.plays.digest_phone import ABROAD, ALICE, BOB, REALM, start

AS_ALICE = '"{name}" <sip:alice@127.0.0.77>'


@pytest.mark.parametrize("sender", [
    f"<sip:{ALICE}@127.0.0.77>", "<sip:alice@127.0.0.77>", "<sip:13800138001@x>", f"<tel:{ALICE}>",
    "<tel:+86-138-0013-8001>", f"<sip:{ALICE};phone-context=x@y>", '"Alice" <sip:alice@x>',
    '"Alice 2" <sip:alice@x>', '"+86 138 0013 8001" <sip:alice@x>', '"138-0013-8001" <sip:alice@x>',
    '"Alice, 138 0013 8001" <sip:alice@x>', '"alice" <sip:alice@x>', '"Room 2024" <sip:alice@x>',
    '"Lois Oolong 2" <sip:alice@x>', f"<sip:{ALICE}@anonymous.invalid>",
])  # fmt: skip
def test_a_subscriber_presents_their_own_number_in_any_spelling_or_their_user(sender: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=sender).goes_on()
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@{REALM};user=phone>"]


@pytest.mark.parametrize("sender", [
    f"<sip:{BOB}@127.0.0.77>", "<sip:bob@127.0.0.77>", f"<tel:{BOB}>", "<sip:13800138002@x>", "<sip:110@x>",
    "<sip:ALICE@x>", "<sip:alice2@x>", f"<sip:alice%00{BOB}@x>", "<sip:+86138@x>", "<urn:service:sos>",
    f"<sip:{BOB}@anonymous.invalid>", "<sip:110@anonymous.invalid>", "<sip:bob@anonymous.invalid>",
    "<sip:110@anonymous.invalid.example>", "<sip:Police@anonymous.invalid:5060>",
    "<sip:95588>", "<sips:110:5060;x=y>",
])  # fmt: skip
def test_a_number_or_user_of_somebody_else_is_refused_and_noted(sender: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=sender).sends(403, PHONE).sends_nothing()
    [record] = on.records()
    assert (record["rule"], record["action"], record["final"]) == ("spoofed.subscriber_number", "reject", 403)
    assert record["caller"] == ALICE
    assert record["trace"][0][0] == "spoofed.subscriber_number"


@pytest.mark.parametrize("name", [
    BOB, "+86 138 0013 8002", "13800138002", "008613800138002", "110", "95588", "96110", "tel:+8613800138002",
    "Bank 95588", "Police (110) 96110", "Call +86 138 0013 8002 now", "\uff0b\uff18\uff16" + BOB[3:],
    "\u0661\u0663\u0668\u0660\u0660\u0661\u0663\u0668\u0660\u0660\u0662", "++8613800138002",
    "1\u200b3\u200b8\u200b0\u200b0\u200b1\u200b3\u200b8\u200b0\u200b0\u200b2", "138\u20110013\u20118002",
    "\u2460\u2462\u2467\u24ea\u24ea\u2460\u2462\u2467\u24ea\u24ea\u2461", "9" + "\u200b\u200d\u2060".join("5588"),
    "Alice, 138 0013 8001 or 138 0013 8002", "Police 110", "110 (police)", "138OO138OO2", "I38oo138oo2",
    "955B8", "9SS88", "\u4e5d\u4e94\u4e94\u516b\u516b", "\u4e00\u4e00\u96f6", "\u5e7a\u5e7a\u3007",
])  # fmt: skip
def test_a_display_name_that_reads_as_another_number_is_refused(name: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=AS_ALICE.format(name=name)).sends(403, PHONE)
    assert on.records()[0]["rule"] == "spoofed.subscriber_number"


@pytest.mark.parametrize("sender", [
    '"Anonymous" <sip:anonymous@anonymous.invalid>', "<sip:Anonymous@anonymous.invalid>",
    "<sip:anonymous@127.0.0.77>", "<sip:127.0.0.77>",
])  # fmt: skip
def test_anonymous_calls_pass_and_the_network_knows_who_it_is_but_the_phone_does_not(sender: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=sender).goes_on()
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@{REALM};user=phone>"]
    assert on.forwarded.headers("privacy") == ["id"]


@pytest.mark.parametrize("sender", [f"<tel:{ALICE}>", f"<sip:{ALICE}@x>", "<sip:alice@x>"])
def test_who_shows_their_number_wants_no_privacy(sender: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=sender).goes_on()
    assert "privacy" not in on.forwarded.names


def test_a_privacy_wish_is_left_as_it_is() -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender="<sip:anonymous@x>", more=(("Privacy", "none"),)).goes_on()
    assert on.forwarded.headers("privacy") == ["none"]


def test_identities_that_only_a_network_may_assert_are_taken_out() -> None:
    on = start().challenged()
    claims = tuple(
        (name, f"<sip:{BOB}@x>") for name in ("P-Asserted-Identity", "P-Asserted-Identity", "Remote-Party-ID")
    )
    own = ("P-Preferred-Identity", f"<sip:{ALICE}@x>")
    on.asks("INVITE", on.answer_to(), more=(*claims, own)).goes_on()
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@{REALM};user=phone>"]
    assert BOB not in "".join(line for line in on.forwarded.lines if not line.startswith("To:"))
    assert "p-preferred-identity" not in on.forwarded.names


@pytest.mark.parametrize("preferred", [f"<sip:{BOB}@x>", f"<sip:{ALICE}@x>, <tel:{BOB}>", f'"{BOB}" <sip:{ALICE}@x>'])
def test_a_preferred_identity_of_somebody_else_is_refused(preferred: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), more=(("P-Preferred-Identity", preferred),)).sends(403, PHONE)
    assert on.records()[0]["rule"] == "spoofed.subscriber_number"


@pytest.mark.parametrize("method", ["SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY", "INFO", "OPTIONS"])
def test_other_requests_may_not_borrow_a_number_either(method: str) -> None:
    refers = (("Refer-To", "<sip:x@y>"),) if method == "REFER" else ()
    on = start().challenged(method, more=refers)
    on.asks(method, on.answer_to(method), sender=f"<sip:{BOB}@x>", more=refers).sends(403, PHONE).sends_nothing()


def test_barring_is_that_of_who_proved_to_call() -> None:
    on = start().challenged(to=ABROAD)
    on.asks("INVITE", on.answer_to(to=ABROAD), to=ABROAD).sends(603, PHONE)
    assert on.records()[0]["rule"] == "barring.outgoing_international"
    on.challenged(to=ABROAD)
    as_bob = on.answer_to("INVITE", "bob", "b0b", ABROAD)
    on.asks("INVITE", as_bob, to=ABROAD, sender="<sip:anonymous@x>").goes_on()
