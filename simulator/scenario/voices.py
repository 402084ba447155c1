"""The sounds that a scenario can want heard in a call of real phones: a voice, an announcement, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proxy.files.yaml_file import did_you_mean
from simulator.media.prompts import PROMPTS

# The tones by which the two phones of a call are told from each other, in hertz.
VOICES: Mapping[str, float] = MappingProxyType({"caller": 440.0, "phone": 1000.0})
NOTHING = "nothing"
PROVING_TALK = 1.0  # seconds of a conversation after which both must have heard each other


def audio_check(text: str) -> str:
    """Return a sound's name as it stands in a scenario. Raises ValueError where nothing of that name is ever heard."""
    known = (*VOICES, NOTHING, *PROMPTS)
    if text not in known:
        raise ValueError(f"caller, phone, nothing or an announcement: {did_you_mean(text, known)}")
    return text
