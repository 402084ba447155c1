"""A tone that was played is found again; anything else is not taken for it."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from simulator.media.recognition import heard, read_wav, tone, tone_seconds, tone_share, write_wav


def test_a_tone_is_found_at_its_own_frequency_only() -> None:
    samples = tone(440, 2.0)
    assert tone_seconds(samples, 440) == pytest.approx(2.0)
    assert tone_seconds(samples, 540) == 0
    assert tone_seconds(samples, 1000) == 0


def test_a_tone_is_timed_within_what_surrounds_it() -> None:
    samples = np.concatenate([tone(1000, 0.5), tone(440, 0.7), np.zeros(4000)])
    assert tone_seconds(samples, 440) == pytest.approx(0.7, abs=0.06)


def test_neither_silence_nor_a_tone_too_faint_to_hear_nor_noise_is_a_tone() -> None:
    assert tone_seconds(np.zeros(8000), 440) == 0
    assert tone_seconds(tone(440, 1.0, level=0.001), 440) == 0
    noise = np.random.default_rng(7).normal(0, 0.2, 8000)
    assert tone_seconds(noise, 440) == 0


def test_half_of_the_energy_of_two_equal_tones_belongs_to_each() -> None:
    both = tone(440, 1.0) + tone(1000, 1.0)
    assert tone_share(both, 440) == pytest.approx(0.5, abs=0.01)
    assert tone_seconds(both, 440) == 0  # not that tone alone
    assert tone_seconds(both, 440, share=0.4) == pytest.approx(1.0)


def test_a_wav_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", tone(440, 0.5, rate=16000), rate=16000)
    samples, rate = read_wav(tmp_path / "tone.wav")
    assert (rate, samples.size) == (16000, 8000)
    np.testing.assert_allclose(samples, tone(440, 0.5, rate=16000), atol=1e-4)
    assert heard(tmp_path / "tone.wav", 440) == pytest.approx(0.5)


def test_stereo_is_refused_by_name(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
    with pytest.raises(ValueError, match=r"stereo\.wav: found 2 channels of 16 bits, expected mono of 16 bits"):
        read_wav(tmp_path / "stereo.wav")
