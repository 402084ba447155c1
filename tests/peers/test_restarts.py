"""Restarts, in order or by a kill: registrations and dialogs outlive them, an overheard answer does not."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.sip.digest import parse_digest
from simulator.agents.digest import answer_challenge
from tests.plays.fork_server import ForkServer
from tests.plays.proxy_process import PHONES, SWITCH, TRUNKS, ProxyProcess
from tests.plays.udp_peer import Peer

Start = Callable[..., ProxyProcess]
BEHIND_NAT = "sip:alice@192.168.1.7:5060"  # an address of no trunk: only the proxy's Path leads there
CHALLENGE = 'Digest realm="switch.example", nonce="the-same-each-time", algorithm=MD5, qop="auth"'


@pytest.fixture
def peers() -> Iterator[tuple[Peer, Peer, Peer]]:
    """The switch, a phone, and somebody who listens in."""
    with Peer(SWITCH) as switch, Peer(PHONES) as phone, Peer(PHONES) as spy:
        yield switch, phone, spy


def started(running_proxy: Start, peers: tuple[Peer, ...], **config: object) -> ProxyProcess:
    proxy = running_proxy(peers[0].port, **config)
    for peer in peers:
        peer.proxy = (proxy.host, proxy.port)
    return proxy


def again(proxy: ProxyProcess, end: signal.Signals) -> None:
    """Start it again; after a kill with hashes of its own: nothing that outlives it may rest on a salted one."""
    proxy.restart(end, elsewhere=end == signal.SIGKILL)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_phone_behind_nat_is_called_and_hangs_up_through_a_proxy_that_was_restarted(
    running_proxy: Start, peers: tuple[Peer, Peer, Peer], end: signal.Signals
) -> None:
    switch, phone, _ = peers
    proxy = started(running_proxy, peers)
    phone.asks("REGISTER", "sip:switch.example", ("Contact", f"<{BEHIND_NAT}>"))
    registered = switch.hears("REGISTER")
    [path] = registered.headers("path")
    switch.answers(registered, 200)
    phone.hears(200)

    again(proxy, end)
    switch.asks("INVITE", BEHIND_NAT, ("Route", path), ("Contact", f"<sip:{SWITCH}:{switch.port}>"))
    ringing = phone.hears("INVITE")
    phone.answers(ringing, 200, *(("Record-Route", route) for route in ringing.headers("record-route")))
    [route] = switch.hears(200).headers("record-route")

    again(proxy, end)
    switch.asks("BYE", BEHIND_NAT, ("Route", route), to_tag="there")
    phone.answers(phone.hears("BYE"), 200)
    switch.hears(200)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_overheard_register_binds_nobody_after_a_restart_though_the_registrar_gives_its_nonce_again(
    running_proxy: Start, peers: tuple[Peer, Peer, Peer], tmp_path: Path, end: signal.Signals
) -> None:
    switch, phone, spy = peers
    subscribers = tmp_path / "subscribers.yaml"
    subscribers.write_text('subscribers: [{number: "+8613800138001", user: alice, password: s3cret}]\n')
    digest = {"trunks": {**TRUNKS, "phones": {**TRUNKS["phones"], "auth": "digest"}}, "subscribers": str(subscribers)}
    proxy = started(running_proxy, peers, **digest)

    def challenged(peer: Peer, *given: str, contact: str = BEHIND_NAT) -> str:
        headers = [("Contact", f"<{contact}>"), *(("Authorization", each) for each in given)]
        peer.asks("REGISTER", "sip:switch.example", *headers)
        asked = switch.hears("REGISTER")
        assert not {"contact", "authorization"} & set(asked.names)
        switch.answers(asked, 401, ("WWW-Authenticate", CHALLENGE))
        return peer.hears(401).headers("www-authenticate")[0]

    def registers(challenge: str) -> str:
        answer = answer_challenge([challenge], "REGISTER", "sip:switch.example", "alice", "s3cret") or ""
        phone.asks("REGISTER", "sip:switch.example", ("Contact", f"<{BEHIND_NAT}>"), ("Authorization", answer))
        taken = switch.hears("REGISTER")
        assert taken.headers("contact") == [f"<{BEHIND_NAT}>"]
        assert parse_digest(taken.headers("authorization")[0])["nonce"] == "the-same-each-time"
        switch.answers(taken, 200)
        phone.hears(200)
        return answer

    overheard = registers(challenged(phone))
    for _ in range(2):
        again(proxy, end)
        for _ in range(2):
            assert re.search("stale=true", challenged(spy, overheard, contact="sip:spy@127.0.3.66:5060"))
        registers(challenged(phone))
        challenged(spy, overheard, contact="sip:spy@127.0.3.66:5060")


def test_a_secret_that_others_may_read_ends_the_start_with_2_and_says_why(
    tmp_path: Path, forks: ForkServer | None
) -> None:
    proxy = ProxyProcess(tmp_path, 5060, forks=forks)
    proxy.wait_for("ready")
    assert proxy.stop() == 0
    secret = tmp_path / "ringfence.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    proxy.start()
    assert proxy.process.wait(20) == 2
    assert f"{secret}: others have access to it (mode 0644)" in proxy.log
