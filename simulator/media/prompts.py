"""The announcements that the switches play: `prompts/NAME.wav`, spoken by prompts/make.sh, 8 kHz 16-bit mono."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("prompts")

PROMPTS: tuple[str, ...] = tuple(sorted(path.stem for path in _FOLDER.glob("*.wav")))


def prompt(name: str) -> Path:
    """The file of the announcement of this name. Raises LookupError for a name that there is not."""
    if name not in PROMPTS:
        raise LookupError(f"no prompt {name!r}: there are {', '.join(PROMPTS)}")
    return _FOLDER / f"{name}.wav"
