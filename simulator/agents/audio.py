"""Tones to play and tones to find again: how a test proves that a phone heard what another one played.

Samples are float arrays in -1..1; files are 16-bit mono WAV.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

RATE_HZ = 8000
BLOCK_S = 0.05  # 20 Hz wide bins: two tones 100 Hz apart are told apart with ease
AUDIBLE_RMS = 0.005  # about 46 dB below full scale; G.711's idle noise is well under it


def tone(hz: float, seconds: float, *, rate: int = RATE_HZ, level: float = 0.3) -> Samples:
    """A pure tone of ``hz``; ``level`` is its peak, 1 being full scale."""
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * hz * times), dtype=np.float64)


def write_wav(path: Path, samples: Samples, *, rate: int = RATE_HZ) -> None:
    """Write samples as 16-bit mono; what is beyond full scale is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples and rate (Hz) of a 16-bit mono WAV; ValueError for any other kind."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(
                f"{path}: found {file.getnchannels()} channels of {file.getsampwidth() * 8} bits,"
                " expected mono of 16 bits"
            )
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return samples.astype(np.float64) / 32768, file.getframerate()


def tone_share(samples: Samples, hz: float, *, rate: int = RATE_HZ) -> float:
    """The share (0..1) of the samples' energy that a sine of ``hz`` explains: one bin of a Fourier transform."""
    energy = float(np.sum(samples**2))
    if energy == 0:
        return 0.0
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(samples.size))
    return min(1.0, float(2 * np.abs(samples @ turn) ** 2 / (samples.size * energy)))


def tone_seconds(samples: Samples, hz: float, *, rate: int = RATE_HZ, share: float = 0.8) -> float:
    """For how many seconds a tone of ``hz`` is audible and carries at least ``share`` of the energy."""
    size = round(BLOCK_S * rate)
    blocks = samples[: samples.size // size * size].reshape(-1, size)
    heard = sum(
        np.sqrt(np.mean(block**2)) >= AUDIBLE_RMS and tone_share(block, hz, rate=rate) >= share for block in blocks
    )
    return float(heard) * BLOCK_S


def heard(path: Path, hz: float) -> float:
    """For how many seconds the tone of ``hz`` is heard in a recording."""
    samples, rate = read_wav(path)
    return tone_seconds(samples, hz, rate=rate)
