"""A proxy whose disk is full goes on with its calls, says at once that records are lost, and how many in the end; a
run ends, and tells what was played."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from simulator.loopback import free_port
from tests.plays import forked
from tests.plays.proxy_process import INTERNATIONAL, SWITCH, ProxyProcess
from tests.plays.small_disk import SmallDisk, small_disk

Start = Callable[..., ProxyProcess]
INVITE = (
    "INVITE sip:+8613800138001@{proxy} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number}\r\n"
    "From: <sip:+23224000001@{host}>;tag=1\r\nTo: <sip:+8613800138001@{proxy}>\r\nCall-ID: {number}@{host}\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:{host}:{port}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def refused_calls(proxy: ProxyProcess, numbers: range) -> None:
    """Calls to a subscriber who takes none from abroad, one after the other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((INTERNATIONAL, 0))
        caller.settimeout(10)
        host, port = caller.getsockname()
        for number in numbers:
            invite = INVITE.format(proxy=proxy.address, host=host, port=port, number=number).encode()
            caller.sendto(invite, (proxy.host, proxy.port))
            while f"\r\nCall-ID: {number}@" not in (answer := caller.recv(65535).decode()):
                pass
            assert answer.startswith("SIP/2.0 603 ")


def test_records_that_a_full_disk_costs_are_told_of_at_once_and_counted(
    running_proxy: Start, disk: SmallDisk, tmp_path: Path
) -> None:
    people = tmp_path / "subscribers.yaml"
    people.write_text('subscribers: [{number: "+8613800138001", barring: {incoming_international: on}}]\n')
    calls = disk.folder / "calls.jsonl"
    proxy = running_proxy(free_port(SWITCH), subscribers=str(people), call_log=str(calls))
    disk.limit(proxy.process.pid)
    refused_calls(proxy, range(200))
    told = proxy.wait_for("lines_lost")
    assert told["level"] == "error"
    assert told["file"] == str(calls)
    assert all(json.loads(line) for line in calls.read_text().splitlines())
    disk.make_room()
    refused_calls(proxy, range(200, 205))
    proxy.wait_for("lines_written_again")
    assert proxy.stop() == 0
    kept = [int(json.loads(line)["call_id"].split("@")[0]) for line in calls.read_text().splitlines()]
    assert kept == sorted(set(kept))
    assert kept[-5:] == list(range(200, 205))
    stopped = proxy.wait_for("stopped")
    assert stopped["lost"] == stopped["counters"]["records_lost"] == 205 - len(kept) > 0


SCENARIO = """\
scenario: much
home: CN
preset: cn
subscribers: {alice: {number: "+8613800138001", barring: {incoming_international: on}}}
calls:
  - {campaign: cold, trunk: international, from: {prefix: "+23224", pool: 40}, to: [alice], count: 2000, rate: 50/s,
     ring: 0.1s, truth: scam}
"""


def test_a_run_that_fills_the_disk_tells_what_was_played_until_then(disk: SmallDisk) -> None:
    (disk.folder / "much.yaml").write_text(SCENARIO)
    command = [sys.executable, "-P", "-m", "simulator", "run", "much.yaml"]
    run = forked.start(command, cwd=disk.folder, stdout=PIPE, stderr=STDOUT)
    disk.limit(run.pid)
    out, _ = run.communicate()
    assert run.returncode == 3, out
    assert "the run ended there, and its folder is not complete" in out
    assert "INVALID" in out
    assert "not played to the end: " in out
