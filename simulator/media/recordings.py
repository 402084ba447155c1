"""Recordings of callers: 16-bit mono WAV files at 8 kHz."""

from __future__ import annotations

import re
import wave
from pathlib import Path
from typing import Final

from simulator.media.g711 import RATE, Law, decode
from simulator.media.rtp import Packet

RECORDING_SERVICES: Final = ("voicemail", "honeypot")

_NOT_SAID = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_GAP: Final = 30 * RATE  # samples of silence in a row
_HALF: Final = 1 << 31  # of the timestamps' circle: what is further ahead is behind


def recording_path(folder: Path, service: str, call_id: str) -> Path:
    """The file of a call's recording, by the caller side's Call-ID, of which only harmless characters count."""
    return folder / "recordings" / f"{service}-{_NOT_SAID.sub('', call_id)[:100]}.wav"


class Recording:
    """A WAV file that fills as packets come: each at its time, silence where one is missing, `most` seconds in all."""

    def __init__(self, path: Path, most: float) -> None:
        """Create the file and its folder. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 (open as long as this is)
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(RATE)
        self._room = round(most * RATE)
        self._length = 0  # samples so far
        self._origin: tuple[int, int] | None = None  # SSRC, and the timestamp of the first sample

    def take(self, packet: Packet, law: Law) -> None:
        """Add a packet; one that comes too late is left out. Raises OSError where the disk is full."""
        gap = self._gap(packet)
        if gap is None or not -RATE <= gap <= _LONGEST_GAP:  # another source, or one that set its clock
            self._origin = packet.ssrc, packet.timestamp - self._length
            gap = 0
        if gap < 0:
            return
        gap = min(gap, self._room - self._length)
        samples = decode(packet.payload, law)[: self._room - self._length - gap]
        self._file.writeframesraw(bytes(2 * gap))
        self._file.writeframesraw(samples.astype("<i2").tobytes())
        self._length += gap + len(samples)

    def _gap(self, packet: Packet) -> int | None:
        """The samples by which the packet is ahead of what there is, or behind it; None where nobody can say."""
        if self._origin is None or self._origin[0] != packet.ssrc:
            return None
        return (packet.timestamp - self._origin[1] - self._length + _HALF) % (2 * _HALF) - _HALF

    def close(self) -> None:
        """Finish the file. Raises OSError where the disk is full."""
        self._file.close()
