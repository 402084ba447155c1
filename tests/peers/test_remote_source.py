"""A whole proxy, and a real HTTP source that it asks: one that answers fast, slowly, never, wrongly and not at all."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.sip.message import Request, Response
from tests.plays.proxy_process import INTERNATIONAL, PHONES, SWITCH, ProxyProcess, eventually
from tests.plays.reputation_source import NEVER, ReputationSource, closed_port, reply, reputon
from tests.plays.self_signed import self_signed
from tests.plays.udp_peer import Peer

Start = Callable[..., ProxyProcess]
ALICE, SPAMMER, STRANGER = "+8613800138001", "+23224123456", "+447700900123"


@pytest.fixture
def source() -> Iterator[ReputationSource]:
    with ReputationSource() as running:
        yield running


@pytest.fixture
def switch() -> Iterator[Peer]:
    with Peer(SWITCH) as peer:
        yield peer


@pytest.fixture
def trunk() -> Iterator[Peer]:
    with Peer(INTERNATIONAL) as peer:
        yield peer


class SourceLab:
    """The trunk, the softswitch, and a proxy between them that asks `desk`."""

    def __init__(self, start: Start, trunk: Peer, switch: Peer, url: str, more: dict[str, Any], **desk: Any) -> None:
        desk = {"url": url, "timeout_seconds": 30, **desk}
        self.proxy = start(switch.port, preset="default", reputation={"desk": desk}, **more)
        self.trunk, self.switch = trunk, switch
        trunk.proxy = switch.proxy = (self.proxy.host, self.proxy.port)
        self.calls = 0

    def calls_in(self, caller: str = STRANGER, method: str = "INVITE") -> None:
        self.calls += 1
        self.trunk.asks(method, f"sip:{ALICE}@{self.proxy.host}", sender=caller, call=self.calls)

    def rings(self) -> None:
        """The softswitch gets the call; its phone is busy."""
        self.switch.answers(self.switch.hears("INVITE"), 486)
        self.switch.hears("ACK")
        refused = self.trunk.hears(486)
        self.acknowledges(refused)

    def acknowledges(self, refused: Request | Response) -> None:
        headers = [(name, refused.header(name.lower()) or "") for name in ("Via", "From", "To", "Call-ID")]
        cseq = (refused.header("cseq") or "").replace("INVITE", "ACK")
        ack = Request.build("ACK", f"sip:{ALICE}@{self.proxy.host}", [*headers, ("CSeq", cseq), ("Max-Forwards", "70")])
        self.trunk.socket.sendto(bytes(ack), self.trunk.proxy)

    def step(self, count: int) -> str:
        """The word of the rule on the last of so many calls."""
        record = self.proxy.records(count)[-1]
        return next(": ".join(step[2:]) for step in record["trace"] if step[0] == "reputation.remote")


@pytest.fixture
def lab(running_proxy: Start, trunk: Peer, switch: Peer) -> Callable[..., SourceLab]:
    def start(url: str, more: dict[str, Any] | None = None, **desk: Any) -> SourceLab:
        return SourceLab(running_proxy, trunk, switch, url, more or {}, **desk)

    return start


def test_a_fast_answer_decides(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    source.bad.add(SPAMMER)
    on = lab(source.url, headers={"X-Api-Key": "s3cret"})
    on.calls_in(SPAMMER)
    on.acknowledges(on.trunk.hears(603))
    on.calls_in(STRANGER)
    on.rings()
    assert source.asked == [SPAMMER, STRANGER]
    spam, fine = on.proxy.records(2)
    assert spam["rule"] == "reputation.remote"
    assert spam["detail"].startswith(f"desk rates {SPAMMER} as spam (0.90), after ")
    assert (fine["rule"], fine["final"]) == ("default.allow", 486)
    assert source.connections == 1
    assert "X-Api-Key: s3cret" in source.heads[0]
    assert "GET /v1/%2B23224123456 HTTP/1.1" in source.heads[0]
    on.calls_in(SPAMMER)
    on.acknowledges(on.trunk.hears(603))
    assert len(source.asked) == 2
    assert "s3cret" not in on.proxy.log


def test_a_slow_answer_is_waited_for_behind_a_100(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    on = lab(source.hold().url)
    on.calls_in()
    on.trunk.hears(100)
    on.trunk.sent -= 1
    on.trunk.asks("INVITE", f"sip:{ALICE}@{on.proxy.host}", sender=STRANGER, call=1)  # a retransmission
    on.trunk.hears(100)
    source.release()
    on.rings()
    (record,) = on.proxy.records(1)
    assert record["waited_ms"] > 0
    assert len(source.asked) == 1


def test_a_text_waits_too(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    source.bad.add(SPAMMER)
    on = lab(source.url)
    on.calls_in(SPAMMER, "MESSAGE")
    on.trunk.hears(603)


def test_cancel_is_answered_while_the_source_thinks(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    on = lab(source.hold().url)
    on.calls_in()
    on.trunk.hears(100)
    on.trunk.sent -= 1
    on.trunk.asks("CANCEL", f"sip:{ALICE}@{on.proxy.host}", sender=STRANGER, call=1)
    on.trunk.hears(200)
    on.acknowledges(on.trunk.hears(487))
    source.release()
    on.calls_in(SPAMMER)
    assert f"<sip:{SPAMMER}@" in (on.switch.next_request().header("from") or "")  # and the first call never


@pytest.mark.parametrize(("on_failure", "rings"), [("allow", True), ("block", False)])
def test_a_source_that_never_answers_is_given_up(
    lab: Callable[..., SourceLab], source: ReputationSource, on_failure: str, rings: bool
) -> None:
    source.says = NEVER
    on = lab(source.url, timeout_seconds=0.1, on_failure=on_failure)
    on.calls_in()
    if rings:
        on.rings()
    else:
        on.acknowledges(on.trunk.hears(480))
    assert "desk: no answer within 100 ms" in on.step(1)
    assert f"(on_failure: {on_failure})" in on.step(1)


WRONG = {
    "an error": (reply(b"{}", "500 Oops"), "HTTP 500"),
    "not found": (reply(b"{}", "404 Not Found"), "HTTP 404"),
    "no JSON": (reply(b"<html>"), "no reputons in JSON (RFC 7071): Invalid JSON"),
    "another schema": (reply(b'{"spam": true}'), "no reputons in JSON (RFC 7071): reputons: Field required"),
    "another number": (reputon(SPAMMER, 0.9), "no reputons in JSON (RFC 7071): an answer about another number"),
    "too long": (reply(b" " * 65_537), "an answer of more than 65536 bytes"),
    "too long in pieces": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b" " * 0x8000 + b"\r\n" * 1
        + b"8000\r\n" + b" " * 0x8000 + b"\r\n" + b"8000\r\n" + b" " * 0x8000 + b"\r\n",
        "an answer of more than 65536 bytes",
    ),
    "packed": (reply(b"x", "200 OK", "Content-Encoding: gzip"), "an answer in a content coding that nobody asked for"),
    "half of it": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "half an answer"),
    "nothing": (b"", "it closed the connection"),
    "no HTTP": (b"SIP/2.0 200 OK\r\n\r\n", "no HTTP that can be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_is_none(lab: Callable[..., SourceLab], source: ReputationSource, what: str) -> None:
    source.says, told = WRONG[what]
    source.hangs_up = what in ("half of it", "nothing")
    on = lab(source.url)
    on.calls_in()
    on.rings()
    assert f"desk: {told}" in on.step(1)
    warning = on.proxy.wait_for("reputation_failed")
    assert (warning["source"], warning["level"]) == ("desk", "warning")
    assert warning["detail"].startswith(told)
    assert STRANGER[1:] not in str(warning)


def test_a_source_may_hang_up_after_each_answer(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    source.hangs_up = True
    on = lab(source.url)
    for caller in (STRANGER, "+447700900124", "+447700900125"):
        on.calls_in(caller)
        on.rings()
    assert "desk has nothing against +447700900125" in on.step(3)
    assert not on.proxy.events("reputation_failed")


@pytest.mark.parametrize("said", ["120", "Fri, 31 Dec 2100 23:59:59 GMT"])
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_source_that_says_retry_after_is_not_asked_again_until_then(
    lab: Callable[..., SourceLab], source: ReputationSource, status: str, said: str
) -> None:
    source.says = reply(b"", status, f"Retry-After: {said}")
    on = lab(source.url, breaker_seconds=0.1)
    for count, (caller, told) in enumerate([(STRANGER, f"HTTP {status[:3]}"), (SPAMMER, "is down")], start=1):
        on.calls_in(caller)
        on.rings()
        assert f"desk: {told}" in on.step(count)
    assert source.asked == [STRANGER]
    assert on.proxy.wait_for("reputation_down")["detail"] == f"HTTP {status[:3]}"


@pytest.mark.parametrize(
    "said",
    [
        "soon",
        "-5",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2100 00:00:00 +999999999999999999999999999999",
    ],
)
def test_a_retry_after_that_says_nothing_of_use_is_not_there(
    lab: Callable[..., SourceLab], source: ReputationSource, said: str
) -> None:
    source.says = reply(b"", "503 Service Unavailable", f"Retry-After: {said}")
    on = lab(source.url)
    for caller in (STRANGER, SPAMMER):
        on.calls_in(caller)
        on.rings()
    assert source.asked == [STRANGER, SPAMMER]
    assert "desk: HTTP 503" in on.step(2)


def test_a_redirection_is_not_followed(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    with ReputationSource() as elsewhere:
        there = elsewhere.url.replace("{e164}", "x")
        source.says = reply(b"", "302 Found", f"Location: {there}")
        on = lab(source.url)
        on.calls_in()
        on.rings()
        assert "desk: HTTP 302 (redirections are not followed)" in on.step(1)
        assert elsewhere.connections == 0


def test_a_source_that_is_not_there_fails_at_once_and_is_left_alone(
    lab: Callable[..., SourceLab], source: ReputationSource
) -> None:
    port = closed_port()
    on = lab(f"http://127.0.0.1:{port}/v1/{{e164}}", breaker_failures=2, breaker_seconds=0.1)
    for _ in range(2):
        on.calls_in()
        on.rings()
    assert "desk: connection refused" in on.step(2)
    down = on.proxy.wait_for("reputation_down")
    assert (down["source"], down["detail"]) == ("desk", "connection refused")
    with ReputationSource(port=port) as back:

        def is_back() -> bool:
            on.calls_in()
            on.rings()
            return bool(on.proxy.events("reputation_up"))

        eventually(is_back)
        assert back.asked


def test_an_https_source_is_verified(lab: Callable[..., SourceLab], tmp_path: Path) -> None:
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    (ours, key), (other, _) = (self_signed(tmp_path / name, "127.0.0.1") for name in ("ours", "other"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours, key)
    with ReputationSource(context) as source:
        source.bad.add(SPAMMER)
        on = lab(source.url, cafile=str(ours))
        on.calls_in(SPAMMER)
        on.acknowledges(on.trunk.hears(603))
        on.proxy.change_config(reputation={"desk": {"url": source.url, "cafile": str(other), "timeout_seconds": 30}})
        on.proxy.reload()
        on.calls_in(SPAMMER)
        on.rings()
        assert "desk: its certificate is not trusted (self-signed certificate)" in on.step(2)
        on.proxy.change_config(reputation={"desk": {"url": source.url, "timeout_seconds": 30}})
        on.proxy.reload()
        on.calls_in(SPAMMER)
        on.rings()
        assert "desk: its certificate is not trusted" in on.step(3)
        assert source.asked == [SPAMMER]


def test_a_source_that_a_reload_brings_is_asked_and_one_that_it_takes_is_not(
    lab: Callable[..., SourceLab], source: ReputationSource
) -> None:
    on = lab(f"http://127.0.0.1:{closed_port()}/{{e164}}", callers="all")
    on.proxy.change_config(reputation={})
    on.proxy.reload()
    on.calls_in()
    on.rings()
    assert not any(step[0] == "reputation.remote" for step in on.proxy.records(1)[0]["trace"])
    on.proxy.change_config(reputation={"desk": {"url": source.url}})
    on.proxy.reload()
    on.calls_in()
    on.rings()
    assert source.asked == [STRANGER]


def test_a_drain_loses_no_call_that_waits(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    on = lab(source.hold().url, {"limits": {"drain_seconds": 20}})
    on.calls_in()
    on.trunk.hears(100)
    on.proxy.process.send_signal(signal.SIGTERM)
    assert on.proxy.wait_for("draining")["pending"] == 1
    source.release()
    on.rings()
    assert on.proxy.wait_for("stopped")["drained"] is True
    assert on.proxy.records(1)[0]["final"] == 486


def test_a_drain_that_ends_before_the_answer_says_so(lab: Callable[..., SourceLab], source: ReputationSource) -> None:
    on = lab(source.hold().url, {"limits": {"drain_seconds": 0.1}})
    on.calls_in()
    on.trunk.hears(100)
    on.proxy.process.send_signal(signal.SIGTERM)
    on.trunk.hears(503)
    assert on.proxy.wait_for("stopped")["drained"] is False


def test_a_thousand_calls_wait_in_no_thread_and_in_no_others_way(
    lab: Callable[..., SourceLab], source: ReputationSource
) -> None:
    on = lab(source.hold().url)
    on.calls_in()
    on.trunk.hears(100)
    threads = _threads(on.proxy)
    with _many_calls(on.proxy, 999) as trunk:
        heard = b""
        while heard.count(b"SIP/2.0 100 ") < 999:  # each of them is told that it waits
            heard += trunk.recv(65536)
        with Peer(PHONES) as phone:
            phone.proxy = on.trunk.proxy
            phone.asks("INVITE", f"sip:{ALICE}@{on.proxy.host}", sender="+8613800138002")
            on.switch.answers(on.switch.next_request(), 486)  # the only one that reached it
            phone.hears(486)
        assert on.proxy.records(1)[0]["trunk"] == "phones"
        assert _threads(on.proxy) == threads
        source.release()
        arrived: set[str] = set()
        while len(arrived) < 1000:
            message = on.switch.next_request()
            if message.method == "INVITE":
                arrived.add(message.call_id)
                on.switch.answers(message, 486)
    assert source.connections <= 50
    assert _threads(on.proxy) == threads


def _many_calls(proxy: ProxyProcess, count: int) -> socket.socket:
    """A trunk's connection over which so many calls came in, of a caller each."""
    trunk = socket.create_connection((proxy.host, proxy.port), source_address=(INTERNATIONAL, 0))
    trunk.settimeout(30)
    host, port = trunk.getsockname()
    for n in range(count):
        headers = [
            ("Via", f"SIP/2.0/TCP {host}:{port};branch=z9hG4bKmany{n}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:+6591{n:06}@carrier.example>;tag=from"),
            ("To", f"<sip:{ALICE}@{proxy.host}>"),
            ("Call-ID", f"many-{n}"),
            ("CSeq", "1 INVITE"),
        ]
        trunk.sendall(bytes(Request.build("INVITE", f"sip:{ALICE}@{proxy.host}", headers)))
    return trunk


def _threads(proxy: ProxyProcess) -> int:
    return len(list(Path(f"/proc/{proxy.process.pid}/task").iterdir()))
