"""Reasons for which the proxy refused requests, for who wants to hear them (`log_level` of the config)."""

from __future__ import annotations

from proxy.core.events import Event, Refused
from proxy.sip.flow import Flow
from proxy.sip.message import Request

_MOST = 10_000  # that wait; more come only where nobody takes them away
_LONGEST = 200  # characters of anything that the peer wrote


class Refusals:
    """Puts refusals into `outputs`, where they are `wanted`."""

    def __init__(self, outputs: list[Event]) -> None:
        self.wanted = False
        self._outputs = outputs

    def note(self, request: Request, status: int, reason: str, peer: Flow) -> None:
        """Take note of a request that is answered with this status, and why."""
        if self.wanted and len(self._outputs) < _MOST:
            status = 0 if request.method == "ACK" else status
            call_id = (request.header("call-id") or "")[:_LONGEST]
            reason = _without_codes(reason)[:_LONGEST]
            self._outputs.append(Refused(status, reason, request.method[:_LONGEST], call_id, peer))


def _without_codes(reason: str) -> str:
    """A reason without what it quotes of a dialled code: that may hold a PIN."""
    return reason.partition("'")[0].rstrip() if any(mark in reason for mark in "*#%") else reason
