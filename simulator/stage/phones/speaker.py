"""Callers who speak: which words go with a call, said again and again until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.agents.listening import Call, CallListener
from simulator.media.call_sound import CallSound
from simulator.media.prompts import caller_says

_PAUSE = 1.5  # seconds in which whoever was called may speak
_TO_A_MACHINE = 6.0  # seconds more for a call that was diverted: a mailbox says its greeting first
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
    """A caller: speaks from the answer on, and hangs up `talk` seconds later, or a while after that where the call was
    `diverted`; None: leaves that to the callee. Needs a running event loop."""

    def __init__(
        self,
        sound: CallSound,
        wav: Path,
        talk: float | None,
        diverted: Callable[[], bool],
        hang_up: Callable[[Call], None],
    ) -> None:
        self._sound = sound
        self._wav = wav
        self._talk = talk
        self._diverted = diverted
        self._hang_up = hang_up
        self._again: asyncio.TimerHandle | None = None
        self._leaves: asyncio.TimerHandle | None = None
        self._over = False

    def established(self, call: Call, _now: float) -> None:
        if self._talk is not None:
            self._leaves = asyncio.get_running_loop().call_later(self._talk, self._leave, call)
        self._speak()

    def ended(self, _call: Call, _now: float) -> None:
        self._over = True
        for timer in (self._again, self._leaves):
            if timer is not None:
                timer.cancel()

    def _leave(self, call: Call) -> None:
        if self._diverted():
            self._leaves = asyncio.get_running_loop().call_later(_TO_A_MACHINE, self._hang_up, call)
        else:
            self._hang_up(call)

    def _speak(self) -> None:
        if not self._over:
            self._sound.port.play(self._wav, self._pause)

    def _pause(self, _now: float) -> None:
        if not self._over:
            self._again = asyncio.get_running_loop().call_later(_PAUSE, self._speak)
