"""The events of peers that the core tells operators of."""

from __future__ import annotations

from proxy.core.events import PeerNoticed
from proxy.sip.flow import Flow
from tests.plays.dialogue import INVITE, STRANGER, SWITCH, play, request, taken


def test_a_softswitch_that_says_nothing_is_told_of() -> None:
    dialogue = play().receive(INVITE)
    dialogue.forget_sent().wait(33.0).forget_sent()
    assert taken(dialogue.core, PeerNoticed) == [PeerNoticed("softswitch_unreachable", SWITCH)]


def test_a_phone_that_rings_too_long_is_not_the_softswitchs_fault() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH).answer(180).forget_sent()
    dialogue.wait(190.0).sends("CANCEL", SWITCH)
    assert taken(dialogue.core, PeerNoticed) == []


def test_each_message_of_a_stranger_is_told() -> None:
    dialogue = play()
    strangers = [Flow("udp", STRANGER.host, STRANGER.port + number, 0) for number in range(3)]
    for number, stranger in enumerate(strangers):
        dialogue.receive(request("OPTIONS", stranger, branch=f"z9hG4bK-{number}"), stranger).sends(403, stranger)
    assert taken(dialogue.core, PeerNoticed) == [PeerNoticed("unknown_source", stranger) for stranger in strangers]
