"""Answers to somebody who never showed to have heard one are few: sources of datagrams can be made up."""

from __future__ import annotations

import pytest

from proxy.core.flow_tokens import FlowTokens
from proxy.core.keys import Keys
from proxy.core.receivers import Receivers
from proxy.sip.flow import Flow
from tests.plays.dialogue import ABROAD, BARRED, INVITE, PHONE, SWITCH, Play, play, request
from tests.plays.digest_phone import BOB, ELSEWHERE, DigestPhone, start

REFUSED = request("INVITE", to=BARRED)


def finals(dialogue: Play, seconds: float = 40.0) -> int:
    """Count the final responses that go out meanwhile."""
    dialogue.wait(seconds)
    sent = [data for _, data in dialogue.core.outbox]
    dialogue.core.outbox.clear()
    return sum(data[8:9] in b"3456" for data in sent if data.startswith(b"SIP/2.0 "))


def ack(dialogue: Play, branch: str = "z9hG4bK-1", tag: str | None = None) -> bytes:
    return request("ACK", to=BARRED, branch=branch, to_tag=(dialogue.last.to.tag or "") if tag is None else tag)


def test_a_refusal_that_nobody_acknowledges_is_sent_three_times() -> None:
    assert finals(play().receive(REFUSED).sends(603, ABROAD)) == 2


def test_so_is_the_refusal_of_a_phone_behind_the_switch() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH).answer(486).sends("ACK").sends(486, ABROAD)
    assert finals(dialogue) == 2


def test_who_asks_again_is_told_again() -> None:
    dialogue = play().receive(REFUSED).sends(603)
    assert finals(dialogue, 10.0) == 2
    for _ in range(5):
        dialogue.receive(REFUSED).sends(603, ABROAD).sends_nothing()


def test_who_acknowledged_an_answer_gets_the_next_one_as_often_as_rfc_3261_has_it() -> None:
    dialogue = play().receive(REFUSED).sends(603)
    assert finals(dialogue.receive(ack(dialogue))) == 0
    assert finals(dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", cseq=2)).sends(603)) == 10


def test_an_acknowledgement_counts_for_a_while_and_for_its_sender_only() -> None:
    dialogue = play().receive(REFUSED).sends(603)
    dialogue.receive(ack(dialogue))
    neighbour = Flow("udp", ABROAD.host, ABROAD.port + 1, 0)
    dialogue.receive(request("INVITE", neighbour, to=BARRED, branch="z9hG4bK-2", call_id="2"), neighbour).sends(603)
    assert finals(dialogue) == 2
    dialogue.wait(600.0)
    assert finals(dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-3", call_id="3")).sends(603)) == 2


@pytest.mark.parametrize("tag", ["", "made-up"])
def test_an_acknowledgement_without_our_tag_proves_nothing(tag: str) -> None:
    dialogue = play().receive(REFUSED).sends(603)
    dialogue.receive(ack(dialogue, tag=tag))
    assert finals(dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", call_id="2")).sends(603)) == 2


def test_a_tag_that_came_with_the_request_proves_nothing() -> None:
    for spelt in ("tag=mine", "x=1; TAG = mine"):
        within = request("INVITE", to=BARRED, to_tag="mine").replace(b"tag=mine", spelt.encode())
        dialogue = play().receive(within).sends(603)
        assert dialogue.last.to.tag == "mine"
        dialogue.receive(ack(dialogue))
        assert finals(dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", call_id="2")).sends(603)) == 2


def test_our_tags_tell_nothing_of_the_next_one() -> None:
    dialogue, tags = play(), []
    for number in range(20):
        dialogue.receive(request("INVITE", to=BARRED, branch=f"z9hG4bK-{number}", call_id=str(number))).sends(603)
        tags.append(dialogue.last.to.tag or "")
    assert len({tag[:8] for tag in tags}) == len({tag[-8:] for tag in tags}) == 20


def test_over_a_stream_nothing_is_sent_again() -> None:
    stream = Flow("tcp", ABROAD.host, 40001, 1)
    assert finals(play().receive(request("INVITE", stream, to=BARRED), stream).sends(603, stream)) == 0


def test_those_who_proved_to_receive_are_no_more_than_fit() -> None:
    receivers = Receivers()
    for port in range(10_001):
        receivers.note(Flow("udp", "127.0.0.1", port, 0), 0.0)
    known = [receivers.knows(Flow("udp", "127.0.0.1", port, 0), 1.0) for port in (0, 1, 10_000)]
    assert known == [False, True, True]


# --- challenges


def test_a_challenge_is_given_once_and_leaves_nothing_behind() -> None:
    on = start().challenged()
    assert on.core.transactions == 0
    assert finals(on) == 0


def test_an_invite_that_is_sent_again_gets_the_same_challenge_again() -> None:
    on = start().challenged()
    first = on.last
    on.cseq -= 1
    on.wait(0.5)
    assert bytes(on.challenged().last) == bytes(first)


def test_the_acknowledgement_of_a_challenge_ends_here() -> None:
    on = start().challenged()
    on.receive(request("ACK", PHONE, to=BOB, branch="z9hG4bK-INVITE1", to_tag=on.last.to.tag or ""), PHONE)
    on.sends_nothing()


def test_an_answer_may_come_with_the_branch_and_the_number_of_what_was_challenged() -> None:
    on = start().challenged()
    on.cseq -= 1
    on.asks("INVITE", on.answer_to()).goes_on()
    assert on.core.counters["answered_482"] == 0


def test_a_challenge_within_a_dialog_is_acknowledged_with_the_tag_of_the_dialog_and_ends_here_too() -> None:
    on = start().challenged("INVITE", to_tag="callee")
    on.receive(request("ACK", PHONE, to=BOB, branch="z9hG4bK-INVITE1", to_tag="callee"), PHONE).sends_nothing()
    assert finals(start().challenged("INVITE", to_tag="callee")) == 2


def test_a_right_answer_proves_that_the_challenge_arrived() -> None:
    on = start().challenged()
    abroad = "+6591234567"  # alice may not call there
    on.asks("INVITE", on.answer_to(to=abroad), to=abroad).sends(603, PHONE)
    assert finals(on) == 10


def test_a_wrong_answer_that_is_sent_again_is_one_guess() -> None:
    on = start(failed_attempts=2).challenged()
    wrong = on.answer_to(password="guess")
    for _ in range(3):
        on.challenged("INVITE", wrong)
        on.cseq -= 1
    on.asks("INVITE", on.answer_to(), call_id="call-2").goes_on()


def test_guesses_of_a_kind_are_guesses_all_the_same() -> None:
    on: DigestPhone = start(failed_attempts=3)
    for _ in range(3):
        on.challenged("MESSAGE", at=ELSEWHERE)
        on.challenged("MESSAGE", on.answer_to("MESSAGE", password="guess"), at=ELSEWHERE)
    on.challenged("MESSAGE", at=ELSEWHERE).asks("MESSAGE", on.answer_to("MESSAGE"), at=ELSEWHERE).sends(403)


# --- processes with one secret


def test_a_challenge_of_one_process_is_acknowledged_at_another() -> None:
    first, second = (start(secret=b"0123456789abcdef") for _ in range(2))
    shown = first.challenged().last
    ack = request("ACK", PHONE, to=BOB, branch="z9hG4bK-INVITE1", to_tag=shown.to.tag or "")
    second.receive(ack, PHONE).sends_nothing()
    start().receive(ack, PHONE).sends("ACK", SWITCH)


def test_one_secret_makes_the_same_keys_each_time_and_different_ones_for_each_use() -> None:
    keys, again = Keys.derive(b"0123456789abcdef"), Keys.derive(b"0123456789abcdef")
    assert keys == again
    assert len({keys.flow_tokens, keys.nonces, keys.branches, keys.to_tags}) == 4
    assert "0123" not in repr(keys)
    assert Keys.derive() != Keys.derive()
    token = FlowTokens(keys.flow_tokens).make(PHONE)
    assert FlowTokens(again.flow_tokens).read(token) == PHONE
