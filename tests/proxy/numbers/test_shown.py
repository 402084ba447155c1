"""A number to people's eyes counts as one, whatever a switch makes of it: in From, and in what is dialled."""

from __future__ import annotations

import pytest

from proxy.numbers.numbering import Numbering
from proxy.numbers.shown import as_looks, shown_numbers
from tests.plays.dialogue import ABROAD, ALICE, BARRED, PHONE, SWITCH, play, request
from tests.plays.digest_phone import BOB, start
from tests.plays.established import established, routes

CN = Numbering("CN")
ODD_HOME = [
    "<sip:95588;phone-context=icbc.com@x>", "<sip:95588;phone-context=+1@x>", "<tel:95588;phone-context=x.com>",
    "<sip:01066108003;phone-context=x.com@x>", "<sip:95588%E2%80%8B@x>", "<sip:955%C2%A088@x>", "<sip:955_88@x>",
    "<sip:95588/@x>", "<sip:;95588@x>", "<sip:%3B95588@x>", "<sip:+86/10/66108003@x>", "<sip:+861066108003,@x>",
    "<sip:110%20police@x>", "<sip:96110&@x>", "<sip:%2595588@x>", "<sip:tel%3A95588@x>", "<mailto:95588@x>",
    "<http:95588@icbc.com>", "<sip:95588>", "<sip:police.110@x>", "<sip:955%E3%85%A488@x>",
]  # fmt: skip


def from_(sender: str, data: bytes) -> bytes:
    return data.replace(b"<sip:+6591234567@127.0.1.1>", sender.encode())


@pytest.mark.parametrize("sender", ODD_HOME)
def test_a_home_number_from_abroad_is_refused_however_it_is_written(sender: str) -> None:
    dialogue = play().receive(from_(sender, request("INVITE"))).sends(603, ABROAD)
    assert dialogue.records()[0]["rule"] == "spoofed.home_number"


@pytest.mark.parametrize("sender", [
    "<sip:alice2024@x>", "<sip:john.doe.1985@x>", "<sip:tom%40example.com@x>", "<sip:+6591234567;isub=12;npdi@x>",
    "<tel:+65-9123-4567>", "<sip:192.0.2.1>", "<sip:anonymous@anonymous.invalid>", "<sip:+65%20(9123)%204567@x>",
])  # fmt: skip
def test_names_and_foreign_numbers_are_read_as_they_are(sender: str) -> None:
    play().receive(from_(sender, request("INVITE"))).sends(100).sends("INVITE", SWITCH)


@pytest.mark.parametrize("headers", [
    [("Remote-Party-ID", "<sip:95588@x>;party=calling;screen=yes")],
    [("P-Asserted-Identity", "<sip:+6591234567@x>"), ("P-Asserted-Identity", "<sip:;95588@x>")],
])  # fmt: skip
def test_what_a_trusted_trunk_presents_otherwise_is_judged_as_well(headers: list[tuple[str, str]]) -> None:
    play().receive(request("INVITE", more=headers)).sends(603, ABROAD).sends_nothing()


@pytest.mark.parametrize("asserted", [
    ["<sip:+6591234567@x>"] * 8 + ["<sip:95588@x>"], ['"x <sip:95588@x>'], ["sip:95588@x y"], ["<sip:95588@x"],
])  # fmt: skip
def test_what_nobody_read_goes_no_further(asserted: list[str]) -> None:
    sent = request("INVITE", more=[("P-Asserted-Identity", each) for each in asserted])
    forwarded = play().receive(sent).sends(100).sends("INVITE", SWITCH).forwarded
    assert "95588" not in "".join(forwarded.headers("p-asserted-identity"))


@pytest.mark.parametrize("method", ["UPDATE", "INVITE", "INFO", "BYE"])
def test_within_a_dialog_a_trusted_trunk_claims_nothing_new(method: str) -> None:
    dialogue = established()
    claims = [("P-Asserted-Identity", '"Police" <sip:110@x>'), ("Remote-Party-ID", "<sip:95588@x>")]
    claims += [("Alert-Info", "<urn:alert:x:y>"), ("Diversion", "<tel:110>"), ("Route", routes(dialogue)[0])]
    later = request(method, uri="sip:127.0.0.9:5080", branch="z9hG4bK-2", cseq=2, to_tag="callee", more=claims)
    dialogue.receive(later).forget_sent("SIP/2.0")
    forwarded = dialogue.core.outbox[-1][1].decode()
    assert forwarded.startswith(method)
    # Via and Record-Route hold random digits of ours, any of them.
    told = "\n".join(line for line in forwarded.splitlines() if not line.startswith(("Via:", "Record-Route:")))
    assert not any(claim in told for claim in ("110", "95588", "urn:alert"))


ODD_CALLEES = [
    "sip:%252B8613800138002@127.0.0.1", "sip:%2531%2533800138002@127.0.0.1", "sip:tel%3A+8613800138002@127.0.0.1",
    "sip:sip%3A+8613800138002%40x@127.0.0.1", "tel:13800138002;phone-context=+1", "tel:8613800138002;phone-context=+65",
    "sip:+86/13800138002@127.0.0.1", "sip:+8613800138002!@127.0.0.1", "sip:+8613800138002~@127.0.0.1",
    "sip:13800138002%C2%B7@127.0.0.1", "sip:1380013%E2%80%8B8002@127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("uri", ODD_CALLEES)
def test_a_callee_whom_not_all_read_alike_is_nobody(uri: str) -> None:
    play().receive(request("INVITE", uri=uri)).sends(404, ABROAD).sends_nothing()
    refer = request("REFER", PHONE, more=[("Refer-To", f"<{uri}>")])
    play().receive(refer, PHONE).sends(404, PHONE).sends_nothing()


@pytest.mark.parametrize("uri", [
    "tel:13800138002;phone-context=x.com", "tel:13800138002;phone-context=+86", "tel:+86-138-0013-8002;isub=1",
    "sip:13800138002;phone-context=x.com@127.0.0.1", "sip:%2B8613800138002@127.0.0.1",
])  # fmt: skip
def test_a_callee_in_another_spelling_is_the_same_one(uri: str) -> None:
    play().receive(request("INVITE", to=BARRED, uri=uri)).sends(603, ABROAD).sends_nothing()


@pytest.mark.parametrize(
    "uri", ["sip:sips%3Auser%40example.com@example.net", "sip:bob.2024@x", "tel:10086;phone-context=x"]
)
def test_users_and_short_codes_are_called(uri: str) -> None:
    play().receive(request("INVITE", uri=uri)).sends(100).sends("INVITE", SWITCH)


def test_a_refer_names_one_party() -> None:
    twice = [("Refer-To", f"<sip:{ALICE}@x>"), ("r", f"<sip:{BARRED}@x>")]
    play().receive(request("REFER", PHONE, more=twice), PHONE).sends(400, PHONE).sends_nothing()


@pytest.mark.parametrize("sender", [
    "<sip:;95588@x>", "<sip:%3B95588@x>", "<sip:anonymous;95588@x>", "<sip:anonymous%3B95588@x>", "<sip:%00110@x>",
    "<sip:+8613800138001;95588@x>", '"ICBC 955 - 88" <sip:alice@x>', '"Police 1-1-0" <sip:alice@x>',
    '"Police 1 1 0" <sip:alice@x>', '"Police110" <sip:alice@x>', '"Police_110" <sip:alice@x>',
    '"Emergency 11O" <sip:alice@x>', '"Bank 9 . . 5 . . 5 . . 8 . . 8" <sip:alice@x>',
    '"9\u31645\u31645\u31648\u31648 a" <sip:alice@x>', '"1380 / 0138 / 002 x" <sip:alice@x>',
])  # fmt: skip
def test_no_phone_shows_a_number_that_is_not_its_own(sender: str) -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), sender=sender).sends(403, PHONE).sends_nothing()


def test_a_dialog_made_without_credentials_vouches_for_nobody_else() -> None:
    on = start()
    on.asks("INVITE", to="110").sends(100).sends("INVITE", SWITCH)
    token = on.forwarded.headers("record-route")[0]
    on.answer(183, headers=[("Record-Route", token)]).sends(183)
    for n, method in enumerate(("INVITE", "SUBSCRIBE", "NOTIFY"), 2):
        data = request(method, PHONE, to=BOB, branch=f"z9hG4bK-{n}", cseq=n, to_tag="t", more=[("Route", token)])
        on.receive(data.replace(b"call-1", on.forwarded.call_id.encode()), PHONE).sends(407, PHONE).sends_nothing()


def test_no_format_character_parts_what_is_read() -> None:
    assert as_looks("1\u200b3\u31648\u00ad\uff10") == "1380"
    assert [number.e164 for number in shown_numbers("sip:+86/10/66108003@h", CN)] == ["+861066108003"]
    assert shown_numbers("sip:+8613800138001@h", CN) == shown_numbers("sip:alice@h", CN) == ()
