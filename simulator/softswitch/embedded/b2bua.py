"""A call between two sides whose media does not pass through the switch: their SDP is passed on as it is."""

from __future__ import annotations

from proxy.sip.message import Request, Response
from simulator.agents.dialog import address_header
from simulator.agents.endpoint import Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.uas import user_part
from simulator.softswitch.embedded.branches import Branches
from simulator.softswitch.embedded.passthrough import Destination, Exchange, onward, passed_on, shown_from, status_for


class B2bua(LegListener):
    """One call: the near leg, the far leg, and what passes between them."""

    def __init__(self, switch: Exchange, incoming: Incoming, now: float) -> None:
        request = incoming.request
        self._near = Leg.take(switch.endpoint, self, incoming)
        self._far: Leg | None = None  # the phone that answered
        self._branches = Branches()
        destinations = switch.route(request, user_part(request.uri), now)
        if isinstance(destinations, int):
            self._near.respond(destinations, now)
            return
        self._near.respond(100, now)
        for destination in destinations:
            self._branches.add(self._call(switch, request, destination, now))
        self._ringing_ends = switch.endpoint.scheduler.at(now + switch.ring_time, self._not_answered)

    def _call(self, switch: Exchange, request: Request, destination: Destination, now: float) -> Leg:
        return Leg.call(
            switch.endpoint,
            self,
            destination.uri,
            call_id=switch.endpoint.new_tag(),
            from_=shown_from(request),
            to=address_header(request.to),
            next_hop=destination.next_hop,
            now=now,
            headers=onward(request, destination),
            body=request.body,
        )

    def _other(self, leg: Leg) -> Leg | None:
        return self._far if leg is self._near else self._near if leg is self._far else None

    def _not_answered(self, now: float) -> None:
        self._near.respond(480, now)
        self._branches.cancel(now)

    def progressed(self, _leg: Leg, response: Response, now: float) -> None:
        if response.status > 100:
            # The caller's side is one dialog, which takes one description only: that of the phone that answers.
            alone = not self._branches.forked
            headers, body = passed_on(response, body=alone), response.body if alone else b""
            self._near.respond(response.status, now, reason=response.reason, headers=headers, body=body)

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        if not self._branches.answered(leg, now):
            return
        self._ringing_ends.cancel()
        if self._near.over:
            leg.bye(now)
        else:
            self._far = leg
            self._near.respond(
                response.status, now, reason=response.reason, headers=passed_on(response), body=response.body
            )

    def acknowledged(self, leg: Leg, request: Request, now: float) -> None:
        if other := self._other(leg):
            other.acknowledge(now, headers=passed_on(request), body=request.body)

    def refused(self, leg: Leg, response: Response, now: float) -> None:
        self._failed(leg, response, now)

    def unanswered(self, leg: Leg, now: float) -> None:
        self._failed(leg, None, now)

    def _failed(self, leg: Leg, response: Response | None, now: float) -> None:
        outcome = self._branches.refused(leg, response, now)
        if outcome is None:
            return
        self._ringing_ends.cancel()
        status, best = outcome
        if best is None:
            self._near.respond(status, now)
        else:
            reason = best.reason if status == best.status else None
            self._near.respond(status, now, reason=reason, headers=passed_on(best), body=best.body)

    def cancelled(self, _leg: Leg, request: Request, now: float) -> None:
        self._ringing_ends.cancel()
        self._branches.cancel(now, passed_on(request, body=False))

    def hung_up(self, leg: Leg, request: Request, now: float) -> None:
        if other := self._other(leg):
            other.hang_up(now, headers=passed_on(request))

    def unacknowledged(self, leg: Leg, now: float) -> None:
        if other := self._other(leg):
            other.hang_up(now)

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        """re-INVITE, UPDATE, INFO and MESSAGE go to the other side and their answers come back."""
        request, other = incoming.request, self._other(leg)
        if request.method == "OPTIONS":
            leg.answer(incoming, 200, now)
            return
        if other is None or request.method not in ("INVITE", "UPDATE", "INFO", "MESSAGE"):
            super().requested(leg, incoming, now)
            return

        if request.method == "INVITE":
            leg.answer(incoming, 100, now)

        def received(response: Response | None, now: float) -> None:
            if response is None and request.method != "INVITE":
                incoming.abandon()
            elif response is None:
                leg.answer(incoming, 408, now)
            else:
                leg.answer(incoming, status_for(response), now, headers=passed_on(response), body=response.body)

        other.request(request.method, now, received, headers=passed_on(request), body=request.body)
