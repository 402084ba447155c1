"""Subscribers' own changes: in force at once, laid over the operator's profile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.profile import Barring
from proxy.subscribers.changes import Change, ChangedDirectory, Overlay
from proxy.subscribers.directory import Directory
from tests.plays.subscribers_changes import ALICE, ALLOWED, BARRED, BOB, CHANGED


def test_a_change_is_in_force_at_once_and_for_nobody_else() -> None:
    overlay = Overlay()
    directory = ChangedDirectory(Directory([ALICE, BOB]), overlay)
    assert directory.find(ALICE.number) == ALICE
    overlay.apply(BARRED)
    overlay.apply(ALLOWED)
    assert directory.find(ALICE.number) == directory.find_user("alice") == CHANGED
    assert (directory.find(BOB.number), directory.find_user("bob")) == (BOB, BOB)
    assert (directory.find("+8613800138003"), directory.find_user("carol")) == (None, None)


def test_only_what_was_changed_is_laid_over_the_operators_profile() -> None:
    overlay = Overlay([BARRED])
    assert overlay.over(ALICE.but(roaming=True, allow=())) == ALICE.but(
        roaming=True, allow=(), barring=Barring(incoming_international=True)
    )


NUMBERS = st.sampled_from([ALICE.number, BOB.number])
CHANGES = st.one_of(
    st.builds(Change, NUMBERS, st.sampled_from([*Barring.__match_args__, "notify"]), st.booleans()),
    st.builds(Change, NUMBERS, st.sampled_from(["allow", "block"]), st.sampled_from([(), ("+65*",), ("10086", "+1")])),
)


@given(changes=st.lists(CHANGES, max_size=12), asked=st.integers(0, 12))
def test_saved_and_unsaved_changes_together_are_all_changes(changes: list[Change], asked: int) -> None:
    before, after = Overlay(changes), Overlay()
    after.reset(changes[:asked], changes[asked:])
    assert [before.over(one) for one in (ALICE, BOB)] == [after.over(one) for one in (ALICE, BOB)]
