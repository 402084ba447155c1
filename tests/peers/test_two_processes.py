"""Two proxy processes that share one secret file recognise what the other signed; one with another secret does not.

Whoever speaks to them stands for a load balancer: what belongs to one process comes in at the other.
"""

from __future__ import annotations

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
CALLEE = "sip:+8613800138002@switch.example"


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
                authentication={"realm": "switch.example"},
                secret_file=str(folder / ("one" if shared else f"each{number}")),
            )
            for number in range(2)
        )
        self.switch, self.phone = switch, phone

    def calls(self, proxy: ProxyProcess, *headers: tuple[str, str]) -> None:
        self.at(self.phone, proxy).asks("INVITE", CALLEE, *headers, sender=ALICE)

    def answer(self, challenge: Request | Response) -> tuple[str, str]:
        shown = challenge.headers("proxy-authenticate")
        return "Proxy-Authorization", answer_challenge(shown, "INVITE", CALLEE, "alice", "s3cret") or ""

    def sets_up(self) -> str:
        """The Route of the dialog of a call through the first process, from the switch to the phone."""
        self.at(self.switch, self.first).asks("INVITE", f"sip:{PHONES}:{self.phone.port}")
        ringing = self.phone.hears("INVITE")
        self.at(self.phone, self.first)
        self.phone.answers(ringing, 200, *(("Record-Route", route) for route in ringing.headers("record-route")))
        [route] = self.switch.hears(200).headers("record-route")
        return route

    def is_refused_by_the_switch(self, caller: Peer | None = None) -> list[str]:
        """Methods of what the switch got of the second process before a call, which it refuses."""
        before = []
        while (seen := self.switch.next_request()).method != "INVITE":
            before.append(seen.method)
        self.at(self.switch, self.second).answers(seen, 486)
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
    _a_challenge_of_one_is_answered_at_the_other(both)
    _the_ack_to_a_refusal_ends_at_the_other(both, shared=shared)
    _a_loop_through_both_is_found(both, shared=shared)
    _a_dialog_goes_on_at_the_other(both, both.sets_up(), shared=shared)


def _a_challenge_of_one_is_answered_at_the_other(both: Two) -> None:
    """Nonces: the other counts no use of it, and could not tell a replay. It asks once more, and not for a password."""
    both.calls(both.first)
    both.calls(both.second, both.answer(both.phone.hears(407)))
    again = both.phone.hears(407)
    assert all("stale=true" in challenge for challenge in again.headers("proxy-authenticate"))
    both.calls(both.second, both.answer(again))
    both.is_refused_by_the_switch()


def _the_ack_to_a_refusal_ends_at_the_other(both: Two, *, shared: bool) -> None:
    """To tags of responses that left no transaction."""
    both.calls(both.first)
    tag = both.phone.hears(407).to.tag or ""
    both.at(both.phone, both.second).asks("ACK", CALLEE, to_tag=tag, sender=ALICE)
    # Datagrams keep their order: were the ACK sent on, it would come before this call.
    both.calls(both.second)
    both.calls(both.second, both.answer(both.phone.hears(407)))
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
