"""The instructions to a real phone at its start: what to do with calls, and the files of its TLS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A phone's behaviour in each call that comes in.

    It sends ``ring`` at once (180; 183 opens early media; None: nothing) and ``answer`` (200; 486 for busy, 603 to
    decline ...) after ``answer_after`` seconds (None: never). It hangs up ``talk`` seconds after a 200 (None: never),
    plays the WAV file ``play`` over and over, and records what it hears to ``record``.
    """

    answer_after: float | None = 0.0
    answer: int = 200
    ring: int | None = 180
    talk: float | None = None
    play: Path | None = None
    record: Path | None = None


ANSWER = Behaviour()
BUSY = Behaviour(ring=None, answer=486)
RING_ONLY = Behaviour(answer_after=None)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a phone that speaks TLS: its own, and the CA to check servers with (None: no check)."""

    certificate: Path | None = None
    private_key: Path | None = None
    ca: Path | None = None


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """The same with paths as text, for JSON."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
