"""G.711, the sound of telephones: 8000 samples a second, 8 bits each, in mu-law (PCMU) or A-law (PCMA)."""

from __future__ import annotations

import wave
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Law = Literal["PCMU", "PCMA"]
Samples = npt.NDArray[np.int16]

RATE = 8000  # samples, and so bytes, a second
SILENCE: dict[Law, bytes] = {"PCMU": b"\xff", "PCMA": b"\xd5"}


def _decoded_mu() -> Samples:
    """The 256 levels of mu-law: sign, three bits of exponent, four of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    level = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.asarray(np.where(code & 0x80, -level, level), dtype=np.int16)


def _decoded_a() -> Samples:
    """The 256 levels of A-law: as mu-law, but linear in the two lowest segments, and every other bit inverted."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 0x0F) << 4
    level = np.where(exponent == 0, mantissa + 8, mantissa + 0x108 << np.maximum(exponent - 1, 0))
    return np.asarray(np.where(code & 0x80, level, -level), dtype=np.int16)


def _encoded_mu() -> npt.NDArray[np.uint8]:
    """The code of each 16-bit sample, by its bits as an unsigned number."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    size = np.minimum(np.where(sample < 0, -sample, sample), 8158) + 33
    exponent = np.floor(np.log2(size)).astype(np.int32) - 5
    code = exponent << 4 | size >> exponent + 1 & 0x0F
    return np.asarray(~(code | np.where(sample < 0, 0x80, 0)) & 0xFF, dtype=np.uint8)


def _encoded_a() -> npt.NDArray[np.uint8]:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    size = np.where(sample < 0, ~sample, sample)
    exponent = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(np.int32) - 4, 0)
    code = exponent << 4 | size >> np.maximum(exponent, 1) & 0x0F
    return np.asarray((code | np.where(sample < 0, 0, 0x80)) ^ 0x55, dtype=np.uint8)


_DECODED: dict[Law, Samples] = {"PCMU": _decoded_mu(), "PCMA": _decoded_a()}
_ENCODED: dict[Law, npt.NDArray[np.uint8]] = {"PCMU": _encoded_mu(), "PCMA": _encoded_a()}


def encode(samples: Samples, law: Law) -> bytes:
    """16-bit samples as G.711."""
    return _ENCODED[law][samples.view(np.uint16)].tobytes()


def decode(data: bytes, law: Law) -> Samples:
    """G.711 as 16-bit samples."""
    return _DECODED[law][np.frombuffer(data, dtype=np.uint8)]


_TRANSCODED: dict[tuple[Law, Law], bytes] = {
    ("PCMU", "PCMA"): encode(_DECODED["PCMU"], "PCMA"),
    ("PCMA", "PCMU"): encode(_DECODED["PCMA"], "PCMU"),
}


def transcode(data: bytes, law: Law, to: Law) -> bytes:
    """From one law to the other."""
    return data if law == to else data.translate(_TRANSCODED[law, to])


@lru_cache(maxsize=64)
def load(path: Path, law: Law) -> bytes:
    """A WAV file as G.711. Raises OSError, or ValueError for any but 16-bit mono at 8 kHz."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path}: expected 16-bit mono at {RATE} Hz, found {file.getparams()}")
        return encode(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16), law)
