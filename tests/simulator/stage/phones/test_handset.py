"""A phone in somebody's hand: it rings until told, calls, texts, presses keys, and remembers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.agents.orders import Behaviour
from simulator.stage.phones.handset import TEXTS, Handset, Unable
from tests.plays.handset_lab import HandsetLab
from tests.plays.sip_network import PHONES
from tests.plays.switch_lab import ALICE, BOB


def test_a_phone_that_somebody_holds_rings_until_they_answer_and_talks_until_they_hang_up() -> None:
    lab = HandsetLab().hold()
    call = lab.is_called()
    lab.run(30)
    assert lab.state == "ringing"
    lab.handset.answer()
    lab.settle()
    assert (lab.state, call.record.status) == ("talking", 200)
    lab.handset.hang_up()
    lab.settle()
    assert lab.state == "idle"
    assert call.record.bye_received is not None


def test_a_phone_that_nobody_holds_does_what_was_planned() -> None:
    lab = HandsetLab()
    lab.lab.phones.for_number[ALICE.number] = Behaviour(after=1.0)
    call = lab.is_called(talk=2.0)
    assert lab.state == "ringing"
    lab.run(1.5)
    assert lab.state == "talking"
    lab.run(3)
    assert (lab.state, call.record.status) == ("idle", 200)


def test_a_phone_that_was_put_down_does_what_is_planned_again() -> None:
    lab = HandsetLab().hold()
    lab.handset.let_go(lab)
    lab.is_called()
    assert lab.state == "talking"


def test_a_phone_that_two_hold_is_held_until_both_have_put_it_down() -> None:
    lab = HandsetLab().hold()
    lab.handset.hold("another page")
    lab.handset.let_go(lab)
    lab.is_called()
    lab.run(5)
    assert lab.state == "ringing"


def test_who_declines_refuses_the_caller() -> None:
    lab = HandsetLab().hold()
    call = lab.is_called()
    lab.handset.hang_up()
    lab.settle()
    assert (lab.state, call.record.status) == ("idle", 603)


def test_who_answers_or_declines_a_call_that_is_over_does_so_to_no_other_one() -> None:
    lab = HandsetLab().hold()
    lab.is_called(cancel_after=2.0)
    assert lab.handset.held is not None
    first = lab.handset.held.id
    lab.run(3)
    lab.is_called()
    for late in (lab.handset.answer, lab.handset.hang_up):
        with pytest.raises(Unable):
            late(first)
    assert lab.state == "ringing"
    lab.handset.answer(lab.handset.held.id)
    lab.settle()
    assert lab.state == "talking"


def test_a_caller_who_gives_up_stops_the_ringing_and_is_remembered_as_missed() -> None:
    lab = HandsetLab().hold()
    lab.is_called(cancel_after=2.0)
    lab.run(3)
    assert lab.state == "idle"
    [missed] = lab.handset.recent
    assert (missed.peer, missed.incoming, missed.seconds, missed.status) == ("+6591234567", True, None, 487)


def test_who_talks_is_busy_for_others() -> None:
    lab = HandsetLab().hold()
    lab.is_called()
    lab.handset.answer()
    lab.settle()
    second = lab.is_called()
    assert second.record.status == 486
    assert lab.state == "talking"


def test_it_shows_who_calls_as_the_network_says() -> None:
    lab = HandsetLab().hold()
    lab.is_called(name='Overseas call "<b>bold</b>"')
    held = lab.handset.held
    assert held is not None
    assert (held.peer, held.display_name) == ("+6591234567", 'Overseas call "<b>bold</b>"')


def test_what_is_said_and_heard_goes_by_the_sound_of_the_call() -> None:
    lab = HandsetLab().hold()
    heard: list[bytes] = []
    lab.handset.ears.add(heard.append)
    call = lab.is_called()
    lab.handset.speak(b"too early", lab)
    lab.handset.answer()
    lab.settle()
    sound = lab.sounds[call.record.order.call_id]
    lab.handset.speak(b"hello", lab)
    assert sound.said == [b"hello"]
    assert sound.ear is not None
    sound.ear(b"who is it?")
    assert heard == [b"who is it?"]
    lab.handset.hang_up()
    lab.settle()
    assert sound.closed
    lab.handset.speak(b"too late", lab)
    assert sound.said == [b"hello"]


def test_of_two_pages_who_spoke_first_is_heard_until_they_put_the_phone_down() -> None:
    lab = HandsetLab().hold()
    lab.handset.hold("another page")
    call = lab.is_called()
    lab.handset.answer()
    lab.settle()
    lab.handset.speak(b"first", lab)
    lab.handset.speak(b"second", "another page")
    lab.handset.let_go(lab)
    lab.handset.speak(b"third", "another page")
    assert lab.sounds[call.record.order.call_id].said == [b"first", b"third"]


def test_keys_are_pressed_by_sound() -> None:
    lab = HandsetLab().hold()
    call = lab.is_called()
    lab.handset.answer()
    lab.settle()
    lab.handset.press("15#")
    assert lab.sounds[call.record.order.call_id].pressed == ["15#"]


def test_keys_are_pressed_by_info_where_the_other_side_takes_none_by_sound() -> None:
    lab = HandsetLab(takes_keys=False).hold()
    lab.is_called()
    lab.handset.answer()
    lab.settle()
    lab.handset.press("5")
    lab.settle()
    assert lab.lab.network.last("INFO", PHONES).body == b"Signal=5\r\nDuration=100\r\n"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (lambda phone: phone.answer(), "nothing rings"),
        (lambda phone: phone.hang_up(), "no call"),
        (lambda phone: phone.press("5"), "in a call"),
        (lambda phone: phone.press("x"), "expected keys"),
        (lambda phone: phone.dial("alice"), "expected a number"),
        (lambda phone: phone.dial("sip:x@evil.example"), "expected a number"),
        (lambda phone: phone.text("10086", "  "), "expected a text"),
        (lambda phone: phone.text("10086", "x" * 501), "expected a text"),
        (lambda phone: phone.text("alice", "hello"), "expected a number"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(command: Callable[[Handset], None], why: str) -> None:
    with pytest.raises(Unable, match=why):
        command(HandsetLab().hold().handset)


def test_it_calls_and_hangs_up() -> None:
    lab = HandsetLab().hold()
    lab.lab.phones.for_number[BOB.number] = Behaviour(after=1.0)
    lab.handset.dial("+86 138-0013 8002")
    assert lab.state == "calling"
    lab.run(2)
    assert lab.state == "talking"
    lab.handset.hang_up()
    lab.settle()
    assert lab.state == "idle"
    [past] = lab.handset.recent
    assert (past.peer, past.incoming, past.seconds) == (BOB.number, False, 1.0)


def test_who_hangs_up_before_anybody_answers_cancels() -> None:
    lab = HandsetLab().hold()
    lab.lab.phones.for_number[BOB.number] = Behaviour(status=None)
    lab.handset.dial(BOB.number)
    lab.settle()
    lab.handset.hang_up()
    lab.settle()
    assert lab.state == "idle"
    assert lab.lab.network.times("CANCEL", PHONES) == [0.0]


def test_one_call_at_a_time() -> None:
    lab = HandsetLab().hold()
    lab.is_called()
    with pytest.raises(Unable, match="a call already"):
        lab.handset.dial(BOB.number)


def test_a_star_code_is_dialled_and_listed_without_its_pin() -> None:
    lab = HandsetLab().hold()
    lab.handset.dial("*354*2468#")
    lab.settle()
    assert lab.lab.network.last("INVITE", PHONES).uri.startswith("sip:*354*2468%23@")  # type: ignore[union-attr]
    lab.run(40)
    assert lab.handset.recent[0].peer == "*354*••••#"


def test_it_sends_texts_and_takes_them() -> None:
    lab = HandsetLab().hold()
    lab.handset.text(BOB.number, "Dinner at seven?")
    lab.lab.caller.text("<script>alert(1)</script>")
    lab.settle()
    sent, came = lab.handset.texts
    assert (sent.to, sent.body) == (BOB.number, "Dinner at seven?")
    assert (came.from_, came.to, came.body) == ("+6591234567", "", "<script>alert(1)</script>")
    assert lab.answered == ["<script>alert(1)</script>"]
    assert lab.lab.network.last("MESSAGE", PHONES).body == b"Dinner at seven?"


def test_star_codes_in_its_texts_show_no_pin_and_are_sent_whole() -> None:
    lab = HandsetLab().hold()
    lab.handset.text("*354*2468#", "I texted *354*2468# to you")
    lab.lab.caller.text("It was #354*2468#")
    lab.settle()
    sent, came = lab.handset.texts
    assert (sent.to, sent.body, came.body) == ("*354*••••#", "I texted *354*••••# to you", "It was #354*••••#")
    assert lab.lab.network.last("MESSAGE", PHONES).body == b"I texted *354*2468# to you"


def test_it_keeps_the_latest_texts_only() -> None:
    lab = HandsetLab()
    for number in range(TEXTS + 5):
        lab.lab.caller.text(f"text {number}")
        lab.settle()
    assert len(lab.handset.texts) == TEXTS
    assert lab.handset.texts[-1].body == f"text {TEXTS + 4}"


def test_its_page_is_told_of_every_change() -> None:
    lab = HandsetLab().hold()
    lab.is_called()
    lab.handset.answer()
    lab.settle()
    lab.handset.hang_up()
    lab.settle()
    assert [state for state, before in zip(lab.shown, ["", *lab.shown], strict=False) if state != before] == [
        "idle",
        "ringing",
        "talking",
        "idle",
    ]
