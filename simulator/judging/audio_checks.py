"""Checks of what each side of a call heard, by its recording."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulator.judging.evidence import Evidence
from simulator.media.prompts import PROMPTS, prompt
from simulator.media.recognition import SAME, heard, is_silent, likeness
from simulator.scenario.calls import Expect
from simulator.scenario.voices import NOTHING, PROVING_TALK, VOICES
from simulator.traffic.planned_call import PlannedCall

_ENOUGH = 0.4  # seconds of a voice that prove that it was heard


def missing_sounds(expect: Expect | None, evidence: Evidence) -> tuple[str, ...]:
    """Return what the scenario wants heard and a side did not hear; its recordings must be whole."""
    if expect is None or not expect.hears:
        return ()
    wanted = {"caller": expect.caller_hears, "phone": expect.phone_hears, "switch": expect.switch_hears}
    recordings = evidence.recordings
    return tuple(
        f"the {side} heard no {text}" for side in wanted for text in unheard(wanted[side], recordings.get(side))
    )


def one_way_audio(planned: PlannedCall, evidence: Evidence) -> tuple[str, ...]:
    """Return which of two real phones that talked long enough did not hear the other, in words."""
    if planned.agent != "pjsua" or not planned.callee_name or (planned.talk or 0.0) < PROVING_TALK:
        return ()
    return tuple(
        f"the {side} did not hear the {other}"
        for side, other in (("caller", "phone"), ("phone", "caller"))
        if not is_heard(other, evidence.recordings.get(side))
    )


def unheard(wanted: Iterable[str], recording: Path | None) -> tuple[str, ...]:
    """Return those of `wanted` that are not in the recording, and what is there instead."""
    missing = [what for what in wanted if not is_heard(what, recording)]
    if not missing:
        return ()
    instead = ", ".join(_heard_in(recording)) or NOTHING
    return tuple(f"{what} (but {instead})" for what in missing)


def is_heard(what: str, recording: Path | None) -> bool:
    """True if it is in the recording; without one, or where its phone died over it, that is nothing."""
    if recording is None:
        return what == NOTHING
    try:
        if what == NOTHING:
            return is_silent(recording)
        if what in VOICES:
            return heard(recording, VOICES[what]) >= _ENOUGH
        return likeness(recording, prompt(what), but_for=VOICES.values()) >= SAME
    except (FileNotFoundError, ValueError):
        return what == NOTHING


def _heard_in(recording: Path | None) -> list[str]:
    return [what for what in (*VOICES, *PROMPTS) if is_heard(what, recording)]
