"""The sound of a call that somebody talks by: 16-bit samples on their side, G.711 in RTP on the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.media.call_sound import CallSound
from simulator.media.g711 import Law, decode, encode
from simulator.media.ports import RtpPort

FRAME = 320  # bytes: 20 ms
LONGEST = 10 * FRAME  # of what is said at once


class LiveCallSound(CallSound):
    """A call's sound on a port of its own."""

    port: RtpPort

    def hear(self, ear: Callable[[bytes], None] | None) -> None:
        """Hear the other side, as 16-bit samples (little-endian), 8000 a second; None: no longer."""
        if ear is None:
            self.port.hear(None)
            return
        hears = ear

        def heard(sound: bytes, law: Law) -> None:
            hears(decode(sound, law).astype("<i2").tobytes())

        self.port.hear(heard)

    def speak(self, samples: bytes) -> None:
        """Say something now, in packets of 20 ms; half a sample and what is too long is left out."""
        said = np.frombuffer(samples[: min(len(samples), LONGEST) // 2 * 2], dtype="<i2").astype(np.int16)
        sound = encode(said, "PCMU")
        for start in range(0, len(sound), FRAME // 2):
            self.port.speak(sound[start : start + FRAME // 2], "PCMU")

    def press(self, keys: str) -> bool:
        """Press keys; False where the other side takes none (RFC 4733)."""
        return self.port.press(keys)
