"""Callers who speak: which words go with a call, said again and again until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from simulator.agents.listening import Call, CallListener
from simulator.media.call_sound import CallSound
from simulator.media.prompts import caller_says

_PAUSE = 1.5  # seconds in which whoever was called may speak
_BY_FAMILY: Mapping[str, str] = {
    "bank": "bank",
    "courier": "prize",
    "family": "family",
    "friend": "family",
    "impersonation": "police",
    "spoofing": "bank",
    "wangiri": "prize",
    "warning-line": "office",
}
_BY_TRUTH: Mapping[str, str] = {"scam": "prize", "attack": "prize"}
_OTHERS = "office"


def words(family: str, truth: str, language: str) -> Path:
    """The recording of a caller's words. Raises LookupError for a language that there is not."""
    return caller_says(_BY_FAMILY.get(family) or _BY_TRUTH.get(truth, _OTHERS), language)


class Speaker(CallListener):
    """One side of a call: it speaks from the answer on. Needs a running event loop."""

    def __init__(self, sound: CallSound, wav: Path) -> None:
        self._sound = sound
        self._wav = wav
        self._again: asyncio.TimerHandle | None = None
        self._over = False

    def established(self, _call: Call, _now: float) -> None:
        self._speak()

    def ended(self, _call: Call, _now: float) -> None:
        self._over = True
        if self._again is not None:
            self._again.cancel()

    def _speak(self) -> None:
        if not self._over:
            self._sound.port.play(self._wav, self._pause)

    def _pause(self, _now: float) -> None:
        if not self._over:
            self._again = asyncio.get_running_loop().call_later(_PAUSE, self._speak)
