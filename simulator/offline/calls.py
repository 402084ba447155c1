"""Planned calls -> what the policy judges of them, as if the lab's agents had sent them."""

from __future__ import annotations

from typing import Any

from proxy.numbers.numbering import Numbering
from proxy.policy.call import Call
from proxy.policy.trunks import Trunk
from proxy.sip.message import Request
from simulator.agents.orders import Order
from simulator.scenario.model import Scenario
from simulator.traffic.planned_call import PlannedCall

_ODD = frozenset("#:@;% ")  # characters of numbers that are written otherwise on the wire


class CallMaker:
    """Makes the calls of one scenario. `begins` is when its plan begins, in epoch seconds, and `pace` the seconds that
    pass in one of the plan's."""

    def __init__(self, scenario: Scenario, numbering: Numbering, begins: float, pace: float = 1.0) -> None:
        self.trunks = {name: _trunk(scenario, name, kind) for name, kind in scenario.trunks.items()}
        self._numbering = numbering
        self._begins, self._pace = begins, pace
        self._proving = {
            name: each.number for name, each in (scenario.subscribers.items() if scenario.digest_trunks else ())
        }

    def make(self, planned: PlannedCall) -> Call:
        """The call as the proxy reads it. Raises SipError where it cannot be read."""
        trunk, at = self.trunks[planned.trunk], self._begins + planned.start * self._pace
        caller, callee = planned.caller, planned.callee
        if (
            planned.headers
            or trunk.auth != "none"
            or caller == "anonymous"
            or not _ODD.isdisjoint(caller)
            or not _ODD.isdisjoint(callee)
        ):
            return self._as_sent(planned, trunk, at)
        return Call.from_fields(
            caller,
            callee,
            trunk,
            self._numbering,
            at,
            method=planned.method,
            display_name=planned.display_name,
            text=planned.body or "",
        )

    def _as_sent(self, planned: PlannedCall, trunk: Trunk, at: float) -> Call:
        """The call read from its request, which says more than plain fields."""
        order = Order(
            planned.id, planned.caller, planned.callee, display_name=planned.display_name, headers=planned.headers
        )
        headers = [("From", f"{order.from_};tag=1"), ("To", f"<{order.uri}>"), *order.identity_headers]
        if planned.method == "MESSAGE":
            headers.append(("Content-Type", "text/plain;charset=UTF-8"))
        request = Request.build(planned.method, order.uri, headers, (planned.body or "").encode())
        number = self._proving.get(planned.caller_name or "") if trunk.auth == "digest" else None
        return Call.from_request(request, trunk, self._numbering, at, number)


def _trunk(scenario: Scenario, name: str, kind: Any) -> Trunk:
    return Trunk(
        name,
        kind,
        trust_identity=kind != "access",
        auth="digest" if name in scenario.digest_trunks else "none",
        numbers=scenario.written.get(name, "either"),
    )
