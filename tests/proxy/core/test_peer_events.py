"""What the core tells operators of."""

from __future__ import annotations

from proxy.sip.flow import Flow
from tests.plays.dialogue import INVITE, STRANGER, SWITCH, play, request


def test_a_softswitch_that_says_nothing_is_told_of() -> None:
    dialogue = play().receive(INVITE)
    dialogue.forget_sent().wait(33.0).forget_sent()
    assert dialogue.core.peer_events == {"softswitch_unreachable": (1, SWITCH)}


def test_a_phone_that_rings_too_long_is_not_the_softswitchs_fault() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH).answer(180).forget_sent()
    dialogue.wait(190.0).sends("CANCEL", SWITCH)
    assert dialogue.core.peer_events == {}


def test_of_strangers_the_first_is_told_and_all_are_counted() -> None:
    dialogue = play()
    for number in range(3):
        stranger = Flow("udp", STRANGER.host, STRANGER.port + number, 0)
        dialogue.receive(request("OPTIONS", stranger, branch=f"z9hG4bK-{number}"), stranger).sends(403, stranger)
    assert dialogue.core.peer_events == {"unknown_source": (3, STRANGER)}
