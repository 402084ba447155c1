"""Each judged call from its verdict to its end, by the messages that pass: who rang, answered, hung up. Sans-IO.

A back-to-back softswitch has legs of its own. One that says of a leg which call it is for (`X-Ringfence-Call`, with the
Call-ID of the side that it came in on), or that keeps the Call-ID, lets us tell who of them ended it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from proxy.core.events import (
    Answered,
    Cancelled,
    Ended,
    Event,
    Judged,
    Party,
    ProfileChanged,
    Rang,
    Shadowed,
    SoftswitchSaid,
    Unanswered,
)
from proxy.core.time_of_day import TimeOfDay
from proxy.policy.verdict import Step
from proxy.sip.errors import BadRequest
from proxy.sip.headers import parse_name_addr, value_of
from proxy.sip.message import Request, Response
from proxy.subscribers.changes import Change

CALL_HEADER: Final = "x-ringfence-call"
_MOST = 100_000  # answered calls that are remembered, and legs of the switch; a test lessens it
_KEPT: Final = 86_400.0  # seconds from the answer: a BYE may never pass here
_REACTS_WITHIN: Final = 4.0  # seconds from a BYE on one leg to that of the switch on the other
_MOST_LEGS: Final = 16  # of one call
_SHOWN: Final = 200  # characters of what a switch may write at any length
_CHALLENGES: Final[tuple[int, ...]] = (401, 407)


class CallState:
    """One call under way. `caller_tag` is that of From; `judged` is forgotten once the call was answered.

    Its times are all by the clock of its arrival, also where the time of day is set meanwhile: so none is before that,
    and between two of them lies what really passed.
    """

    __slots__ = (
        "answered",
        "call_id",
        "caller_tag",
        "cancelled_by",
        "epoch",
        "far_hung_up",
        "far_refused",
        "judged",
        "legs",
        "rang",
        "said",
        "told",
    )

    def __init__(self, judged: Judged, caller_tag: str | None, epoch: float) -> None:
        self.judged: Judged | None = judged
        self.epoch = epoch
        self.call_id = judged.call_id
        self.caller_tag = caller_tag
        self.rang: float | None = None
        self.answered: float | None = None
        self.cancelled_by: Party | None = None
        self.far_refused = False  # the last leg of the switch was refused by whom it rang
        self.far_hung_up: float | None = None  # when a BYE came on one of them
        self.said: SoftswitchSaid | None = None
        self.told = True  # that it was judged
        self.legs: tuple[str, ...] = ()

    def at(self, now: float) -> float:
        """The time of day at a moment of the call, in seconds since 1970."""
        return now + self.epoch


class Calls:
    """Follows calls, and puts what becomes of them into `outputs`."""

    def __init__(self, clock: TimeOfDay, outputs: list[Event]) -> None:
        self.outputs = outputs
        self._clock = clock
        self._known: dict[str, CallState] = {}  # by Call-ID: those set up, and those answered
        # Answered ones, oldest first: a dict would look for its first entry behind all that are gone.
        self._standing: OrderedDict[str, CallState] = OrderedDict()
        self._far: dict[str, CallState] = {}  # by the Call-ID of a leg of the switch

    @property
    def standing(self) -> int:
        """The number of those that were answered, and of whose end nothing was heard."""
        return len(self._standing)

    def __len__(self) -> int:
        return len(self._known) + len(self._far)

    def judged(self, event: Judged, request: Request, waited: CallState | None = None) -> CallState:
        """Begin to follow what was decided over; `waited` is what it was while that could not be done yet."""
        state = CallState(event, request.from_.tag, self._clock.epoch if waited is None else waited.epoch)
        self.outputs.append(event)
        if event.call.method == "INVITE":
            self._known.setdefault(event.call_id, state)  # else another's, by chance or by intent
        return state

    def waits(self, event: Judged, request: Request) -> CallState:
        """Take what will be decided over in a while: as this, should its sender give up before."""
        state = CallState(event, request.from_.tag, self._clock.epoch)
        state.told = False
        return state

    def changed(self, changes: tuple[Change, ...], now: float) -> None:
        """Changes of a subscriber's profile are saved."""
        self.outputs.append(ProfileChanged(now + self._clock.epoch, changes))

    def shadowed(self, call_id: str, step: Step, now: float) -> None:
        """A rule in shadow mode got its answer."""
        self.outputs.append(Shadowed(call_id, now + self._clock.epoch, step))

    # --- the side that a call came in on

    def rings(self, state: CallState, now: float) -> None:
        """The first 180 or 183 went to the caller."""
        if state.rang is None and state.judged is not None:
            state.rang = at = state.at(now)
            self.outputs.append(Rang(state.judged, at))

    def cancelled(self, state: CallState, by: Party, now: float) -> None:
        """Nobody waits for an answer any more."""
        if state.cancelled_by is None and state.judged is not None:
            state.cancelled_by = by
            self._tell(state)
            self.outputs.append(Cancelled(state.judged, state.at(now), by))

    def softswitch_says(self, state: CallState, response: Response) -> None:
        """Keep what a final response of the switch says of its reason."""
        reasons = ", ".join(response.headers("reason"))
        state.said = SoftswitchSaid(response.status, reasons[:_SHOWN], (response.header("retry-after") or "")[:_SHOWN])

    def concluded(self, state: CallState, status: int | None, by: Party, now: float) -> None:
        """The final response went to the caller, or never will. `by` is who brought it about, as far as it is known."""
        judged = state.judged
        if judged is None:
            return
        at = state.at(now)
        if not state.told:
            self._tell(state)
        state.judged = None
        if status is not None and status < 300:
            self.outputs.append(Answered(judged, at, status, state.rang, state.legs))
            if self._known.get(state.call_id) is state:
                state.answered = at
                self._standing[state.call_id] = state
                self._give_up(now)
            return
        if status == 487 and state.cancelled_by is not None:
            by = state.cancelled_by
        elif by == "softswitch" and state.far_refused:
            by = "callee"
        self.outputs.append(Unanswered(judged, at, status, state.rang, state.legs, by, state.said))
        self._forget(state)

    def _tell(self, state: CallState) -> None:
        if not state.told and state.judged is not None:
            state.told = True
            self.outputs.append(state.judged)

    # --- the legs of the softswitch

    def begins_leg(self, request: Request) -> CallState | None:
        """Take an INVITE from the switch: the call that it is for, where that is known."""
        call_id = request.call_id
        near = request.header(CALL_HEADER) if request.has(CALL_HEADER) else call_id
        state = self._known.get(near or "")
        if state is None or request.to.tag is not None:
            return None
        if call_id != state.call_id and call_id not in state.legs:
            if len(state.legs) >= _MOST_LEGS or len(self._far) >= _MOST:
                return state
            state.legs += (call_id,)
            self._far[call_id] = state
        return state

    def leg_refused(self, state: CallState, status: int) -> None:
        """Note that the called phone did not take the call; 487 is what the switch asked for itself."""
        state.far_refused = status != 487

    # --- the end of calls that were answered

    def hangs_up(self, bye: Request, now: float, *, by_softswitch: bool) -> tuple[CallState, Party, float] | None:
        """Take a BYE that goes on: whose call it ends once it is answered, who hung up, and when."""
        call_id = bye.call_id
        state = self._standing.get(call_id)
        try:
            if by_softswitch:
                if state is None or not _has_tag(bye.line("to"), state.caller_tag):
                    return None
                hung_up = state.far_hung_up
                by_callee = hung_up is not None and now - hung_up < _REACTS_WITHIN
                return state, "callee" if by_callee else "softswitch", now
            if state is not None and _has_tag(bye.line("from"), state.caller_tag):
                return state, "caller", now
            if state is None:
                state = self._far.get(call_id)
            elif not _has_tag(bye.line("to"), state.caller_tag):
                return None
        except BadRequest:  # the other side will say so
            return None
        if state is not None:
            state.far_hung_up = now
        return None

    def ended(self, state: CallState, by: Party, status: int | None, at: float) -> None:
        """A BYE had its final response, None where none came; `at` is when it was sent. A challenge ends nothing."""
        if status not in _CHALLENGES and self._standing.get(state.call_id) is state:
            self._end(state, by, state.at(at))

    def _end(self, state: CallState, by: Party, at: float) -> None:
        if state.answered is not None:
            self.outputs.append(Ended(state.call_id, at, state.rang, state.answered, state.legs, by))
        self._forget(state)

    def _give_up(self, now: float) -> None:
        """End those of whose end nothing was heard for too long: one at a time, as others are answered."""
        oldest = next(iter(self._standing.values()))
        if len(self._standing) > _MOST or (oldest.answered or 0.0) + _KEPT < oldest.at(now):
            self._end(oldest, "timeout", oldest.at(now))

    def _forget(self, state: CallState) -> None:
        if self._known.get(state.call_id) is state:
            del self._known[state.call_id]
            self._standing.pop(state.call_id, None)
        for leg in state.legs:
            if self._far.get(leg) is state:
                del self._far[leg]


def _has_tag(line: str, tag: str | None) -> bool:
    """True for a From or To line with that tag; most end with it. Raises BadRequest where it cannot be read."""
    if tag and line.endswith(f">;tag={tag}"):
        return True
    return parse_name_addr(value_of(line)).tag == tag
