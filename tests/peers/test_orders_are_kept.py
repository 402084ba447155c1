"""Self-service of a whole proxy: what subscribers were told is done outlasts a kill; what cannot be kept is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.policy.profile import Subscriber
from proxy.sip.message import Request, parse
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.sqlite import save_subscribers
from tests.plays.fork_server import ForkServer
from tests.plays.proxy_process import INTERNATIONAL, PHONES, SWITCH, ProxyProcess
from tests.plays.small_disk import SmallDisk, small_disk

Start = Callable[..., ProxyProcess]
ALICE = "+8613800138001"
PEOPLE = f'subscribers: [{{number: "{ALICE}", user: alice, pin: "2580"}}]\n'


class Peer:
    """A socket that speaks SIP, one thing at a time."""

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(10)
        self.host, self.port = self.socket.getsockname()
        self._count = 0

    def sends(self, proxy: ProxyProcess, method: str, by: str, to: str, text: str = "") -> None:
        self._count += 1
        body = text.encode()
        kind = "Content-Type: text/plain\r\n" if text else ""
        request = (
            f"{method} sip:{to}@{proxy.address} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{self.port}{self._count}\r\n"
            f"From: <sip:{by}@{self.host}>;tag=1\r\nTo: <sip:{to}@{proxy.address}>\r\n"
            f"Call-ID: {self.port}-{self._count}\r\nCSeq: 1 {method}\r\nContact: <sip:{self.host}:{self.port}>\r\n"
            f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendto(request.encode() + body, (proxy.host, proxy.port))

    def hears(self, what: int | str) -> Any:
        """The next response of that status or request of that method; what else comes is let go."""
        while True:
            heard = parse(self.socket.recv(65535))
            if what == (heard.method if isinstance(heard, Request) else heard.status):
                return heard


@pytest.fixture
def peers() -> Iterator[tuple[Peer, Peer, Peer]]:
    """A phone, a caller from abroad, and the softswitch."""
    made = Peer(PHONES), Peer(INTERNATIONAL), Peer(SWITCH)
    yield made
    for peer in made:
        peer.socket.close()


def started(folder: Path, switch: Peer, people: str, forks: ForkServer | None) -> ProxyProcess:
    folder.mkdir()
    proxy = ProxyProcess(folder, switch.port, forks=forks, subscribers=people, preset="default")
    proxy.wait_for("ready")
    return proxy


@pytest.mark.parametrize(
    ("by", "location", "orders"), [("text", "yaml", 3), ("text", "sqlite", 1), ("star code", "yaml", 1)]
)
def test_a_kill_right_after_the_reply_loses_nothing(
    tmp_path: Path, peers: tuple[Peer, Peer, Peer], forks: ForkServer | None, by: str, location: str, orders: int
) -> None:
    phone, abroad, switch = peers
    people = str(tmp_path / "people.yaml")
    (tmp_path / "people.yaml").write_text(PEOPLE)
    if location == "sqlite":
        save_subscribers(tmp_path / "people.db", [Subscriber(ALICE, "alice", pin="2580")])
        people = f"sqlite:///{tmp_path / 'people.db'}"
    store = ChangeStore(people)
    for round_, wanted in enumerate((True, False, True)[:orders]):
        proxy = started(tmp_path / f"{round_}", switch, people, forks)
        try:
            if by == "text":
                phone.sends(proxy, "MESSAGE", ALICE, "7000", "BLOCK OVERSEAS" if wanted else "ALLOW OVERSEAS")
                phone.hears(200)
            else:
                phone.sends(proxy, "INVITE", ALICE, "*354*2580%23" if wanted else "%23354*2580%23")
                assert switch.hears("INVITE").uri.startswith("sip:rf*play*changed@")
        finally:
            proxy.process.kill()
            proxy.process.wait()
        assert {(one.field, one.value) for one in store.load()} == {("incoming_international", wanted)}
    proxy = started(tmp_path / "again", switch, people, forks and forks.elsewhere)  # with hashes of its own
    try:
        abroad.sends(proxy, "INVITE", "+23224000001", ALICE)
        abroad.hears(603)
    finally:
        assert proxy.stop() == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_what_a_full_disk_cannot_keep_is_told_and_not_in_force(
    running_proxy: Start, peers: tuple[Peer, Peer, Peer], disk: SmallDisk
) -> None:
    phone, abroad, switch = peers
    people = disk.folder / "people.yaml"
    people.write_text(PEOPLE)
    proxy = running_proxy(switch.port, subscribers=str(people), preset="default")
    disk.fill(disk.folder / "people.changes.db")
    phone.sends(proxy, "MESSAGE", ALICE, "7000", "BLOCK OVERSEAS")
    phone.hears(200)
    told = switch.hears("MESSAGE")
    assert told.body.startswith(b"Sorry, this could not be saved. Nothing was changed")
    assert proxy.wait_for("changes_not_saved")["level"] == "error"
    abroad.sends(proxy, "INVITE", "+23224000001", ALICE)
    switch.hears("INVITE")  # it rings
    phone.sends(proxy, "INVITE", ALICE, "*354*2580%23")
    while "sip:rf*" not in (asked := switch.hears("INVITE").uri):  # the first one again: nobody answers it
        pass
    assert asked.startswith("sip:rf*play*unchanged@")
    disk.make_room()
    phone.sends(proxy, "MESSAGE", ALICE, "7000", "BLOCK OVERSEAS")
    phone.hears(200)
    abroad.sends(proxy, "INVITE", "+23224000001", ALICE)
    abroad.hears(603)
