"""Sounds that a scenario may want heard."""

from __future__ import annotations

import pytest

from simulator.scenario.voices import audio_check


@pytest.mark.parametrize("text", ["caller", "phone", "nothing", "barred", "challenge-5"])
def test_voices_announcements_and_nothing_can_be_wanted(text: str) -> None:
    assert audio_check(text) == text


def test_what_can_never_be_heard_is_no_expectation() -> None:
    with pytest.raises(ValueError, match=r'caller, phone, nothing or an announcement: .*"barred"'):
        audio_check("bared")
