"""Two phones of one subscriber at the embedded softswitch: both ring, and the first that answers has the call."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request
from simulator.agents.orders import BUSY, REJECT, RING_ONLY, SILENT, Behaviour
from simulator.agents.registration import WirePhone
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.sip_network import CALLER, PHONES, SWITCH, Caller, Handsets, Network, name

ALICE = WirePhone("+8613800138001", "alice", "s3cret")
KITCHEN, POCKET = PHONES, ("127.0.0.10", 5060)


class Home:
    """A caller, a switch, and alice's phones in the kitchen and in her pocket."""

    def __init__(self, kitchen: Behaviour, pocket: Behaviour, *, ring_time: float = 60.0) -> None:
        self.network = Network()
        self.switch = Softswitch([Account(ALICE.number, ALICE.user, ALICE.password)], ring_time=ring_time)
        self.switch.endpoint = self.network.attach(SWITCH, self.switch)
        self.caller = Caller(self.network)
        self.phones = [Handsets(self.network, at, {"alice": ALICE.number}) for at in (KITCHEN, POCKET)]
        for phone, behaviour in zip(self.phones, (kitchen, pocket), strict=True):
            assert phone.register(ALICE) == []
            phone.otherwise = behaviour
        self.network.log.clear()

    def at(self, phone: tuple[str, int]) -> list[str]:
        return [each for each in self.network.between(SWITCH, phone) if "100" not in each]

    @property
    def legs(self) -> int:
        """Call sides that the switch still holds."""
        return len(self.switch.endpoint.legs)


def test_both_ring_and_the_one_that_does_not_answer_is_told_that_somebody_else_did() -> None:
    home = Home(RING_ONLY, Behaviour(after=2.0))
    call = home.caller.call(talk=1.0)
    home.network.run(40.0)
    assert call.record.status == 200
    assert home.at(KITCHEN) == [
        "> INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK",
    ]  # fmt: skip
    assert home.at(POCKET) == [
        "> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE",
    ]  # fmt: skip
    cancel = home.network.last("CANCEL", SWITCH)
    assert cancel.header("reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    assert home.network.between(CALLER, SWITCH).count("< 200 INVITE") == 1
    assert home.network.last("200 INVITE", SWITCH).body == home.network.last("200 INVITE", POCKET).body
    assert home.legs == 0


def test_each_branch_is_a_dialog_of_its_own_to_its_own_contact() -> None:
    home = Home(RING_ONLY, RING_ONLY)
    home.caller.call(cancel_after=1.0)
    home.network.run(40.0)
    invites = [
        one
        for _, by, _, one in home.network.log
        if by == SWITCH and isinstance(one, Request) and one.method == "INVITE"
    ]
    assert sorted(one.uri for one in invites) == ["sip:alice@127.0.0.10:5060", "sip:alice@127.0.0.9:5060"]
    assert len({one.call_id for one in invites}) == len({one.from_.tag for one in invites}) == 2
    assert {one.header("x-ringfence-call") for one in invites} == {"call-1"}


def test_an_answer_that_crosses_the_cancel_gets_a_bye_and_the_caller_hears_one_phone() -> None:
    home = Home(Behaviour(after=2.0), Behaviour(after=2.1))
    home.network.loses = lambda message: name(message) == "CANCEL"
    call = home.caller.call(talk=1.0)
    home.network.run(40.0)
    assert call.record.status == 200
    assert home.network.between(CALLER, SWITCH).count("< 200 INVITE") == 1
    assert [home.at(phone).count("> BYE") for phone in (KITCHEN, POCKET)] == [1, 1]
    assert home.legs == 0


@pytest.mark.parametrize(
    ("kitchen", "pocket", "status"),
    [
        (BUSY, BUSY, 486),
        (Behaviour(status=480, rings=False), BUSY, 480),
        (BUSY, Behaviour(status=503), 486),
        (SILENT, BUSY, 486),
        (SILENT, SILENT, 408),
        (Behaviour(status=302), BUSY, 480),
    ],
)
def test_where_none_answers_the_caller_gets_the_best_refusal(
    kitchen: Behaviour, pocket: Behaviour, status: int
) -> None:
    home = Home(kitchen, pocket)
    call = home.caller.call()
    home.network.run(80.0)
    assert (call.record.status, home.legs) == (status, 0)


def test_a_busy_phone_leaves_the_other_ringing() -> None:
    home = Home(BUSY, Behaviour(after=3.0))
    call = home.caller.call(talk=1.0)
    home.network.run(40.0)
    assert call.record.status == 200


def test_who_declines_declines_for_all_phones() -> None:
    home = Home(RING_ONLY, REJECT)
    call = home.caller.call()
    home.network.run(40.0)
    assert call.record.status == 603
    assert "> CANCEL" in home.at(KITCHEN)


def test_who_gives_up_stops_both_and_the_reason_goes_along() -> None:
    home = Home(RING_ONLY, RING_ONLY)
    call = home.caller.call(cancel_after=1.0)
    home.network.run(40.0)
    assert call.record.status == 487
    assert ["> CANCEL" in home.at(phone) for phone in (KITCHEN, POCKET)] == [True, True]
    assert home.legs == 0


def test_nobody_answers_in_time() -> None:
    home = Home(RING_ONLY, RING_ONLY, ring_time=5.0)
    call = home.caller.call()
    home.network.run(60.0)
    assert (call.record.status, home.legs) == (480, 0)
    assert ["> CANCEL" in home.at(phone) for phone in (KITCHEN, POCKET)] == [True, True]
