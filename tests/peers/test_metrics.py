"""Metrics and health of a running proxy, scraped over HTTP."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from simulator.loopback import free_port
from tests.plays import forked
from tests.plays.proxy_process import (
    DOMESTIC,
    INTERNATIONAL,
    PHONES,
    PROXY_HOST,
    STRANGER,
    SWITCH,
    ProxyProcess,
    eventually,
)
from tests.plays.udp_peer import Peer

Start = Callable[..., ProxyProcess]
Sample = tuple[str, frozenset[tuple[str, str]]]
ALICE, DAUGHTER = "+8613800138001", "+6591234567"
BARRED = f"""\
subscribers:
  - {{number: "{ALICE}", user: alice, barring: {{incoming_international: on}}, allow: ["{DAUGHTER}"]}}
"""
LIST = "number,category,confidence,source,expires\n+23224*,wangiri,0.9,reports,2099-06-30\n"


class Scraped:
    """A proxy with metrics at `port`, a softswitch and callers around it."""

    def __init__(self, start: Start, folder: Path, switch: Peer) -> None:
        self.folder, self.switch = folder, switch
        (folder / "people.yaml").write_text(BARRED)
        (folder / "list.csv").write_text(LIST)
        self.port = free_port(PROXY_HOST)
        self.proxy = start(
            switch.port,
            subscribers=str(folder / "people.yaml"),
            scam_lists=[str(folder / "list.csv")],
            rules={"spoofed.home_number": "shadow"},
            metrics=f"{PROXY_HOST}:{self.port}",
        )
        switch.proxy = self.proxy.host, self.proxy.port

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection(PROXY_HOST, self.port, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def samples(self) -> dict[Sample, float]:
        """All samples, by name and labels."""
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples().get((f"ringfence_{name}", frozenset(labels.items())), 0.0)

    def calls(self, caller: Peer, number: str, to: str = ALICE) -> None:
        caller.proxy = self.proxy.host, self.proxy.port
        caller.asks("INVITE", f"sip:{to}@switch.example", sender=number, call=caller.sent)


@pytest.fixture
def lab(running_proxy: Start, tmp_path: Path) -> Iterator[Scraped]:
    with Peer(SWITCH) as switch:
        yield Scraped(running_proxy, tmp_path, switch)


def test_calls_are_counted_by_verdict_rule_mode_and_trunk(lab: Scraped) -> None:
    with Peer(INTERNATIONAL) as abroad, Peer(DOMESTIC) as trunk:
        lab.calls(abroad, "+442079460123")
        abroad.hears(603)
        lab.calls(abroad, DAUGHTER)
        invite = lab.switch.hears("INVITE")
        lab.switch.answers(invite, 180)
        abroad.hears(180)
        lab.switch.answers(invite, 200)
        abroad.hears(200)
        lab.calls(trunk, "+8613900139003", "+8613800138009")
        lab.switch.answers(lab.switch.hears("INVITE"), 486)
        trunk.hears(486)
        lab.calls(abroad, "+861062345678", "+8613800138009")
        lab.switch.answers(lab.switch.hears("INVITE"), 404)
        abroad.hears(404)
    samples = lab.samples()
    verdicts = {
        tuple(labels[name] for name in ("trunk", "action", "rule", "mode")): value
        for (name, pairs), value in samples.items()
        if name == "ringfence_verdicts_total" and (labels := dict(pairs))
    }
    assert verdicts == {
        ("international", "reject", "barring.incoming_international", "enforce"): 1,
        ("international", "label", "subscriber.allow", "enforce"): 1,
        ("domestic", "allow", "default.allow", "enforce"): 1,
        ("international", "label", "default.allow", "enforce"): 1,
        ("international", "reject", "spoofed.home_number", "shadow"): 1,
    }
    finals = {
        dict(pairs)["status"]: value for (name, pairs), value in samples.items() if name == "ringfence_finals_total"
    }
    assert finals == {"603": 1, "200": 1, "486": 1, "404": 1}
    assert samples["ringfence_calls", frozenset()] == 1
    assert samples["ringfence_decision_seconds_count", frozenset()] == 4
    assert samples["ringfence_transit_seconds_count", frozenset()] >= 8
    assert samples["ringfence_transit_seconds_sum", frozenset()] > 0
    assert samples["ringfence_transactions", frozenset()] > 0


def test_what_goes_no_further_and_who_it_was_that_knocked(lab: Scraped) -> None:
    with Peer(STRANGER) as stranger, Peer(INTERNATIONAL) as abroad:
        lab.calls(stranger, DAUGHTER)
        stranger.hears(403)
        abroad.socket.sendto(b"INVITE x SIP/2.0\r\n\r\n", (lab.proxy.host, lab.proxy.port))
        eventually(lambda: lab.value("drops_total", reason="malformed") == 1)
    assert lab.value("drops_total", reason="unknown_source") == 1
    assert lab.value("peer_faults_total", fault="unknown_source") == 1
    with socket.create_connection((lab.proxy.host, lab.proxy.port)):
        eventually(lambda: lab.value("connections") == 1)
    eventually(lambda: lab.value("connections") == 0)


def test_lists_and_reloads(lab: Scraped) -> None:
    where = {"file": "../list.csv", "kind": "scam_list"}
    assert lab.value("entries", **where) == 1
    assert lab.value("modified_timestamp_seconds", **where) == pytest.approx((lab.folder / "list.csv").stat().st_mtime)
    assert lab.value("entries", file="../people.yaml", kind="subscribers") == 1
    (lab.folder / "list.csv").write_text(LIST + "+23225*,wangiri,0.9,reports,2099-06-30\n")
    lab.proxy.reload()
    assert (lab.value("entries", **where), lab.value("reloads_total", result="done")) == (2, 1)
    written = lab.value("modified_timestamp_seconds", **where)
    (lab.folder / "list.csv").write_text("number,category,confidence,source,expires\n")
    lab.proxy.reload()
    assert (lab.value("entries", **where), lab.value("kept", **where)) == (2, 1)
    assert lab.value("modified_timestamp_seconds", **where) == written
    (lab.folder / "list.csv").write_text("nonsense\n")
    lab.proxy.process.send_signal(1)
    eventually(lambda: lab.value("reloads_total", result="failed") == 1)


def test_who_asks_for_health_hears_of_a_softswitch_that_is_down_and_of_the_end(
    lab: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab.get("/healthz") == (200, "alive\n")
    assert lab.get("/readyz") == (200, "ready\n")
    assert lab.get("/readyz", "HEAD") == (200, "")
    lab.switch.socket.close()
    with Peer(INTERNATIONAL) as abroad:
        lab.calls(abroad, DAUGHTER)
        abroad.hears(503)
    assert lab.get("/readyz") == (503, "the softswitch is down\n")
    assert lab.get("/healthz") == (200, "alive\n")
    assert (lab.value("softswitch_up"), lab.value("softswitch_changes_total", to="down")) == (0, 1)


def test_a_proxy_that_ends_is_not_ready(running_proxy: Start, tmp_path: Path) -> None:
    with Peer(SWITCH) as switch, Peer(DOMESTIC) as trunk:
        lab = Scraped(running_proxy, tmp_path, switch)
        lab.proxy.change_config(limits={"drain_seconds": 10})
        lab.proxy.restart()
        lab.calls(trunk, DAUGHTER, "+8613800138009")
        ringing = switch.hears("INVITE")
        lab.proxy.process.send_signal(15)
        lab.proxy.wait_for("draining")
        assert lab.get("/readyz") == (503, "draining\n")
        assert lab.value("worker_state", state="draining") == 1
        switch.answers(ringing, 486)
        trunk.hears(486)
        assert lab.proxy.process.wait(15) == 0


def test_no_label_holds_what_a_peer_can_choose(lab: Scraped) -> None:
    def labels() -> set[Sample]:
        return {where for where in lab.samples() if where[0].startswith("ringfence_")}

    with Peer(INTERNATIONAL) as abroad, Peer(PHONES) as phone:
        for status in (599, 499):
            lab.calls(abroad, DAUGHTER)
            lab.switch.answers(lab.switch.hears("INVITE"), status)
            abroad.hears(status)
        before = labels()
        for number in range(50):
            lab.calls(abroad, f"+44207946{number:04}", f"+86138001390{number:02}")
            lab.switch.answers(lab.switch.hears("INVITE"), 450 + number)
            abroad.hears(450 + number)
            phone.proxy = lab.proxy.host, lab.proxy.port
            phone.asks(f"X{number}", ALICE, sender=f"user{number}")
            phone.asks("MESSAGE", f"sip:{ALICE}@switch.example", sender=f"user{number}", call=number)
    after = labels()
    assert len(after) - len(before) <= 12, after - before
    values = " ".join({value for _, pairs in after for name, value in pairs if name != "le"})
    for told in ("+", "user", "X4", "alice", "switch.example", "127.0.", str(lab.folder)):
        assert told not in values, values


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /else HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\nmore", b"200"),
    ],
)
def test_requests_of_all_sorts_are_answered_and_the_connection_closed(lab: Scraped, sent: bytes, status: bytes) -> None:
    with socket.create_connection((PROXY_HOST, lab.port), timeout=10) as connection:
        connection.sendall(sent)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_who_says_too_much_or_nothing_holds_nothing_up(lab: Scraped) -> None:
    silent = [socket.create_connection((PROXY_HOST, lab.port), timeout=10) for _ in range(20)]
    with socket.create_connection((PROXY_HOST, lab.port), timeout=10) as chatty, suppress(ConnectionError):
        for _ in range(1000):
            chatty.sendall(b"x" * 1000)
        assert chatty.recv(1) == b""
    assert lab.get("/healthz")[0] == 200
    for each in silent:
        each.close()


def test_an_address_that_is_taken_ends_the_command_with_3(lab: Scraped) -> None:
    lab.proxy.change_config(listen=[f"udp:{PROXY_HOST}:{free_port(PROXY_HOST)}"])
    ended = forked.run([sys.executable, "-m", "proxy", str(lab.proxy.config)])
    assert ended.returncode == 3
    assert f"tcp:{PROXY_HOST}:{lab.port}" in ended.stderr
