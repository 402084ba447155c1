"""Softswitches that serve by themselves: the embedded one, and what Asterisk reads and is told, without Asterisk."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from simulator.__main__ import main
from simulator.agents.orders import Order
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones
from simulator.loopback import free_port
from tests.plays import forked

CONFIG = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5090
home: CN
authentication: {realm: lab.example}
subscribers: subscribers.yaml
"""
SUBSCRIBERS = """\
subscribers:
  - {number: "+8613800138001", user: alice, password: s3cret}
  - {number: "+8613800138002"}
"""
REGISTER = """\
REGISTER sip:lab.example SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1
From: <sip:alice@lab.example>;tag=1
To: <sip:alice@lab.example>
Call-ID: 1
CSeq: 1 REGISTER
Max-Forwards: 70
Content-Length: 0

"""


def with_files(folder: Path) -> Path:
    (folder / "proxy.yaml").write_text(CONFIG)
    (folder / "subscribers.yaml").write_text(SUBSCRIBERS)
    (folder / "switch").mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_files(tmp_path)


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A folder, and the port at which the command answers, beside call records of before."""
    folder = with_files(tmp_path_factory.mktemp("answering"))
    (folder / "switch" / "cdr-custom").mkdir()
    (folder / "switch" / "cdr-custom" / "calls.csv").write_text("yesterday\n")
    port = free_port()
    command = [sys.executable, "-P", "-m", "simulator", "softswitch", "accounts", "proxy.yaml", "switch"]
    with forked.start([*command, "--port", str(port)], cwd=folder, stderr=PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"2 accounts in switch; answering Asterisk on 127.0.0.1:{port}\n"
        yield folder, port
        process.terminate()
        assert process.wait(10) == 0


def asked(port: int, dialled: str) -> str:
    """The dialplan's answer, as Asterisk asks."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"agi_network: yes\n\n200 result=1 ({dialled})\n200 result=1\n".encode())
        return connection.makefile().read().removeprefix("GET VARIABLE DIALLED\n")


def test_asterisk_is_told_whose_phone_was_dialled_however_the_number_is_written(
    answering: tuple[Path, int],
) -> None:
    _, port = answering
    for dialled in ("+8613800138001", "13800138001", "008613800138001", "alice"):
        assert asked(port, dialled) == 'SET VARIABLE BINDINGS "alice"\n'
    assert asked(port, "13800138009") == ""


def test_address_realm_and_accounts_follow_from_the_config_of_the_proxy(answering: tuple[Path, int]) -> None:
    folder, port = answering
    files = {path.name: path.read_text() for path in (folder / "switch").glob("*.conf")}
    assert files["bind.conf"] == "bind = 127.0.0.1:5090\n"
    assert files["realm.conf"] == "default_realm = lab.example\n"
    assert f"RESOLVER = agi://127.0.0.1:{port}\n" in files["globals.conf"]
    assert "[alice](digest)" in files["accounts.conf"]
    assert "[+8613800138002](bindings)" in files["accounts.conf"]


def test_call_records_of_before_are_kept(answering: tuple[Path, int]) -> None:
    folder, _ = answering
    assert (folder / "switch" / "cdr-custom" / "calls.csv").read_text() == "yesterday\n"


def test_a_softswitch_that_asterisk_cannot_be_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "proxy.yaml").write_text(CONFIG.replace("udp:", "tcp:"))
    assert main(["softswitch", "accounts", str(folder / "proxy.yaml"), str(folder / "switch")]) == 2
    assert "write udp:" in capsys.readouterr().err


@contextmanager
def serving(folder: Path, config: str) -> Iterator[tuple[str, int]]:
    """The address of an embedded softswitch that stands, with that config at a port of its own."""
    port = free_port()
    (folder / "proxy.yaml").write_text(config.replace("5090", str(port)))
    command = [sys.executable, "-P", "-m", "simulator", "softswitch", "embedded", "proxy.yaml"]
    with forked.start(command, cwd=folder, stderr=PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"softswitch for 2 accounts on udp:127.0.0.1:{port}; Ctrl-C ends it\n"
        yield "127.0.0.1", port
        process.terminate()
        assert process.wait(10) == 0


async def test_the_embedded_softswitch_stands_by_itself_where_the_config_says(folder: Path) -> None:
    with serving(folder, CONFIG) as switch:
        async with WirePhones(("127.0.0.1", 0), switch) as phones:
            assert await phones.register([WirePhone("+8613800138001", "alice", "s3cret")]) == []
            placed = phones.place(Order("c1", caller="+8613800138002", callee="13800138001", talk=0.0))
            await phones.idle()
    assert placed.status == 200


def test_it_asks_for_digest_as_the_config_says(folder: Path) -> None:
    config = CONFIG.replace("lab.example}", "lab.example, algorithms: [MD5]}")
    with serving(folder, config) as switch, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        phone.bind(("127.0.0.1", 0))
        phone.sendto(REGISTER.replace("\n", "\r\n").encode(), switch)
        answer = phone.recv(4096).decode()
    assert answer.startswith("SIP/2.0 401 ")
    assert answer.count("WWW-Authenticate") == 1
    assert "algorithm=MD5" in answer


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_whoever_has_the_port_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        (folder / "proxy.yaml").write_text(CONFIG.replace("5090", str(taken.getsockname()[1])))
        assert main(["softswitch", "embedded", str(folder / "proxy.yaml")]) == 3
    assert f"is in use: stop pid {os.getpid()} (" in capsys.readouterr().err
