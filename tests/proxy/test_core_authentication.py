"""Phones prove who they are, and are held to it: digest authentication at the proxy, as dialogues."""

from __future__ import annotations

import pytest
from dialogue import LISTENERS, PHONE, SWITCH, Nobody, Play, play, request

from proxy.core import CoreSettings, ProxyCore
from proxy.policy import preset
from proxy.policy.engine import Policy
from proxy.policy.snapshot import Snapshot
from proxy.subscribers.profile import Barring, Subscriber
from proxy.subscribers.storage import Directory
from proxy.trunks import Trunk
from simulator.agents.digest import answer_challenge

ALICE, BOB = "+8613800138001", "+8613800138002"
PASSWORD = "s3cret"
PHONES = Trunk("phones", "access", auth="digest")
DIRECTORY = Directory(
    [
        Subscriber(ALICE, "alice", "s3cret", barring=Barring(outgoing_international=True)),
        Subscriber(BOB, "bob", ""),  # has no password: nobody can be bob
    ]
)


def start() -> Play:
    policy = Policy(Snapshot.build("CN", preset.load("cn"), DIRECTORY, Nobody()))
    return play(ProxyCore(CoreSettings(LISTENERS, SWITCH, lambda *_: PHONES, trying_after=0.0), policy))


def asks(method: str = "INVITE", *, cseq: int = 1, given: str = "", sender: str = ALICE, to: str = BOB) -> bytes:
    more = [("Proxy-Authorization", given)] if given else []
    sent = request(method, PHONE, to=to, cseq=cseq, branch=f"z9hG4bK-{method}{cseq}", more=more)
    return sent.replace(b"<sip:+6591234567@127.0.0.77>", f"<sip:{sender}@127.0.0.77>".encode())


def answered(on: Play, method: str = "INVITE", user: str = "alice", password: str = PASSWORD, to: str = BOB) -> str:
    """Credentials for the challenges sent last."""
    challenges = on.last.headers("proxy-authenticate")
    return answer_challenge(challenges, method, f"sip:{to}@127.0.0.1", user, password) or ""


def challenged(method: str = "INVITE", to: str = BOB) -> Play:
    return start().receive(asks(method, to=to), PHONE).sends(407, PHONE)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "BYE"])
def test_a_request_without_credentials_is_challenged_and_one_with_them_passes(method: str) -> None:
    on = challenged(method)
    sha, md5 = on.last.headers("proxy-authenticate")
    assert "algorithm=SHA-256" in sha
    assert "algorithm=MD5" in md5
    on.receive(asks(method, cseq=2, given=answered(on, method)), PHONE)
    if method == "INVITE":
        on.sends(100)
    on.sends(method, SWITCH)
    assert on.forwarded.headers("proxy-authorization") == []
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@ringfence.example;user=phone>"]


@pytest.mark.parametrize("wrong", [("alice", "guess"), ("nobody", "s3cret"), ("bob", "")])
def test_a_wrong_password_and_an_unknown_user_look_the_same(wrong: tuple[str, str]) -> None:
    on = challenged("MESSAGE")
    on.receive(asks("MESSAGE", cseq=2, given=answered(on, "MESSAGE", *wrong)), PHONE).sends(407, PHONE)
    assert "stale" not in on.last.headers("proxy-authenticate")[0]


def test_replayed_and_old_credentials_are_stale() -> None:
    on = challenged("MESSAGE")
    given = answered(on, "MESSAGE")
    on.receive(asks("MESSAGE", cseq=2, given=given), PHONE).sends("MESSAGE", SWITCH)
    on.receive(asks("MESSAGE", cseq=3, given=given), PHONE).sends(407, PHONE)
    assert "stale=true" in on.last.headers("proxy-authenticate")[0]
    fresh = answered(on, "MESSAGE")
    on.forget_sent().wait(61.0).forget_sent()
    on.receive(asks("MESSAGE", cseq=4, given=fresh), PHONE).sends(407, PHONE)
    assert "stale=true" in on.last.headers("proxy-authenticate")[0]


def test_nobody_presents_a_number_that_is_not_theirs() -> None:
    on = challenged()
    on.receive(asks(cseq=2, given=answered(on), sender=BOB), PHONE).sends(403, PHONE)
    [record] = on.records()
    assert (record["rule"], record["caller"], record["final"]) == ("spoofed.subscriber_number", ALICE, 403)


@pytest.mark.parametrize("sender", ["alice", "anonymous", "13800138001"])
def test_outgoing_barring_follows_the_subscriber_whatever_from_says(sender: str) -> None:
    on = challenged(to="+6591234567")
    given = answered(on, to="+6591234567")
    on.receive(asks(cseq=2, given=given, sender=sender, to="+6591234567"), PHONE).sends(603, PHONE)
    assert on.records()[0]["rule"] == "barring.outgoing_international"


@pytest.mark.parametrize(("method", "to"), [("REGISTER", "alice"), ("INVITE", "110")])
def test_registrations_and_emergency_calls_are_not_held_up(method: str, to: str) -> None:
    on = start().receive(asks(method, to=to), PHONE)
    if method == "INVITE":
        on.sends(100)
    on.sends(method, SWITCH)
    assert on.forwarded.headers("p-asserted-identity") == []
