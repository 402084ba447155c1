"""A recording proves what was heard."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator.judging.audio_checks import unheard
from simulator.media.prompts import prompt
from simulator.media.recognition import tone, write_wav
from simulator.scenario.voices import NOTHING, VOICES


@pytest.mark.parametrize(("side", "other"), [("caller", "phone"), ("phone", "caller")])
def test_a_voice_is_told_from_the_other_one(tmp_path: Path, side: str, other: str) -> None:
    write_wav(tmp_path / "heard.wav", tone(VOICES[side], 0.6))
    assert unheard([side], tmp_path / "heard.wav") == ()
    assert unheard([other, NOTHING], tmp_path / "heard.wav") == (f"{other} (but {side})", f"nothing (but {side})")


def test_a_short_piece_of_a_voice_proves_nothing(tmp_path: Path) -> None:
    write_wav(tmp_path / "heard.wav", tone(VOICES["phone"], 0.3))
    assert unheard(["phone"], tmp_path / "heard.wav") == ("phone (but nothing)",)


def test_a_swapped_announcement_is_found_out(tmp_path: Path) -> None:
    shutil.copy(prompt("locked"), tmp_path / "heard.wav")
    assert unheard(["locked"], tmp_path / "heard.wav") == ()
    assert unheard(["barred"], tmp_path / "heard.wav") == ("barred (but locked)",)


@pytest.mark.parametrize("seconds", [None, 0.0, 1.0])
def test_no_recording_and_a_silent_one_are_nothing(tmp_path: Path, seconds: float | None) -> None:
    if seconds is not None:
        write_wav(tmp_path / "heard.wav", np.zeros(round(seconds * 8000)))
    assert unheard([NOTHING], tmp_path / "heard.wav") == ()
    assert unheard(["barred", "caller"], tmp_path / "heard.wav") == ("barred (but nothing)", "caller (but nothing)")
