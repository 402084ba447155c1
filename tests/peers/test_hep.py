"""HEPv3 of a running proxy and of a run's folder, read by sngrep and by a collector of our own."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from proxy.observability.hep import LOG, SIP, Node, Packets
from simulator.cli.commands import main
from simulator.results.messages import MESSAGES, read_messages
from simulator.results.run_reader import lines_of
from tests.plays.hep_collector import HOST, Collector, collecting
from tests.plays.hep_kamailio import KamailioCollector
from tests.plays.hep_sngrep import Sngrep
from tests.plays.proxy_process import INTERNATIONAL, SWITCH, ProxyProcess, eventually
from tests.plays.udp_peer import Peer

pytestmark = pytest.mark.peers

Start = Callable[..., ProxyProcess]
ALICE = "+8613800138001"
SCENARIO = """\
scenario: told-to-a-collector
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - {call: daughter, trunk: international, from: "+6591234567", to: alice, truth: legit}
  - {call: scam, trunk: international, from: "+23224141026", to: alice, truth: scam}
"""
INVITE = (
    "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    "Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
)


@contextmanager
def sngrep(folder: Path, *options: str, settings: str = "") -> Iterator[Sngrep]:
    found = Sngrep(folder, *options, settings=settings)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run with all its messages."""
    monkeypatch.chdir(tmp_path)
    Path("told.yaml").write_text(SCENARIO)
    assert main(["run", "told.yaml", "--messages", "all"]) == 0
    return tmp_path / "runs" / "latest"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def test_sngrep_lists_calls_over_udp_and_tcp_with_addresses_of_both_families(tmp_path: Path) -> None:
    packets = Packets(Node())
    ends = [("udp", "127.0.0.7", "127.0.0.1"), ("tcp", "127.0.1.7", "127.0.0.1"), ("tls", "fd00::8", "fd00::1")]
    with sngrep(tmp_path) as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect((HOST, peer.port))
        for number, (transport, source, target) in enumerate(ends):
            invite = INVITE.format(call_id=f"call-{number}").encode()
            addresses = (source, 5070 + number), (target, 5060)
            out.send(packets.packet(SIP, 1_764_000_000.0, transport, *addresses, invite, "near"))
        out.send(packets.packet(LOG, 1_764_000_000.0, "udp", *addresses, b'{"event":"call"}', "near"))
        assert peer.shows("127.0.0.7:5070 127.0.0.1:5060", "127.0.1.7:5071 127.0.0.1:5060")
        assert peer.shows("[fd00::8]:5072 [fd00::1]:5060")


def test_sngrep_that_asks_for_a_key_takes_packets_with_it_only(tmp_path: Path) -> None:
    settings = "set eep.listen.pass s3cret\n"
    with sngrep(tmp_path, settings=settings) as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect((HOST, peer.port))
        for port, key in ((5071, "wr0ngs"), (5072, "s3cret")):
            invite = INVITE.format(call_id=key).encode()
            packet = Packets(Node(key=key)).packet(SIP, 1.0, "udp", (HOST, port), (HOST, 5060), invite, "near")
            out.send(packet)
        assert peer.shows(f"{HOST}:5072 {HOST}:5060")
        assert f"{HOST}:5071" not in peer.shown


def test_sngrep_hears_every_dialog_of_a_run_afterwards(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = [message for message in read_messages(run / MESSAGES) if message.proxied]
    with sngrep(tmp_path, "-N") as peer:
        capsys.readouterr()
        assert main(["report", "runs/latest", "--hep", peer.address]) == 0
        records = len(list(lines_of(run / "proxy-calls.jsonl")))
        assert capsys.readouterr().out == f"{peer.address}: {len(sent)} messages and {records} records sent\n"
        assert peer.shows(f"Dialog count: {len({message.call_id for message in sent})}")


def test_kamailio_takes_messages_for_sip_and_records_for_log_entries_of_their_calls(run: Path, tmp_path: Path) -> None:
    sent = [message for message in read_messages(run / MESSAGES) if message.proxied]
    records = list(lines_of(run / "proxy-calls.jsonl"))
    packets = Packets(Node())
    collector = KamailioCollector(tmp_path)
    try:
        assert main(["report", "runs/latest", "--hep", f"udp:{HOST}:{collector.port}", "--hep-rate", "200"]) == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            last = packets.packet(
                SIP, 1.0, "tcp", ("fd00::8", 5070), ("fd00::1", 5060), INVITE.format(call_id="last").encode(), "last"
            )
            out.sendto(last, (HOST, collector.port))
        eventually(lambda: "INVITE last tcp fd00::8:5070" in collector.heard)
    finally:
        entries = collector.close()
    assert [line.split()[1:] for line in collector.heard[:-1]] == [
        [str(message.call_id), message.transport, f"{message.sender[0]}:{message.sender[1]}"] for message in sent
    ]
    found = [(entry.correlation, json.loads(entry.text)) for entry in reversed(entries)]
    assert found == [(record["call_id"], record) for record in records]


def test_a_running_proxy_tells_of_messages_legs_and_verdicts(
    running_proxy: Start, tmp_path: Path, collector: Collector
) -> None:
    people = f'subscribers: [{{number: "{ALICE}", user: alice, barring: {{incoming_international: on}}}}]\n'
    (tmp_path / "people.yaml").write_text(people)
    address = f"udp:{collector.address[0]}:{collector.address[1]}"
    with Peer(SWITCH) as switch, Peer(INTERNATIONAL) as caller:
        proxy = running_proxy(
            switch.port,
            subscribers=str(tmp_path / "people.yaml"),
            softswitch_probe={"enabled": False},
            message_log={"file": "messages.jsonl"},
            hep={"address": address, "node": 7, "name": "edge"},
        )
        switch.proxy = caller.proxy = proxy.host, proxy.port
        caller.asks("INVITE", f"sip:{ALICE}@switch.example", sender="+442079460123")
        caller.hears(603)
        refused = collector.packets(3)
    own = (proxy.host, proxy.port)
    there = (caller.host, caller.port)
    assert sorted(packet.number("type") for packet in refused) == [SIP, SIP, LOG]
    record = next(packet for packet in refused if packet.number("type") == LOG)
    asked, answered = (packet for packet in refused if packet.number("type") == SIP)
    assert (asked.ends, answered.ends, record.ends) == ((there, own), (own, there), (own, own))
    assert {packet.text("correlation") for packet in refused} == {f"0-{caller.port}@{caller.host}"}
    assert {(packet.number("node"), packet.text("name")) for packet in refused} == {(7, "edge")}
    logged = eventually(lambda: len(lines := (proxy.folder / "messages.jsonl").read_text().splitlines()) == 2 and lines)
    assert logged
    assert [json.loads(line)["message"] for line in logged] == [asked.text("payload"), answered.text("payload")]
    told = json.loads(record.raw("payload"))
    assert (told["rule"], told["final"]) == ("barring.incoming_international", 603)
    arrived = datetime.fromisoformat(told["timestamp"]).timestamp()
    assert record.time == pytest.approx(arrived + told["elapsed_us"] / 1e6, abs=2e-6)


def test_the_softswitchs_leg_of_a_call_has_the_id_of_that_call(running_proxy: Start, collector: Collector) -> None:
    address = f"udp:{collector.address[0]}:{collector.address[1]}"
    with Peer(SWITCH) as switch, Peer(INTERNATIONAL) as caller:
        proxy = running_proxy(switch.port, softswitch_probe={"enabled": False}, hep={"address": address})
        switch.proxy = caller.proxy = proxy.host, proxy.port
        caller.asks("INVITE", f"sip:{ALICE}@switch.example", sender="+442079460123")
        near = switch.hears("INVITE")
        switch.asks(
            "INVITE", f"sip:{ALICE}@{proxy.address}", ("X-Ringfence-Call", near.call_id), sender="+442079460123"
        )
        refused = switch.hears(403)
        assert refused.call_id != near.call_id
        packets = collector.packets(4)
    assert {packet.text("correlation") for packet in packets} == {near.call_id}
    assert {packet.ends[0] for packet in packets} >= {(switch.host, switch.port), (caller.host, caller.port)}
