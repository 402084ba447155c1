"""Checks of what a side hears in a call of real phones, by its recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from proxy.files.yaml_file import did_you_mean
from simulator.media.prompts import PROMPTS, prompt
from simulator.media.recognition import SAME, heard, is_silent, likeness

# What the two phones of a call say, in hertz: a tone each, so that it is known who was heard.
VOICES: Mapping[str, float] = MappingProxyType({"caller": 440.0, "phone": 1000.0})
NOTHING = "nothing"
PROVING_TALK = 1.0  # seconds of a conversation after which both must have heard each other
_ENOUGH = 0.4  # seconds of a voice that prove that it was heard


def hearing(text: str) -> str:
    """Check one as it stands in a scenario. Raises ValueError where nothing of that name can ever be heard."""
    known = (*VOICES, NOTHING, *PROMPTS)
    if text not in known:
        raise ValueError(f"caller, phone, nothing or an announcement: {did_you_mean(text, known)}")
    return text


def unheard(wanted: Iterable[str], recording: Path) -> tuple[str, ...]:
    """Those of `wanted` that are not in the recording, and what is there instead."""
    missing = [what for what in wanted if not is_heard(what, recording)]
    if not missing:
        return ()
    instead = ", ".join(_heard_in(recording)) or NOTHING
    return tuple(f"{what} (but {instead})" for what in missing)


def is_heard(what: str, recording: Path) -> bool:
    """True if it is in the recording; without one, or where its phone died over it, that is nothing."""
    try:
        if what == NOTHING:
            return is_silent(recording)
        if what in VOICES:
            return heard(recording, VOICES[what]) >= _ENOUGH
        return likeness(recording, prompt(what), but_for=VOICES.values()) >= SAME
    except (FileNotFoundError, ValueError):
        return what == NOTHING


def _heard_in(recording: Path) -> list[str]:
    return [what for what in (*VOICES, *PROMPTS) if is_heard(what, recording)]
