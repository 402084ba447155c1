"""The switch's recordings of callers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.media.g711 import encode
from simulator.media.recognition import read_wav
from simulator.media.recordings import Recording, recording_path
from simulator.media.rtp import Packet


def sound(timestamp: int, level: int, *, ssrc: int = 1, samples: int = 160) -> Packet:
    payload = encode(np.full(samples, level, dtype=np.int16), "PCMU")
    return Packet(0, 0, timestamp % (1 << 32), ssrc, payload)


def recorded(path: Path, packets: list[Packet], most: float = 10.0) -> list[int]:
    """The level of each 20 ms of what the packets make, in thousands."""
    recording = Recording(path, most)
    for packet in packets:
        recording.take(packet, "PCMU")
    recording.close()
    samples, rate = read_wav(path)
    assert rate == 8000
    assert samples.size % 160 == 0
    return [round(float(block.mean()) * 32.768) for block in samples.reshape(-1, 160)]


def test_packets_follow_each_other_even_where_the_clock_wraps(tmp_path: Path) -> None:
    start = (1 << 32) - 160
    packets = [sound(start + 160 * n, 1000 * (n + 1)) for n in range(3)]
    assert recorded(tmp_path / "a.wav", packets) == [1, 2, 3]


def test_a_gap_is_silent_and_what_comes_late_or_twice_is_left_out(tmp_path: Path) -> None:
    packets = [sound(800, 1000), sound(800, 1000), sound(1280, 4000), sound(960, 2000), sound(1440, 5000)]
    assert recorded(tmp_path / "a.wav", packets) == [1, 0, 0, 4, 5]


def test_another_source_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    packets = [sound(800, 1000), sound(99_000_000, 2000, ssrc=2), sound(99_000_160, 3000, ssrc=2)]
    assert recorded(tmp_path / "a.wav", packets) == [1, 2, 3]


@pytest.mark.parametrize("clock", [10_000, 1_317_548_792, 3_957_278_048])
def test_a_source_that_sets_its_clock_goes_on(tmp_path: Path, clock: int) -> None:
    packets = [sound(90_000, 1000), sound(clock, 2000), sound(clock + 160, 3000), sound(clock, 4000)]
    assert recorded(tmp_path / "a.wav", packets) == [1, 2, 3]


def test_a_recording_has_an_end(tmp_path: Path) -> None:
    packets = [sound(0, 1000), sound(160, 2000), sound(1600, 3000), sound(1760, 3000)]
    assert recorded(tmp_path / "a.wav", packets, most=0.1) == [1, 2, 0, 0, 0]
    assert recorded(tmp_path / "b.wav", [sound(0, 1000, samples=1600)], most=0.1) == [1] * 5


@pytest.mark.parametrize(
    ("call_id", "name"),
    [
        ("a84b4c76e66710@pc33.example", "voicemail-a84b4c76e66710pc33.example.wav"),
        ("../../etc/passwd", "voicemail-....etcpasswd.wav"),
        ("x" * 300, f"voicemail-{'x' * 100}.wav"),
        ("\0\n ", "voicemail-.wav"),
    ],
)
def test_a_call_id_leads_to_a_file_within_the_folder(tmp_path: Path, call_id: str, name: str) -> None:
    assert recording_path(tmp_path, "voicemail", call_id) == tmp_path / "recordings" / name
