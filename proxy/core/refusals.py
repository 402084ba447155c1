"""Reasons for which the proxy refused requests, kept until somebody writes them down (`log_level` of the config)."""

from __future__ import annotations

from typing import NamedTuple

from proxy.sip.flow import Flow
from proxy.sip.message import Request

_MOST = 10_000  # that wait; more come only where nobody takes them away
_LONGEST = 200  # characters of anything that the peer wrote


class Refusal(NamedTuple):
    """One request that went no further. `status` is what it was answered with; 0: an ACK, which gets no answer."""

    status: int
    reason: str
    method: str
    call_id: str
    peer: Flow


class Refusals(list[Refusal]):
    """The refusals, in order. Nothing is gathered unless it is `wanted`."""

    wanted = False

    def note(self, request: Request, status: int, reason: str, peer: Flow) -> None:
        """Take note of a request that is answered with this status, and why."""
        if self.wanted and len(self) < _MOST:
            status = 0 if request.method == "ACK" else status
            call_id = (request.header("call-id") or "")[:_LONGEST]
            self.append(Refusal(status, _without_codes(reason)[:_LONGEST], request.method[:_LONGEST], call_id, peer))


def _without_codes(reason: str) -> str:
    """A reason without what it quotes of a dialled code: that may hold a PIN."""
    return reason.partition("'")[0].rstrip() if any(mark in reason for mark in "*#%") else reason
