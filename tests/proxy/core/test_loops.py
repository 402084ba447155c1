"""Loops, spirals, and requests that come by two ways (RFC 3261 16.3 step 4, 8.2.2.2; RFC 5393)."""

from __future__ import annotations

import pytest

from proxy.sip.message import parse
from tests.plays.dialogue import ABROAD, INVITE, PHONE, SWITCH, Play, play, request


def looped(dialogue: Play, uri: str = "") -> bytes:
    """The request forwarded last, as the switch might send it back to us."""
    back = parse(bytes(dialogue.forwarded))
    back.remove("record-route")
    back.insert(0, "Via", "SIP/2.0/UDP 127.0.0.9:5080;branch=z9hG4bK-switch")
    if uri:
        back.uri = uri  # type: ignore[union-attr]
    return bytes(back)


def test_a_request_that_comes_round_unchanged_is_a_loop() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    dialogue.receive(looped(dialogue), SWITCH).sends(482, SWITCH).sends_nothing()


def test_a_request_that_comes_round_with_another_target_is_a_spiral() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    dialogue.receive(looped(dialogue, "sip:alice@127.0.0.77:5071"), SWITCH).sends(100, SWITCH).sends("INVITE", PHONE)


def test_a_foreign_branch_that_looks_like_ours_is_no_loop() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    back = looped(dialogue, "sip:alice@127.0.0.77:5071").replace(b"UDP 127.0.0.1:5060", b"UDP 127.0.0.2:5060")
    dialogue.receive(back, SWITCH).sends(100, SWITCH).sends("INVITE", PHONE)


def test_the_same_request_by_two_ways_is_merged() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    dialogue.receive(request("INVITE", branch="z9hG4bK-2")).sends(482, ABROAD).sends_nothing()


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("status", [200, 486])
def test_the_same_request_by_two_ways_is_merged_after_its_answer_too(method: str, status: int) -> None:
    dialogue = play().receive(request(method)).forget_sent("SIP/2.0 100")
    dialogue.core.outbox[:] = [sent for sent in dialogue.core.outbox if not sent[1].startswith(b"SIP/2.0 100")]
    dialogue.sends(method).answer(status).forget_sent()
    dialogue.receive(request(method, branch="z9hG4bK-2")).sends(482, ABROAD).sends_nothing()
    assert dialogue.wait(64).forget_sent().core.transactions == 0
    dialogue.receive(request(method, branch="z9hG4bK-3")).forget_sent("SIP/2.0 100")
    assert dialogue.forget_sent().core.pending == 1


@pytest.mark.parametrize("status", [401, 407])
def test_who_answers_a_challenge_without_counting_on_is_heard(status: int) -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(status).sends("ACK").sends(status)
    dialogue.receive(request("INVITE", branch="z9hG4bK-2")).sends(100).sends("INVITE", SWITCH)


def test_a_retried_request_is_not_merged_with_the_one_that_failed() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(407).sends("ACK").sends(407)
    dialogue.receive(request("INVITE", branch="z9hG4bK-2", cseq=2)).sends(100).sends("INVITE")
    dialogue.receive(request("INVITE", branch="z9hG4bK-3", cseq=1)).sends(100).sends("INVITE")
