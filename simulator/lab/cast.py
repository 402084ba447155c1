"""The cast of a lab: agents that place the planned calls, and phones that take them, whatever they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from simulator.judging.evidence import CallerSaw, Evidence, PhoneSaw
from simulator.traffic.planned_call import PlannedCall

# Told the id of a call to which nothing more will happen, and what its caller saw.
OnEnded = Callable[[str, CallerSaw], None]


class Cast(Protocol):
    """Agents that place calls, and phones that take them; `WireCast` and `RealCast` are made of one sort each.

    A call goes through `expect`, then `place`, then `saw`. Where the sorts mix, each cast is told what to expect of all
    calls, and asked about all phones: `MixedCast`.
    """

    @property
    def ended(self) -> int:
        """The number of placed calls that have ended."""

    @property
    def problems(self) -> list[str]:
        """The faults that make a run with these agents invalid; complete once they are gone."""

    def expect(self, call: PlannedCall) -> None:
        """Have the phone that takes this call, if it is one of these, do what is planned. The call is placed next."""

    def place(self, call: PlannedCall, due: float) -> None:
        """Have the call's agent call, or send its text, now. `due` is when it should have been placed."""

    def hang_up(self) -> None:
        """End the calls under way, where the agents can do so out of turn."""

    async def all_set_up(self) -> None:
        """Wait until every agent that placed a call has heard ringing, or the final answer, where it can tell."""

    async def idle(self) -> None:
        """Wait until every call placed has ended."""

    def saw(self, call: PlannedCall) -> Evidence | None:
        """Return what both sides saw of a call so far; None where none of these agents placed it."""

    def phone_saw(self, call: PlannedCall, call_id: str) -> PhoneSaw:
        """Return what these phones saw of a call that left its caller with this Call-ID."""

    def forget(self) -> None:
        """Let go of what was seen: nobody will ask any more, and a run may have a hundred thousand calls."""


class MixedCast:
    """Wire agents and real phones, which call one another."""

    def __init__(self, wire: Cast, real: Cast) -> None:
        self._casts: dict[str, Cast] = {"wire": wire, "pjsua": real}

    @property
    def ended(self) -> int:
        """The number of placed calls that have ended."""
        return sum(cast.ended for cast in self._casts.values())

    @property
    def problems(self) -> list[str]:
        """The faults of both."""
        return [problem for cast in self._casts.values() for problem in cast.problems]

    def expect(self, call: PlannedCall) -> None:
        """Tell both: the phone may be of either sort."""
        for cast in self._casts.values():
            cast.expect(call)

    def place(self, call: PlannedCall, due: float) -> None:
        """Have an agent of the planned sort place it."""
        self._casts[call.agent].place(call, due)

    def hang_up(self) -> None:
        """End the calls of both."""
        for cast in self._casts.values():
            cast.hang_up()

    async def all_set_up(self) -> None:
        """Wait for both."""
        for cast in self._casts.values():
            await cast.all_set_up()

    async def idle(self) -> None:
        """Wait for both."""
        for cast in self._casts.values():
            await cast.idle()

    def saw(self, call: PlannedCall) -> Evidence | None:
        """Return the caller's evidence, with that of the phone of either sort."""
        evidence = self._casts[call.agent].saw(call)
        return evidence and replace(evidence, phone_saw=self.phone_saw(call, evidence.call_id))

    def phone_saw(self, call: PlannedCall, call_id: str) -> PhoneSaw:
        """Return what the phone saw that took it."""
        seen = [cast.phone_saw(call, call_id) for cast in self._casts.values()]
        return next((saw for saw in seen if saw != PhoneSaw()), PhoneSaw())

    def forget(self) -> None:
        """Have both let go of it."""
        for cast in self._casts.values():
            cast.forget()
