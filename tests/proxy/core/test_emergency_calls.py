"""The running core remembers who called for help, and hands the memory to the policy."""

from __future__ import annotations

import pytest

from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import SourceMatch, Trunk, TrunkTable
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.flow import Flow
from proxy.subscribers.directory import Directory
from tests.plays.dialogue import LISTENERS, PHONE, SWITCH, Nobody, Play, play, request
from tests.plays.digest_phone import ALICE, BOB, ELSEWHERE, SUBSCRIBERS, DigestPhone

HOME = Flow("udp", "127.0.2.1", 5070, 0)
TABLE = TrunkTable(
    [
        (Trunk("domestic", "domestic", True), [SourceMatch.parse("127.0.2.0/24")]),
        (Trunk("international", "international", True), [SourceMatch.parse("127.0.1.0/24")]),
        (Trunk("phones", "access"), [SourceMatch.parse("127.0.0.64/26")]),
    ]
)


def company(seconds: float = 1800.0, trunks: TrunkTable = TABLE) -> Play:
    """Alice, whose phone proves nothing, and who wants nobody to call her."""
    alice = Subscriber(ALICE, "alice", barring=Barring(all_incoming=True))
    snapshot = build_snapshot(
        "CN", preset.load("cn"), Directory([alice, Subscriber(BOB, "bob")]), Nobody(), callback_seconds=seconds
    )
    return play(ProxyCore(CoreSettings(LISTENERS, SWITCH, trunks.find, trying_after=0.0), Policy(snapshot)))


class Calls:
    """Numbers the calls of a test."""

    def __init__(self, dialogue: Play) -> None:
        self.on, self.n = dialogue, 0

    def call(self, flow: Flow, caller: str, callee: str, status: int, method: str = "INVITE") -> dict[str, object]:
        """One call, refused with `status`, or 100 where it goes on; returns its record."""
        self.n += 1
        sent = request(method, flow, to=callee, branch=f"z9hG4bK-{self.n}", call_id=f"call-{self.n}")
        self.on.receive(sent.replace(b"+6591234567", caller.encode()), flow)
        if status == 100:
            if method == "INVITE":
                self.on.sends(100)
            self.on.sends(method, SWITCH).answer(486 if method == "INVITE" else 200).forget_sent()
        else:
            self.on.sends(status, flow).forget_sent()
        [record] = self.on.records()
        return record


@pytest.mark.parametrize("dialled", ["110", "#31#110", "9110", "urn:service:sos"])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_whoever_dialled_an_emergency_number_can_be_called_back(dialled: str, method: str) -> None:
    calls = Calls(company())
    assert calls.call(HOME, "+861062345678", ALICE, 603)["rule"] == "barring.all_incoming"
    if ":" in dialled:
        sent = request(method, PHONE, uri=dialled, branch="z9hG4bK-sos", call_id="sos")
        calls.on.receive(sent.replace(b"+6591234567", ALICE.encode()), PHONE).forget_sent()
    else:
        calls.call(PHONE, ALICE, dialled, 100, method)
    calls.on.wait(300).records()
    calls.on.forget_sent()
    record = calls.call(HOME, "+861062345678", ALICE, 100)
    assert record["rule"] == "never_block"
    assert record["trace"][0][3] == "callee called an emergency number 5 min ago"  # type: ignore[index]
    calls.call(Flow("udp", "127.0.1.1", 5070, 0), "+442079460900", ALICE, 603)
    calls.call(PHONE, BOB, ALICE, 603)
    calls.on.wait(1600).forget_sent()
    calls.call(HOME, "+861062345678", ALICE, 603)


@pytest.mark.parametrize("by", [1e9, -1e9])
def test_a_control_room_may_call_back_as_long_whatever_the_clock_is_set_to(by: float) -> None:
    calls = Calls(company())
    calls.call(PHONE, ALICE, "110", 100)
    calls.on.wait(300).records()
    calls.on.forget_sent()
    core = calls.on.core
    core.set_epoch(core.settings.clock.epoch + by)
    assert calls.call(HOME, "+861062345678", ALICE, 100)["rule"] == "never_block"
    calls.call(PHONE, BOB, "110", 100)
    calls.on.wait(1600).forget_sent()
    calls.call(HOME, "+861062345678", ALICE, 603)


@pytest.mark.parametrize("dialled", ["96110", "110#", "1101", "*21*110", "110;rn=+33123456789"])
def test_other_calls_open_nothing(dialled: str) -> None:
    calls = Calls(company())
    calls.call(PHONE, ALICE, dialled, 100)
    calls.call(HOME, "+861062345678", ALICE, 603)


def test_with_no_time_for_it_nobody_is_called_back_for_that_alone() -> None:
    calls = Calls(company(seconds=0.0))
    calls.call(PHONE, ALICE, "110", 100)
    calls.call(HOME, "+861062345678", ALICE, 603)
    calls.call(HOME, "110", ALICE, 100)


def test_a_call_for_help_from_a_trunk_is_nobodys() -> None:
    calls = Calls(company())
    calls.call(HOME, ALICE, "110", 100)
    calls.call(HOME, "+861062345678", ALICE, 603)


# --- where phones prove who they are


def called_back(on: Play) -> bool:
    """True if a line at home now reaches alice, who bars all calls."""
    bars = Subscriber(ALICE, "alice", "s3cret", barring=Barring(all_incoming=True))
    others = [one for one in SUBSCRIBERS if one.number != ALICE]
    snapshot = build_snapshot("CN", preset.load("cn"), Directory([bars, *others]), Nobody())
    on.core.policy = Policy(snapshot)
    sent = request("INVITE", HOME, to=ALICE, branch="z9hG4bK-back", call_id="back")
    on.forget_sent().receive(sent.replace(b"+6591234567", b"+861062345678"), HOME)
    on.forget_sent("SIP/2.0 100")
    reached = bool(on.core.outbox) and on.core.outbox[0][0] == SWITCH
    on.forget_sent()
    return reached


def digest_phone() -> DigestPhone:
    trunks = [
        (Trunk("domestic", "domestic", True), [SourceMatch.parse("127.0.2.0/24")]),
        (Trunk("phones", "access", auth="digest"), [SourceMatch.parse("127.0.0.0/24")]),
    ]
    policy = Policy(build_snapshot("CN", preset.load("cn"), Directory(SUBSCRIBERS), Nobody()))
    settings = CoreSettings(LISTENERS, SWITCH, TrunkTable(trunks).find, trying_after=0.0)
    return DigestPhone(ProxyCore(settings, policy), 1000.0)


def test_a_phone_that_proved_who_it_is_may_call_for_help_without_a_password() -> None:
    on = digest_phone()
    on.challenged(to=BOB).asks("INVITE", on.answer_to(to=BOB)).goes_on()
    on.asks("INVITE", to="110", call_id="help").goes_on()
    assert called_back(on)


def test_in_the_name_of_others_nobody_opens_their_phone() -> None:
    on = digest_phone()
    on.asks("INVITE", to="110").goes_on()
    assert not called_back(on)
    on = digest_phone()
    on.challenged(to=BOB).asks("INVITE", on.answer_to(to=BOB)).goes_on()
    on.asks("INVITE", to="110", call_id="help", at=ELSEWHERE).goes_on()
    assert not called_back(on)


# --- the mark itself


def test_the_mark_of_a_callback_reaches_phones_from_a_trusted_network_at_home_only() -> None:
    mark = [("Priority", "psap-callback")]
    for flow, kept in ((HOME, ["psap-callback"]), (Flow("udp", "127.0.1.1", 5070, 0), []), (PHONE, [])):
        on = company()
        on.receive(request("INVITE", flow, to=BOB, more=mark), flow).sends(100).sends("INVITE", SWITCH)
        assert on.forwarded.headers("priority") == kept
    on = company()
    other = [("Priority", "urgent")]
    on.receive(request("INVITE", PHONE, to=BOB, more=other), PHONE).sends(100).sends("INVITE", SWITCH)
    assert on.forwarded.headers("priority") == ["urgent"]
