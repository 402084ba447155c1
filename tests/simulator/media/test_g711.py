"""G.711 against the values that the recommendation's tables give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.media.g711 import SILENCE, Law, decode, encode, load, transcode
from simulator.media.recognition import tone, write_wav

LAWS: list[Law] = ["PCMU", "PCMA"]


@pytest.mark.parametrize(
    ("law", "sample", "code", "level"),
    [
        ("PCMU", 0, 0xFF, 0),
        ("PCMU", -1, 0x7E, -8),
        ("PCMU", 32767, 0x80, 32124),
        ("PCMU", -32768, 0x00, -32124),
        ("PCMU", 1000, 0xCE, 988),
        ("PCMA", 0, 0xD5, 8),
        ("PCMA", -1, 0x55, -8),
        ("PCMA", 32767, 0xAA, 32256),
        ("PCMA", -32768, 0x2A, -32256),
        ("PCMA", 1000, 0xFA, 1008),
    ],
)
def test_samples_have_the_codes_of_the_tables(law: Law, sample: int, code: int, level: int) -> None:
    assert encode(np.array([sample], dtype=np.int16), law) == bytes([code])
    assert decode(bytes([code]), law).tolist() == [level]


@pytest.mark.parametrize("law", LAWS)
def test_a_level_keeps_its_code_and_every_sample_comes_near_itself(law: Law) -> None:
    levels = decode(bytes(range(256)), law)
    again = decode(encode(levels, law), law)
    assert again.tolist() == levels.tolist()
    samples = np.arange(-32768, 32768).astype(np.int16)
    off = np.abs(decode(encode(samples, law), law).astype(int) - samples)
    assert (off <= np.maximum(np.abs(samples.astype(int)) / 16, 12)).all()


def test_silence_is_silent() -> None:
    for law in LAWS:
        assert abs(int(decode(SILENCE[law], law)[0])) <= 8


def test_one_law_becomes_the_other_and_itself_stays() -> None:
    quiet_to_loud = encode((tone(440, 0.1) * 32767).astype(np.int16), "PCMU")
    there = transcode(quiet_to_loud, "PCMU", "PCMA")
    off = decode(there, "PCMA").astype(int) - decode(quiet_to_loud, "PCMU").astype(int)
    assert np.abs(off).max() <= 512
    assert np.abs(off).max() > 0
    assert transcode(there, "PCMA", "PCMA") is there
    assert len(transcode(there, "PCMA", "PCMU")) == len(there)


def test_a_file_is_read_once_and_only_at_8_khz(tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav", tone(440, 0.5))
    write_wav(tmp_path / "fast.wav", tone(440, 0.5, rate=16000), rate=16000)
    sound = load(tmp_path / "good.wav", "PCMU")
    assert len(sound) == 4000
    assert load(tmp_path / "good.wav", "PCMU") is sound
    with pytest.raises(ValueError, match="8000 Hz"):
        load(tmp_path / "fast.wav", "PCMU")
