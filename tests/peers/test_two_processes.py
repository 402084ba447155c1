"""Two proxy processes that share one secret file recognise what the other signed; one with another secret does not.

Whoever speaks to them stands for a load balancer: what belongs to one process comes in at the other.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.sip.message import Request, Response
from simulator.agents.digest import answer_challenge
from tests.plays.proxy_process import DOMESTIC, PHONES, SWITCH, TRUNKS, ProxyProcess
from tests.plays.udp_peer import Peer

Start = Callable[..., ProxyProcess]
ALICE = "+8613800138001"
PEOPLE = f'subscribers: [{{number: "{ALICE}", user: alice, password: s3cret}}]\n'
BEHIND_NAT = "sip:alice@192.168.1.7:5060"  # an address of no trunk: only the token of the dialog leads there
REGISTRARS = 'Digest realm="switch.example", nonce="n1", algorithm=MD5, qop="auth"'
CALLEE = "sip:+8613800138002@switch.example"
PASSWORD = "s3cret"
GUESSES = 4  # wrong answers until nobody looks at them


class Two:
    """Two processes, one secret file for both or one for each, and their neighbours."""

    def __init__(self, start: Start, folder: Path, switch: Peer, phone: Peer, *, shared: bool) -> None:
        (folder / "people.yaml").write_text(PEOPLE)
        phones = {**TRUNKS["phones"], "auth": "digest"}
        self.first, self.second = (
            start(
                switch.port,
                trunks={**TRUNKS, "phones": phones},
                subscribers=str(folder / "people.yaml"),
                authentication={"realm": "switch.example", "wrong_answers": GUESSES},
                secret_file=str(folder / ("one" if shared else f"each{number}")),
            )
            for number in range(2)
        )
        self.switch, self.phone, self.secret_file = switch, phone, folder / "one"

    def calls(self, proxy: ProxyProcess, *headers: tuple[str, str]) -> None:
        self.at(self.phone, proxy).asks("INVITE", CALLEE, *headers, sender=ALICE)

    def challenge(self, proxy: ProxyProcess) -> Request | Response:
        self.calls(proxy)
        return self.phone.hears(407)

    def answer(self, challenge: Request | Response, password: str = PASSWORD) -> tuple[str, str]:
        shown = challenge.headers("proxy-authenticate")
        return "Proxy-Authorization", answer_challenge(shown, "INVITE", CALLEE, "alice", password) or ""

    def passes(self, proxy: ProxyProcess, credentials: tuple[str, str]) -> None:
        """A call with these goes on to the switch, which refuses it."""
        self.calls(proxy, credentials)
        self.is_refused_by_the_switch(proxy=proxy)

    def is_stale(self, proxy: ProxyProcess, credentials: tuple[str, str]) -> Request | Response:
        """A call with these is asked for others, and not for a password."""
        self.calls(proxy, credentials)
        again = self.phone.hears(407)
        assert all("stale=true" in challenge for challenge in again.headers("proxy-authenticate"))
        return again

    def sets_up(self) -> str:
        """The Route of the dialog of a call through the first process, from the switch to the phone."""
        self.at(self.switch, self.first).asks("INVITE", f"sip:{PHONES}:{self.phone.port}")
        ringing = self.phone.hears("INVITE")
        self.at(self.phone, self.first)
        self.phone.answers(ringing, 200, *(("Record-Route", route) for route in ringing.headers("record-route")))
        [route] = self.switch.hears(200).headers("record-route")
        return route

    def is_refused_by_the_switch(self, caller: Peer | None = None, proxy: ProxyProcess | None = None) -> list[str]:
        """Methods of what the switch got of a process, the second one, before a call, which it refuses."""
        before = []
        while (seen := self.switch.next_request()).method != "INVITE":
            before.append(seen.method)
        self.at(self.switch, proxy or self.second).answers(seen, 486)
        (caller or self.phone).hears(486)
        assert self.switch.next_request().method == "ACK"
        return before

    @staticmethod
    def at(peer: Peer, proxy: ProxyProcess) -> Peer:
        peer.proxy = proxy.host, proxy.port
        return peer


@pytest.fixture(params=[True, False], ids=["one secret", "a secret each"])
def two(
    request: pytest.FixtureRequest, running_proxy: Start, tmp_path: Path
) -> Iterator[tuple[Two, bool]]:  # whether they share it
    with Peer(SWITCH) as switch, Peer(PHONES) as phone:
        yield Two(running_proxy, tmp_path, switch, phone, shared=request.param), request.param


def test_what_one_process_signed_the_other_recognises(two: tuple[Two, bool]) -> None:
    both, shared = two
    _a_challenge_of_one_is_answered_at_the_other(both, shared=shared)
    _a_registrars_challenge_by_way_of_one_is_answered_at_the_other(both, shared=shared)
    _the_ack_to_a_refusal_ends_at_the_other(both, shared=shared)
    _a_loop_through_both_is_found(both, shared=shared)
    _a_dialog_goes_on_at_the_other(both, both.sets_up(), shared=shared)
    _guesses_at_both_are_counted_together(both, shared=shared)


def _a_challenge_of_one_is_answered_at_the_other(both: Two, *, shared: bool) -> None:
    """Nonces (RFC 7616 3.4): who shares their counts takes an answer once, wherever it comes first."""
    answer = both.answer(both.challenge(both.first))
    if not shared:
        both.passes(both.second, both.answer(both.is_stale(both.second, answer)))
        return
    both.passes(both.second, answer)
    for proxy in (both.first, both.second):
        both.is_stale(proxy, answer)


def _a_registrars_challenge_by_way_of_one_is_answered_at_the_other(both: Two, *, shared: bool) -> None:
    uri, contact = "sip:switch.example", ("Contact", f"<{BEHIND_NAT}>")

    def registers(proxy: ProxyProcess, *more: tuple[str, str]) -> Request:
        both.at(both.phone, proxy).asks("REGISTER", uri, contact, *more, sender="alice")
        asked = both.at(both.switch, proxy).hears("REGISTER")
        assert isinstance(asked, Request)
        return asked

    both.switch.answers(registers(both.first), 401, ("WWW-Authenticate", REGISTRARS))
    shown = both.phone.hears(401).headers("www-authenticate")
    answer = "Authorization", answer_challenge(shown, "REGISTER", uri, "alice", PASSWORD) or ""
    for proxy, proven in ((both.second, shared), (both.second, False), (both.first, not shared), (both.first, False)):
        asked = registers(proxy, answer)
        assert asked.headers("contact") == ([contact[1]] if proven else [])
        both.switch.answers(asked, 200)
        both.phone.hears(200 if proven else 401)


def _guesses_at_both_are_counted_together(both: Two, *, shared: bool) -> None:
    right = [both.answer(both.challenge(proxy)) for proxy in (both.first, both.second)]
    for proxy in [both.first, both.second] * (GUESSES // 2):
        both.calls(proxy, both.answer(both.challenge(proxy), "guess"))
        both.phone.hears(407)
    for proxy, answer in zip((both.first, both.second), right, strict=True):
        if shared:
            both.calls(proxy, answer)
            both.phone.hears(403)
        else:
            both.passes(proxy, answer)


def _the_ack_to_a_refusal_ends_at_the_other(both: Two, *, shared: bool) -> None:
    """To tags of responses that left no transaction."""
    tag = both.challenge(both.first).to.tag or ""
    both.at(both.phone, both.second).asks("ACK", CALLEE, to_tag=tag, sender=ALICE)
    # Datagrams keep their order: were the ACK sent on, it would come before this call.
    both.calls(both.second, both.answer(both.challenge(both.second)))
    assert both.is_refused_by_the_switch() == ([] if shared else ["ACK"])


def _a_loop_through_both_is_found(both: Two, *, shared: bool) -> None:
    """Branches: what the first sent on comes in at the second, as it is (a label would make it another one)."""
    with Peer(DOMESTIC) as trunk:
        both.at(trunk, both.first).asks("INVITE", CALLEE, sender="+8613900139003")
        invite = bytes(both.switch.next_request())
        via = f"\r\nVia: SIP/2.0/UDP {trunk.host}:{trunk.port};rport;branch=z9hG4bKcarried\r\n".encode()
        trunk.socket.sendto(invite.replace(b"\r\n", via, 1), (both.second.host, both.second.port))
        if shared:
            trunk.hears(482)
        else:
            both.is_refused_by_the_switch(trunk)


def _a_dialog_goes_on_at_the_other(both: Two, route: str, *, shared: bool) -> None:
    """Flow tokens."""
    there = route.replace(both.first.address, both.second.address)
    assert there != route
    both.at(both.switch, both.second).asks("BYE", BEHIND_NAT, ("Route", there), to_tag="there")
    if shared:
        both.at(both.phone, both.second).answers(both.phone.hears("BYE"), 200)
        both.switch.hears(200)
    else:
        both.switch.hears(403)


@pytest.mark.parametrize("two", [True], ids=["one secret"], indirect=True)
def test_a_challenge_of_before_a_restart_is_answered_once_while_its_counts_are_there(two: tuple[Two, bool]) -> None:
    both, _ = two
    one, other, third = (both.answer(both.challenge(both.first)) for _ in range(3))
    both.passes(both.first, one)
    both.first.restart(signal.SIGKILL, elsewhere=True)  # nor does it rest on a salted hash
    both.passes(both.first, other)
    both.is_stale(both.first, one)
    Path(f"{both.secret_file}.counts").unlink()
    both.first.restart()
    both.passes(both.first, both.answer(both.is_stale(both.first, third)))
