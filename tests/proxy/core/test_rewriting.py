"""Header lines leave as they came, but for those that are the proxy's; it stays on the path of dialogs."""

from __future__ import annotations

import pytest

from tests.plays.dialogue import ABROAD, ALICE, INVITE, PHONE, SWITCH, TCP_PHONE, new_core, play, request

ODD = (
    b"INVITE sip:+8613800138001@127.0.0.1;x=%41 SIP/2.0\r\n"
    b"v :SIP/2.0/UDP  127.0.1.1:5070 ;branch=z9hG4bK-1\r\n"
    b"Subject:  folded\r\n \t over\r\n\tlines \r\n"
    b'fRom:\t"\xff\xfe caf\xe9" <sip:+6591234567@h>;tag=1;x="a,b"\r\n'
    b"t: <sip:+8613800138001@h>\r\n"
    b"X-Unknown:\r\n"
    b"Contact: <sip:one@h>,\t<sip:two@h>\r\n"
    b"MAX-FORWARDS: 5\r\n"
    b"i:a@b\r\n"
    b"CSeq: 00001   INVITE\r\n"
    b"l: 6\r\n\r\n\x00\xff\r\n\r\n"
)


def test_header_lines_that_are_not_ours_leave_byte_for_byte_and_in_their_order() -> None:
    core = new_core()
    core.receive(ODD, ABROAD, 0.0)
    sent = core.outbox[1][1]
    lines = sent.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert lines[0] == ODD.split(b"\r\n")[0]
    assert lines[1].startswith(b"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=")
    assert lines[2].startswith(b"Record-Route: <sip:")
    theirs = ODD.replace(b"MAX-FORWARDS: 5", b"Max-Forwards: 4").split(b"\r\n", 1)[1]
    assert sent.endswith(b"\r\n" + theirs)


def test_a_response_goes_back_byte_for_byte_but_for_our_via() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    ours, theirs = dialogue.forwarded.headers("via")
    rest = (
        b'Record-Route: <sip:x;lr>\r\nf:  "\xff" <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\ni: call-1\r\n'
        b"CSeq: 1 INVITE\r\nContact:\r\n <sip:c@h>\r\nl: 2\r\n\r\n\xff\x00"
    )
    for vias in (f"Via: {ours}\r\nVia: {theirs}\r\n", f"v: {ours},{theirs}\r\n"):
        dialogue.core.receive(b"SIP/2.0 183 Fr\xfchphase\r\n" + vias.encode() + rest, SWITCH, dialogue.now)
        flow, sent = dialogue.core.outbox.pop()
        assert flow == ABROAD
        assert (
            sent == b"SIP/2.0 183 Fr\xfchphase\r\n%s: %s\r\n" % (vias[:3].strip(": ").encode(), theirs.encode()) + rest
        )


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY"])
def test_we_stay_on_the_path_of_a_dialog(method: str) -> None:
    more = [("Record-Route", "<sip:earlier;lr>"), ("Refer-To", f"<sip:{ALICE}@127.0.0.1>")]
    dialogue = play().receive(request(method, PHONE, more=more), PHONE)
    if method == "INVITE":
        dialogue.sends(100)
    routes = dialogue.sends(method).forwarded.headers("record-route")
    assert len(routes) == 2
    assert routes[0].endswith("@127.0.0.1:5060;lr>")
    assert routes[1] == "<sip:earlier;lr>"


@pytest.mark.parametrize("method", ["BYE", "MESSAGE", "OPTIONS", "REGISTER", "INFO"])
def test_other_requests_are_not_record_routed(method: str) -> None:
    assert play().receive(request(method, PHONE), PHONE).sends(method).forwarded.headers("record-route") == []


def test_two_values_are_written_where_the_transport_changes() -> None:
    inward = play().receive(request("INVITE", TCP_PHONE), TCP_PHONE).sends(100, TCP_PHONE).sends("INVITE", SWITCH)
    towards_switch, towards_phone = inward.forwarded.headers("record-route")
    assert towards_switch.endswith("@127.0.0.1:5060;lr>")
    assert towards_phone.endswith("@127.0.0.1:5060;transport=tcp;lr>")


def test_the_order_of_two_values_is_that_of_the_path_outward_too() -> None:
    core = new_core()
    path = play(core).receive(request("REGISTER", TCP_PHONE), TCP_PHONE).sends("REGISTER").forwarded.headers("path")[0]
    call = request("INVITE", SWITCH, uri=f"sip:{ALICE}@10.0.0.1:5060;transport=tcp", more=[("Route", path)])
    outward = play(core).receive(call, SWITCH).sends(100, SWITCH).sends("INVITE", TCP_PHONE)
    towards_phone, towards_switch = outward.forwarded.headers("record-route")
    assert towards_phone.endswith("@127.0.0.1:5060;transport=tcp;lr>")
    assert towards_switch.endswith("@127.0.0.1:5060;lr>")
