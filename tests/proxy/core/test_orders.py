"""An order is in force and answered once it is saved: nobody hears "Done." of what a kill could undo."""

from __future__ import annotations

import gc

import pytest

from proxy.core.questions import Ask
from proxy.subscribers.changes import Change
from tests.plays.dialogue import ABROAD, PHONE, SWITCH, request, taken
from tests.plays.order_line import ALICE, BOB, Line, changes, rings, sent, start, text_of

BARRED = [Change(ALICE, "incoming_international", True)]
STAR = "*354*2580%23"
NOT_SAVED = "Sorry, this could not be saved. Nothing was changed; please try again later."


def held() -> Line:
    """A line whose disk takes its time."""
    on = start()
    on.disk = None
    return on


def saved(on: Line, disk: bool) -> Line:
    """The disk comes back with an answer."""
    on.disk = disk
    return on.save()


def texts(on: Line) -> list[str]:
    """All texts that were sent, and nothing else of it."""
    on.core.outbox[:] = [one for one in on.core.outbox if one[1].startswith(b"MESSAGE")]
    return [text_of(on, ALICE) for _ in range(len(on.core.outbox))]


def cancel(dialled: str, n: int = 1) -> bytes:
    return sent("CANCEL", ALICE, dialled, n=n)


def test_a_text_is_answered_and_in_force_once_it_is_saved() -> None:
    on = held().receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE).sends_nothing()
    assert on.core.pending == 1
    assert rings(on)
    saved(on, True).sends(200, PHONE)
    assert "Done." in text_of(on, ALICE)
    assert changes(on) == BARRED
    assert not rings(on, n=91)
    assert [f"10086 by {ALICE}: changed"] == [one["detail"] for one in on.records() if one["rule"] == "self_service"]


def test_a_star_code_is_announced_once_it_is_saved_and_100_bridges_the_time() -> None:
    on = held().receive(sent("INVITE", ALICE, STAR), PHONE).sends(100, PHONE).sends_nothing()
    on.receive(sent("INVITE", ALICE, STAR), PHONE).sends(100, PHONE).sends_nothing()  # a retransmission
    assert rings(on)
    assert "Done." in text_of(saved(on, True), ALICE)
    on.sends("INVITE", SWITCH)
    assert on.forwarded.uri == "sip:rf*play*changed@127.0.0.9:5080"
    on.answer(200).sends(200, PHONE)
    assert changes(on) == BARRED
    assert not rings(on, n=91)


def test_what_cannot_be_saved_is_said_to_who_texted_it_and_not_in_force() -> None:
    on = held().receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE)
    saved(on, False).sends(200, PHONE)
    told = text_of(on, ALICE)
    assert NOT_SAVED in told
    assert "未能保存" in told
    assert "Done." not in told
    assert rings(on)
    assert on.records()[0]["detail"] == f"10086 by {ALICE}: not-saved"
    saved(on, True).receive(sent("MESSAGE", ALICE, "10086", "QXGJLH", n=2), PHONE).sends(200, PHONE)
    assert "Done." in text_of(on, ALICE)
    assert not rings(on, n=91)


def test_what_cannot_be_saved_is_announced_as_unchanged() -> None:
    on = held().receive(sent("INVITE", ALICE, STAR), PHONE).sends(100, PHONE)
    assert NOT_SAVED in text_of(saved(on, False), ALICE)
    on.sends("INVITE", SWITCH)
    assert on.forwarded.uri == "sip:rf*play*unchanged@127.0.0.9:5080"
    on.answer(200).sends(200, PHONE)
    assert rings(on)


def test_a_disk_that_does_not_come_back_is_not_waited_for_for_ever_and_what_it_says_late_counts() -> None:
    on = held().receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE)
    on.wait(9.9).sends_nothing().wait(0.2).sends(200, PHONE)
    assert NOT_SAVED in text_of(on, ALICE)
    on.receive(sent("MESSAGE", ALICE, "10086", "ALLOW +6591234567", n=2), PHONE).sends(200, PHONE)
    assert NOT_SAVED in text_of(on, ALICE)  # the disk is still busy with the one before
    on.receive(sent("MESSAGE", BOB, "10086", "STATUS", n=3), PHONE).sends(200, PHONE)
    text_of(on, BOB)
    assert on.core.pending == 0
    saved(on.forget_sent(), True)
    assert "Done." in text_of(on, ALICE)
    on.sends_nothing()
    assert changes(on) == BARRED
    assert not rings(on)


def test_a_disk_that_fails_late_has_nothing_more_to_say() -> None:
    on = held().receive(sent("INVITE", ALICE, STAR), PHONE).sends(100)
    on.wait(10.1)
    assert NOT_SAVED in text_of(on, ALICE)
    on.sends("INVITE", SWITCH).answer(200).sends(200, PHONE)
    saved(on, False).sends_nothing()
    assert rings(on)
    saved(on, True).receive(sent("INVITE", ALICE, STAR, n=2), PHONE).sends(100)
    assert "Done." in text_of(on, ALICE)


def test_orders_of_one_subscriber_are_carried_out_one_after_the_other() -> None:
    on = held()
    for n, text in enumerate(("ALLOW +6591234567", "BLOCK +23224*", "ALLOW +447700900765", "STATUS"), 1):
        on.receive(sent("MESSAGE", ALICE, "10086", text, n=n), PHONE).sends_nothing()
    on.receive(sent("MESSAGE", BOB, "10086", "STATUS", n=8), PHONE).sends(200, PHONE)  # others do not wait
    text_of(on, BOB)
    saved(on, True)
    for _ in range(4):
        on.sends(200, PHONE)
        told = text_of(on, ALICE)
    assert "Can always reach you: +6591234567, +447700900765" in told
    assert "Cannot reach you: +23224*" in told
    assert changes(on) == [
        Change(ALICE, "allow", ("+6591234567",)),
        Change(ALICE, "block", ("+23224*",)),
        Change(ALICE, "allow", ("+6591234567", "+447700900765")),
    ]
    assert len(on.records()) == 5


def test_of_two_orders_the_second_builds_on_nothing_that_was_not_saved() -> None:
    on = held()
    for n, text in enumerate(("ALLOW +6591234567", "ALLOW +447700900765"), 1):
        on.receive(sent("MESSAGE", ALICE, "10086", text, n=n), PHONE).sends_nothing()
    [ask] = taken(on.core, Ask)
    on.core.resolved(ask, False, on.now)
    on.sends(200, PHONE)
    assert NOT_SAVED in text_of(on, ALICE)
    saved(on, True).sends(200, PHONE)
    assert "Done." in text_of(on, ALICE)
    assert changes(on) == [Change(ALICE, "allow", ("+447700900765",))]


def test_who_hangs_up_while_it_is_saved_gets_487_and_is_told_by_text() -> None:
    on = held().receive(sent("INVITE", ALICE, STAR), PHONE).sends(100)
    on.receive(cancel(STAR), PHONE).sends(200, PHONE).sends(487, PHONE)
    assert on.records()[0]["final"] == 487
    assert "Done." in text_of(saved(on, True), ALICE)
    on.sends_nothing()
    assert not rings(on)


@pytest.mark.parametrize("disk", [True, False])
def test_wrong_pins_count_from_the_first_guess_whatever_the_disk_says(disk: bool) -> None:
    on = start()
    on.disk = disk
    heard = []
    for n in range(5):
        on.receive(sent("INVITE", ALICE, "*354*1111%23", n=n), PHONE)
        heard += texts(on)
    assert "Tries left: 2." in heard[0]
    assert all("Star codes are locked" in told for told in heard[2:])
    on.receive(sent("INVITE", ALICE, STAR, n=9), PHONE)
    assert "Star codes are locked" in texts(on)[0]


def test_guesses_that_come_while_one_is_saved_wait_and_count() -> None:
    on = held()
    for n in range(6):
        on.receive(sent("INVITE", ALICE, "*354*1111%23", n=n), PHONE).sends(100, PHONE)
    heard = texts(saved(on, True))
    assert len(heard) == 6
    assert sum("Tries left" in told for told in heard) == 2


def test_an_order_is_not_lost_by_a_drain() -> None:
    on = held().receive(sent("INVITE", ALICE, STAR), PHONE).sends(100)
    on.core.draining = True
    assert on.core.pending == 1
    assert "Done." in text_of(saved(on, True), ALICE)
    on.sends("INVITE", SWITCH).answer(200).sends(200, PHONE)


def test_who_still_waits_in_the_end_is_told_to_try_again() -> None:
    on = held().receive(sent("MESSAGE", ALICE, "10086", "QXGJLH"), PHONE)
    on.core.give_up(on.now)
    on.sends(503, PHONE)
    (record,) = on.records()
    assert (record["rule"], record["final"]) == ("self_service", 503)


def test_a_thousand_orders_that_wait_leave_nothing_behind() -> None:
    on = held()
    for n in range(1000):
        on.receive(sent("MESSAGE", ALICE, "10086", "KTGJLH" if n % 2 else "QXGJLH", n=n), PHONE)
    assert rings(on, n=5000)
    saved(on, True).forget_sent()
    on.wait(100.0).forget_sent()
    on.receive(request("CANCEL", ABROAD, branch="z9hG4bK-5000", call_id="call-5000"), ABROAD).forget_sent()
    on.wait(300.0).forget_sent()
    assert (on.core.pending, on.core.transactions) == (0, 0)


def test_orders_leave_no_cycles_for_the_collector_which_does_not_run() -> None:
    on = held()
    gc.collect()
    gc.disable()
    try:
        for n, disk in enumerate((True, False, True)):
            on.disk = None
            on.receive(sent("MESSAGE", ALICE, "10086", "QXGJLH", n=2 * n), PHONE)
            on.receive(sent("MESSAGE", ALICE, "10086", "KTGJLH", n=2 * n + 1), PHONE)
            saved(on, disk).forget_sent()
        on.wait(400.0).forget_sent()
        on.records()
        assert gc.collect() == 0
    finally:
        gc.enable()
