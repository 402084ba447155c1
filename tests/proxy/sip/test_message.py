"""Reading messages and writing them again: what is not touched leaves as it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import BadRequest, KeepAlive, SipError, Unanswerable
from proxy.sip.message import MAX_HEADER_LINES, Broken, Request, Response, parse

HEADERS = (
    b"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
)

COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
    "k": "supported",
    "s": "subject",
    "u": "allow-events",
    "r": "refer-to",
    "o": "event",
    "x": "session-expires",
    "y": "identity",
    "a": "accept-contact",
    "b": "referred-by",
    "d": "request-disposition",
    "e": "content-encoding",
    "j": "reject-contact",
}


def invite(headers: bytes = HEADERS, body: bytes = b"") -> Request:
    message = parse(b"INVITE sip:b@x SIP/2.0\r\n" + headers + b"\r\n" + body)
    assert isinstance(message, Request)
    return message


def refused(data: bytes) -> SipError:
    with pytest.raises(SipError) as caught:
        parse(data)
    return caught.value


def broken(data: bytes) -> Broken:
    with pytest.raises(Broken) as caught:
        parse(data)
    return caught.value


def test_a_request_is_read() -> None:
    request = invite()
    assert (request.method, request.uri) == ("INVITE", "sip:b@x")
    assert (request.call_id, request.cseq.number, request.cseq.method) == ("c", 1, "INVITE")
    assert (request.from_.uri, request.from_.tag, request.to.tag) == ("sip:a@x", "1", None)
    assert request.via.branch == "z9hG4bK1"
    assert request.body == b""


def test_a_response_is_read() -> None:
    response = parse(b"SIP/2.0 486 Busy Here\r\n" + HEADERS + b"\r\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.call_id) == (486, "Busy Here", "c")


@pytest.mark.parametrize("padding", [b"\r\n", b"\r\n\r\n", b"\r\n" * 40, b"\r\n\0", b"\0", b"\r\n\r\n\0\r\n", b"\n"])
@pytest.mark.parametrize("start", [b"INVITE sip:b@x SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"])
def test_line_breaks_before_the_start_line_are_left_out(padding: bytes, start: bytes) -> None:
    data = start + HEADERS + b"\r\n"
    assert bytes(parse(padding + data)) == data


def test_what_comes_after_line_breaks_is_checked_like_any_message() -> None:
    error = broken(b"\r\n\0INVITE sip:b@x SIP/2.0\r\nContent-Length: many\r\n" + HEADERS + b"\r\n")
    assert error.request.call_id == "c"
    for blank in (b" ", b"\t"):
        assert refused(blank + b"INVITE sip:b@x SIP/2.0\r\n" + HEADERS + b"\r\n").code == 400


@pytest.mark.parametrize("data", [b"", b"\0", b"\r\n", b"\r\n\r\n", b"\r\n\0", b"\0" * 40])
def test_padding_alone_is_a_keepalive(data: bytes) -> None:
    assert isinstance(refused(data), KeepAlive)


@pytest.mark.parametrize("line", [b"SIP/2.0 200 \r\n", b"SIP/2.0 200\r\n"])
def test_a_response_needs_no_reason(line: bytes) -> None:
    response = parse(line + HEADERS + b"\r\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (200, "")


def test_every_byte_of_an_untouched_message_leaves_as_it_came() -> None:
    data = (
        b"INVITE sip:b@x;p=%41 SIP/2.0\r\n"
        b"v:  SIP/2.0/UDP h;branch=z9hG4bK1 ,SIP / 2.0 / TCP g\r\n"
        b'fRoM \t:\t"\xff\xfe" <sip:a@x>;tag=1\r\n'
        b"t: <sip:b@x>\r\n"
        b"Subject: first\r\n \t second\r\n\tthird\r\n"
        b"X-\xc3: not a name\r\n"
        b"i: c\r\nCSeq: 0001   INVITE\r\nl: 4\r\n\r\n\x00\xff\r\n"
    )
    problem = refused(data)  # for the name alone
    assert problem.code == 400
    data = data.replace(b"X-\xc3: not a name\r\n", b"X-Empty:\r\n")
    message = parse(data)
    assert bytes(message) == data
    assert bytes(message.copy()) == data


@pytest.mark.parametrize(
    "line",
    [
        b"Call-ID: 7",
        b"CALL-ID: 7",
        b"call-id: 7",
        b"cAlL-iD: 7",
        b"i: 7",
        b"I: 7",
        b"Call-ID:7",
        b"Call-ID \t: 7 \t",
        b"i:\r\n 7",
    ],
)
def test_a_header_is_found_however_it_is_spelt(line: bytes) -> None:
    assert invite(line + b"\r\n").header("call-id") == "7"


@pytest.mark.parametrize(
    ("compact", "name"),
    list(COMPACT.items()),
)
def test_compact_names_mean_long_ones(compact: str, name: str) -> None:
    assert invite(f"{compact}: 0\r\n".encode()).header(name) == "0"


def test_folded_lines_are_one_value() -> None:
    request = invite(b"Subject: one\r\n  two\r\n\tthree\r\nTo: <sip:b@x>\r\n")
    assert request.header("subject") == "one two three"
    assert request.headers("to") == ["<sip:b@x>"]


def test_values_are_gathered_over_lines_and_commas() -> None:
    request = invite(b'Route: <sip:a;x=",">,<sip:b,c>\r\nTo: t\r\nroute:\t"q,\\"" <sip:d>\r\n')
    assert request.headers("route") == ['<sip:a;x=",">,<sip:b,c>', '"q,\\"" <sip:d>']
    assert request.values("route") == ['<sip:a;x=",">', "<sip:b,c>", '"q,\\"" <sip:d>']
    assert request.values("path") == request.headers("path") == []
    assert request.header("path") is None


def test_the_first_value_is_taken_out_with_its_line_or_without() -> None:
    request = invite(b"v: one, two\r\nVia: three\r\n")
    request.remove_first_value("via")
    assert request.lines == ["v: two", "Via: three"]
    request.remove_first_value("via")
    assert request.lines == ["Via: three"]


def test_lines_are_put_in_replaced_and_taken_out() -> None:
    request = invite(b"A: 1\r\nB: 2\r\na: 3\r\n")
    request.insert(1, "Max-Forwards", "70")
    request.replace("B", "4")
    request.replace("C", "5")
    assert request.lines == ["A: 1", "Max-Forwards: 70", "B: 4", "a: 3", "C: 5"]
    request.remove("accept-contact")  # for which A is short
    assert request.lines == ["Max-Forwards: 70", "B: 4", "C: 5"]
    assert request.header("max-forwards") == "70"


def test_a_copy_can_be_changed_alone() -> None:
    request = invite()
    copy = request.copy()
    copy.replace("Call-ID", "other")
    copy.insert(0, "Via", "new")
    assert bytes(request) == bytes(invite())


def test_a_body_ends_where_content_length_says() -> None:
    assert invite(HEADERS + b"Content-Length: 3\r\n", b"abcdef").body == b"abc"
    assert invite(HEADERS, b"\xffabc").body == b"\xffabc"


@pytest.mark.parametrize("length", [b"7", b"-1", b"1x", b"", b"9999999999", "٣".encode()])
def test_a_content_length_that_is_wrong_is_refused(length: bytes) -> None:
    problem = broken(b"INVITE sip:b@x SIP/2.0\r\n" + HEADERS + b"Content-Length: " + length + b"\r\n\r\nabc")
    assert problem.code == 400
    assert problem.request.call_id == "c"


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"two words: x",
        b"Via",
        b"Tox",
        b"\xc3\xa9: x",
        b"a\x00b: x",
        b"A: x\rB: y",
        b"A: x\nB: y",
    ],
)
def test_what_is_no_header_line_is_refused_but_can_be_answered(line: bytes) -> None:
    problem = broken(b"INVITE sip:b@x SIP/2.0\r\n" + HEADERS + line + b"\r\n\r\n")
    assert problem.code == 400
    assert problem.request.call_id == "c"


def test_a_first_header_line_cannot_continue_the_start_line() -> None:
    assert refused(b"INVITE sip:b@x SIP/2.0\r\n Via: x\r\n" + HEADERS + b"\r\n").code == 400


@pytest.mark.parametrize(
    "start",
    [
        b"INVITE  sip:b@x SIP/2.0",
        b"INVITE sip:b@x  SIP/2.0",
        b"INVITE sip:b @x SIP/2.0",
        b"IN\xffVITE sip:b@x SIP/2.0",
        b"INVITE\tsip:b@x SIP/2.0",
        b"IN<VITE sip:b@x SIP/2.0",
    ],
)
def test_a_request_line_is_checked(start: bytes) -> None:
    assert refused(start + b"\r\n" + HEADERS + b"\r\n").code == 400


def test_another_version_is_told_so() -> None:
    assert refused(b"INVITE sip:b@x SIP/3.0\r\n" + HEADERS + b"\r\n").code == 505


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        b"hello",
        b"SIP/2.0 99 x\r\n\r\n",
        b"SIP/2.0 700 x\r\n\r\n",
        b"SIP/2.0 abc x\r\n\r\n",
        b"SIP/2.0 2000 x\r\n\r\n",
        b"SIP/2.0 200 OK\r\nbroken\r\n\r\n",
        b"SIP/2.0 200 OK\r\nTo: x",
    ],
)
def test_what_nobody_can_answer_is_told_apart(data: bytes) -> None:
    assert isinstance(refused(data), Unanswerable)


@pytest.mark.parametrize("name", [b"Via", b"X", b"v"])
def test_header_lines_are_limited_in_number(name: bytes) -> None:
    line = name + b": 1\r\n"
    assert len(invite(line * MAX_HEADER_LINES).lines) == MAX_HEADER_LINES
    assert refused(b"INVITE sip:b@x SIP/2.0\r\n" + line * (MAX_HEADER_LINES + 1) + b"\r\n").code == 400


@pytest.mark.parametrize("missing", ["call_id", "cseq", "from_", "to", "via"])
def test_a_missing_header_is_told_when_it_is_asked_for(missing: str) -> None:
    with pytest.raises(BadRequest, match="missing"):
        getattr(invite(b"Subject: none\r\n"), missing)


# --- building


def test_a_reply_copies_what_names_the_transaction() -> None:
    request = invite(
        b"v: a\r\nSubject: x\r\nVIA: b\r\nf: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\n"
        b"i: c\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\n"
    )
    response = request.reply(486, headers=(("Retry-After", "5"),), to_tag="ours", body=b"why")
    assert bytes(response) == (
        b"SIP/2.0 486 Busy Here\r\nv: a\r\nVIA: b\r\nf: <sip:a@x>;tag=1\r\nt: <sip:b@x>;tag=ours\r\n"
        b"i: c\r\nCSeq: 1 INVITE\r\nRetry-After: 5\r\nContent-Length: 3\r\n\r\nwhy"
    )
    trying = request.reply(100, to_tag="ours")
    assert trying.header("timestamp") == "54"
    assert trying.to.tag is None


@pytest.mark.parametrize("to", ["<sip:b@x>;tag=theirs", "<sip:b@x> ; TAG = theirs", "sip:b@x;tag=theirs"])
def test_a_reply_leaves_a_to_tag_alone(to: str) -> None:
    response = invite(HEADERS.replace(b"<sip:b@x>", to.encode())).reply(200, to_tag="ours")
    assert response.to.tag == "theirs"
    assert response.header("to") == to


def test_a_tag_inside_the_uri_or_the_name_is_no_to_tag() -> None:
    response = invite(HEADERS.replace(b"<sip:b@x>", b'"x;tag=1" <sip:b@x;tag=2>')).reply(200, to_tag="ours")
    assert response.to.tag == "ours"


def test_building_refuses_line_breaks() -> None:
    for value in ("a\r\nEvil: 1", "a\nb", "a\rb"):
        with pytest.raises(ValueError, match="line break"):
            Request.build("INVITE", "sip:b@x", [("Subject", value)])


# --- properties

TOKENS = st.text("abcXYZ0189-.!%*_+`'~", min_size=1, max_size=12)
VALUES = st.binary(max_size=40).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"").strip(b" \t"))
LINES = st.lists(st.tuples(TOKENS.filter(lambda t: t.lower() not in ("l", "content-length")), VALUES), max_size=12)


@given(TOKENS, LINES, st.binary(max_size=60))
def test_whatever_can_be_read_is_written_back_byte_for_byte(
    method: str, lines: list[tuple[str, bytes]], body: bytes
) -> None:
    data = f"{method} sip:b@x SIP/2.0\r\n".encode()
    data += b"".join(name.encode() + b": " + value + b"\r\n" for name, value in lines) + b"\r\n" + body
    message = parse(data)
    assert bytes(message) == data
    assert [line.partition(": ")[2].encode("utf-8", "surrogateescape") for line in message.lines] == [
        v for _, v in lines
    ]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_sip_error(data: bytes) -> None:
    for start in (b"", b"INVITE sip:b@x SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"):
        try:
            message = parse(start + data)
        except SipError:
            continue
        assert parse(bytes(message)).lines == message.lines
