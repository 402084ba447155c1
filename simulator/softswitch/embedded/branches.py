"""The phones of one callee that ring for one call: the first that answers has it (RFC 3261 16.7)."""

from __future__ import annotations

from proxy.core.response_context import rank
from proxy.sip.message import Response
from simulator.agents.endpoint import Headers
from simulator.agents.leg import Leg
from simulator.softswitch.embedded.passthrough import status_for

# What the CANCEL of the others says, so that their phones list no missed call (RFC 3326 section 2).
ELSEWHERE = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)


class Branches:
    """The legs that still ring, and the best refusal so far."""

    def __init__(self) -> None:
        self._ringing: list[Leg] = []
        self._best: Response | None = None
        self.forked = False

    def add(self, leg: Leg) -> None:
        """One more phone rings."""
        self.forked = bool(self._ringing)
        self._ringing.append(leg)

    def answered(self, leg: Leg, now: float) -> bool:
        """True for the first that answers: the others are cancelled. One that answers too late gets a BYE."""
        if leg not in self._ringing:
            leg.acknowledge(now)
            leg.bye(now)
            return False
        self._ringing.remove(leg)
        self.cancel(now, ELSEWHERE)
        return True

    def refused(self, leg: Leg, response: Response | None, now: float) -> tuple[int, Response | None] | None:
        """The status, and the response where there is one, that the caller is to get; None while another phone rings
        or has answered. `response` is None for a phone that never said anything. A 6xx ends the ringing everywhere.
        """
        if leg not in self._ringing:
            return None
        self._ringing.remove(leg)
        if response is not None and (self._best is None or rank(response.status) < rank(self._best.status)):
            self._best = response
        if response is not None and response.status >= 600:
            self.cancel(now)
        if self._ringing:
            return None
        return (status_for(self._best), self._best) if self._best is not None else (408, None)

    def cancel(self, now: float, headers: Headers = ()) -> None:
        """Have all that still ring stop; whatever they say then is of no interest."""
        ringing, self._ringing = self._ringing, []
        for leg in ringing:
            leg.hang_up(now, headers=headers)
