"""One planned call: all that is decided of it before anything is played. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from simulator.scenario.calls import Behaviour, Expect

_LONGEST_GAP = 0.2  # seconds: longer silences teach nothing where only setup delays are wanted


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call to place, or one text to send (`method` MESSAGE). `start` is seconds from the beginning of the run.

    `caller` is what to present as user part (`anonymous` included), `callee` what to dial; the `_name`s are set
    where they are subscribers. `ring` is seconds until the phone does what `behaviour` says; `talk` seconds from the
    answer to the caller's BYE; `cancel_after` seconds from ringing to the caller's CANCEL. `headers` say who calls
    beside From. `body` is the text's words, `caller_presses` and `phone_presses` are keys that real phones press after
    the answer. `segment` is the profile of the callee in a mix. `after` are the campaigns whose calls must have
    ended before; `start` takes them to last as long as is planned.
    """

    id: str
    campaign: str
    family: str
    trunk: str
    caller: str
    caller_name: str | None
    callee: str
    callee_name: str | None
    start: float
    ring: float
    talk: float | None
    behaviour: Behaviour
    cancel_after: float | None
    agent: Literal["wire", "pjsua"]
    truth: Literal["scam", "legit", "attack", "unknown"]
    expect: Expect | None
    display_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    method: Literal["INVITE", "MESSAGE"] = "INVITE"
    body: str | None = None
    caller_presses: str = ""
    phone_presses: str = ""
    segment: str = ""
    after: tuple[str, ...] = ()

    @property
    def ends(self) -> float:
        """The moment by which it should have ended, in seconds from the beginning of the run."""
        return self.start + self.ring + (self.cancel_after or 0.0) + (self.talk or 0.0)

    @property
    def needs_sound(self) -> bool:
        """True if only real phones can play it as planned: they press keys, and it is said what is heard."""
        hears = self.expect is not None and self.expect.hears
        return bool(self.caller_presses or self.phone_presses or hears)


def plan_lasts(calls: Iterable[PlannedCall]) -> float:
    """Return the seconds from the first moment of the plan until its last call should have ended."""
    return max((call.ends for call in calls), default=0.0)


def closer_together(calls: Iterable[PlannedCall]) -> tuple[PlannedCall, ...]:
    """Return the same calls in the same order, with the long silences between them cut short; none waits for others."""
    moved = []
    previous = start = 0.0
    for call in sorted(calls, key=lambda call: call.start):
        start += min(call.start - previous, _LONGEST_GAP)
        previous = call.start
        moved.append(replace(call, start=start, after=()))
    return tuple(moved)
