"""The proxy as a process: taken ports, garbage on its sockets, every torture message, peers that vanish."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.loopback import free_port
from tests.plays import ROOT, forked
from tests.plays.fork_server import ForkServer
from tests.plays.proxy_process import (
    INTERNATIONAL,
    PHONES,
    PROXY_HOST,
    STRANGER,
    SWITCH,
    ProxyProcess,
    eventually,
)
from tests.plays.self_signed import self_signed

Start = Callable[..., ProxyProcess]
MESSAGES = sorted((ROOT / "tests" / "torture" / "messages").rglob("*.dat"))


def options(proxy: ProxyProcess, host: str, port: int, branch: str, transport: str = "UDP") -> bytes:
    return (
        f"OPTIONS sip:{proxy.address} SIP/2.0\r\nVia: SIP/2.0/{transport} {host}:{port};branch=z9hG4bK{branch}\r\n"
        f"From: <sip:probe@{host}>;tag=1\r\nTo: <sip:{proxy.address}>\r\nCall-ID: {branch}@{host}\r\n"
        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def answers(proxy: ProxyProcess, host: str = INTERNATIONAL, transport: str = "UDP") -> bool:
    """True if the proxy answers an OPTIONS of its own with 200, over a socket made for it."""
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        probe.settimeout(10)
        probe.connect((proxy.host, proxy.port))
        probe.send(options(proxy, host, probe.getsockname()[1], random.randbytes(6).hex(), transport))
        return probe.recv(65535).startswith(b"SIP/2.0 200 ")


def test_a_taken_port_ends_with_3_and_names_who_holds_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.31", 0))
        port = holder.getsockname()[1]
        config = tmp_path / "proxy.yaml"
        config.write_text(f"listen: [udp:127.0.0.31:{port}]\nsoftswitch: udp:127.0.4.31:5060\n")
        ended = forked.run([sys.executable, "-m", "proxy", str(config)], cwd=ROOT)
    assert ended.returncode == 3
    assert f"udp:127.0.0.31:{port} is in use" in ended.stderr
    assert f"pid {os.getpid()} " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broken_config_ends_with_2_and_says_where(tmp_path: Path) -> None:
    config = tmp_path / "proxy.yaml"
    config.write_text("listen: [udp:127.0.0.31:5060]\nsoftswitch: 127.0.4.31\nhme: CN\n")
    ended = forked.run([sys.executable, "-m", "proxy", str(config)], cwd=ROOT)
    assert ended.returncode == 2
    places = {line.split(": ")[0] for line in ended.stderr.splitlines()}
    assert places == {f"{config}:2:13", f"{config}:3:1"}


@pytest.mark.parametrize("host", [INTERNATIONAL, PHONES, SWITCH])
def test_every_torture_message_leaves_it_alive(running_proxy: Start, host: str) -> None:
    """From a trunk, from a phone, and from the softswitch itself."""
    switch_port = free_port(SWITCH)
    proxy = running_proxy(switch_port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((host, switch_port if host == SWITCH else 0))
        for path in MESSAGES:
            sender.sendto(path.read_bytes(), (proxy.host, proxy.port))
    for path in MESSAGES:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind((host, 0))
            stream.connect((proxy.host, proxy.port))
            with contextlib.suppress(ConnectionError):  # it may hang up on what has no end
                stream.sendall(path.read_bytes())
    assert answers(proxy)
    assert answers(proxy, transport="TCP")


def test_a_burst_of_garbage_leaves_it_alive(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH))
    chance = random.Random(4475)
    whole = options(proxy, INTERNATIONAL, 5060, "garbage")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((INTERNATIONAL, 0))
        for number in range(3000):
            cut = whole[: chance.randrange(len(whole))]
            data = (chance.randbytes(chance.randrange(1400)), cut, cut + chance.randbytes(40), b"")[number % 4]
            sender.sendto(data, (proxy.host, proxy.port))
        sender.sendto(b"\r\n" * 30_000, (proxy.host, proxy.port))
        sender.sendto(whole[:-4] + b"\r\nX: " + b"y" * 60_000 + b"\r\n\r\n", (proxy.host, proxy.port))
    assert answers(proxy)
    assert proxy.process.poll() is None


def test_streams_of_garbage_are_dropped_and_bounded(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH), limits={"message_bytes": 8192, "connections": 20})
    for endless in (b"\x00" * 1000, b"INVITE sip:x SIP/2.0\r\n", b"X: y\r\n", b"\xff\xfe"):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind((INTERNATIONAL, 0))
            stream.settimeout(10)
            stream.connect((proxy.host, proxy.port))
            with pytest.raises(ConnectionError):
                pour(stream, endless)
    assert answers(proxy, transport="TCP")


def pour(stream: socket.socket, data: bytes) -> None:
    """Send far more than may be buffered: somebody has to hang up."""
    for _ in range(100_000):
        stream.sendall(data * 10)


def test_connections_are_counted_and_the_last_one_over_is_turned_away(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH), limits={"connections": 20})
    with contextlib.ExitStack() as opened:
        # One address may have a quarter of them only.
        streams = [
            opened.enter_context(socket.create_connection((proxy.host, proxy.port), 10, (f"127.0.3.{40 + n // 5}", 0)))
            for n in range(40)
        ]
        eventually(lambda: sum(map(hung_up, streams)) == 20)
        assert answers(proxy)
        assert sum(map(hung_up, streams)) == 20
    eventually(lambda: lets_in(proxy))  # those who left made room, once the proxy has heard of it


def lets_in(proxy: ProxyProcess) -> bool:
    """True if the proxy takes one more connection."""
    try:
        return answers(proxy, transport="TCP")
    except ConnectionError:
        return False


def test_strangers_cannot_keep_phones_out(running_proxy: Start, tmp_path: Path) -> None:
    """Neither with connections nor with TLS handshakes that they never finish."""
    certificate, key = self_signed(tmp_path, PROXY_HOST)
    pem = {"certificate": str(certificate), "private_key": str(key)}
    proxy = running_proxy(free_port(SWITCH), limits={"connections": 32}, tls=pem)
    with contextlib.ExitStack() as opened:
        streams = [
            opened.enter_context(socket.create_connection((proxy.host, port), 10, (STRANGER, 0)))
            for port in (proxy.port, proxy.tls_port) * 30
        ]
        eventually(lambda: sum(map(hung_up, streams)) == 58)
        assert answers(proxy, PHONES, transport="TCP")
        told = proxy.wait_for("too_many_connections")
    assert told["peer"].startswith((f"tcp:{STRANGER}:", f"tls:{STRANGER}:"))
    assert told["count"] > 0


def test_operators_hear_of_a_switch_that_is_not_there(running_proxy: Start) -> None:
    switch_port = free_port(SWITCH)
    proxy = running_proxy(switch_port, transport="tcp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((INTERNATIONAL, 0))
        message = options(proxy, INTERNATIONAL, caller.getsockname()[1], "void")
        message = message.replace(b"OPTIONS sip:", b"MESSAGE sip:+8613800138001@").replace(b"1 OPTIONS", b"1 MESSAGE")
        caller.sendto(message, (proxy.host, proxy.port))
        told = proxy.wait_for("softswitch_unreachable")
    assert (told["count"], told["peer"]) == (1, f"tcp:{SWITCH}:{switch_port}")


def hung_up(stream: socket.socket) -> bool:
    """True if the other side has closed or reset the connection."""
    stream.setblocking(False)
    try:
        return stream.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_message_in_many_segments_and_many_in_one_are_all_answered(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH))
    with socket.create_connection((proxy.host, proxy.port), 10, (INTERNATIONAL, 0)) as stream:
        port = stream.getsockname()[1]
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in options(proxy, INTERNATIONAL, port, "slow", "TCP"):
            stream.send(bytes((byte,)))
        stream.sendall(b"".join(options(proxy, INTERNATIONAL, port, f"fast{n}", "TCP") for n in range(10)))
        seen = b""
        while seen.count(b"SIP/2.0 200 ") < 11:
            received = stream.recv(65535)
            assert received
            seen += received
        stream.sendall(b"\r\n\r\n")  # keep-alive (RFC 5626 3.5.1)
        assert stream.recv(10).endswith(b"\r\n")


def test_tls_carries_the_same(running_proxy: Start, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, PROXY_HOST)
    proxy = running_proxy(free_port(SWITCH), tls={"certificate": str(certificate), "private_key": str(key)})
    context = ssl.create_default_context(cafile=certificate)
    with (
        socket.create_connection((proxy.host, proxy.tls_port), 10, (INTERNATIONAL, 0)) as plain,
        context.wrap_socket(plain, server_hostname=proxy.host) as stream,
    ):
        stream.sendall(options(proxy, INTERNATIONAL, stream.getsockname()[1], "tls", "TLS"))
        assert stream.recv(65535).startswith(b"SIP/2.0 200 ")
    with socket.create_connection((proxy.host, proxy.tls_port), 10, (INTERNATIONAL, 0)) as plain:
        plain.sendall(options(proxy, INTERNATIONAL, 5061, "not-tls", "TLS"))  # no handshake
    assert answers(proxy)


def test_a_switch_that_is_not_there_does_not_stop_it(running_proxy: Start) -> None:
    """ICMP errors for one peer must not swallow messages of another."""
    proxy = running_proxy(free_port(SWITCH))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((INTERNATIONAL, 0))
        for number in range(50):
            invite = options(proxy, INTERNATIONAL, caller.getsockname()[1], f"void{number}")
            invite = invite.replace(b"OPTIONS sip:", b"MESSAGE sip:+8613800138001@").replace(b"1 OPTIONS", b"1 MESSAGE")
            caller.sendto(invite, (proxy.host, proxy.port))
            assert answers(proxy)


@pytest.mark.parametrize("reader", ["reads nothing", "went away"])
def test_calls_are_answered_though_nobody_reads_the_log(tmp_path: Path, forks: ForkServer | None, reader: str) -> None:
    reading, writing = os.pipe()
    proxy = ProxyProcess(tmp_path, free_port(SWITCH), stderr=writing, forks=forks, call_log=None)
    os.close(writing)
    if reader == "went away":
        os.close(reading)
    try:
        eventually(lambda: is_up(proxy))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.bind((INTERNATIONAL, 0))
            caller.connect((proxy.host, proxy.port))
            caller.settimeout(10)
            for number in range(500):  # each leaves a record: several times what a pipe holds
                message = options(proxy, INTERNATIONAL, caller.getsockname()[1], f"unread{number}")
                message = message.replace(b"OPTIONS sip:", b"MESSAGE sip:+8613800138001@")
                message = message.replace(b"1 OPTIONS", b"1 MESSAGE").replace(b"sip:probe@", b"sip:+8613800138009@")
                caller.send(message)
                assert b";branch=z9hG4bKunread%d" % number in (answer := caller.recv(65535))
                assert answer.startswith(b"SIP/2.0 6")  # a home number from abroad
        assert proxy.stop() == 0
    finally:
        proxy.process.kill()
        proxy.process.wait()
        if reader == "reads nothing":
            os.close(reading)


def is_up(proxy: ProxyProcess) -> bool:
    """True if an OPTIONS is answered; until the proxy listens, that comes back as refused or is lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((INTERNATIONAL, 0))
        probe.connect((proxy.host, proxy.port))
        probe.settimeout(0.5)
        try:
            probe.send(options(proxy, INTERNATIONAL, probe.getsockname()[1], random.randbytes(6).hex()))
            return probe.recv(65535).startswith(b"SIP/2.0 200 ")
        except (ConnectionRefusedError, TimeoutError):
            return False


def test_why_a_request_was_refused_is_logged_once_the_operator_asks(running_proxy: Start) -> None:
    proxy = running_proxy(free_port(SWITCH))
    assert not answers(proxy, STRANGER)
    proxy.write_config(json.loads(proxy.config.read_text()) | {"log_level": "debug"})
    proxy.reload()
    assert not answers(proxy, STRANGER)
    refused = proxy.wait_for("refused")
    told = {key: refused[key] for key in ("level", "status", "method", "reason", "trunk")}
    assert told == {
        "level": "debug",
        "status": 403,
        "method": "OPTIONS",
        "reason": "no trunk has this source",
        "trunk": None,
    }
    assert len(proxy.events("refused")) == 1  # and none before
