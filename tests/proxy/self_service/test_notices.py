"""Subscribers are told of refused calls, but not in floods."""

from __future__ import annotations

from proxy.self_service.notices import RefusedCallNotices

HOUR = 3600.0


def test_notices_are_rationed_by_caller_and_by_subscriber() -> None:
    notices = RefusedCallNotices(3)
    assert [notices.due("alice", "a", at) for at in (0.0, 1.0, HOUR - 1, HOUR)] == [True, False, False, True]
    assert [notices.due("alice", caller, HOUR + 1) for caller in "bcdef"] == [True, True, False, False, False]
    assert notices.due("bob", "a", HOUR + 1)
    assert not RefusedCallNotices(0).due("alice", "a", 0.0)


def test_a_clock_that_was_set_back_keeps_no_notice_back() -> None:
    notices = RefusedCallNotices(1)
    assert [notices.due("alice", "a", at) for at in (20 * HOUR, 19.5 * HOUR, HOUR)] == [True, False, True]


def test_notices_remember_a_bounded_number_of_subscribers() -> None:
    notices = RefusedCallNotices(1)
    assert all(notices.due(f"subscriber-{i}", "a", 0.0) for i in range(10_001))
    assert len(notices._told) == 10_000
