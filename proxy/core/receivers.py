"""Peers that proved to receive what is sent to them: a datagram shows any address that its sender likes.

Proof is what nobody else could know: the To tag of our response in an ACK, a right answer to our challenge. To
everybody else a refusal is sent three times at most, so that nobody can have us flood a third party
(RFC 3261 26.3.2.4 in spirit); over a stream there is nothing to be sent again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from proxy.sip.errors import SipError
from proxy.sip.flow import Flow
from proxy.sip.message import Request, parse
from proxy.sip.transaction import ServerTransaction, State

_REMEMBERED: Final = 600.0  # seconds for which somebody is taken to be still there
_MOST: Final = 10_000


class Receivers:
    """The addresses that proved to receive, for a while."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, int], float] = OrderedDict()  # the one noted last comes last

    def note(self, flow: Flow, now: float) -> None:
        """Take in who proved it just now."""
        if flow.transport == "udp":
            address = (flow.host, flow.port)
            self._until.pop(address, None)
            self._until[address] = now + _REMEMBERED
            if len(self._until) > _MOST:
                self._until.popitem(last=False)

    def note_ack(self, server: ServerTransaction, ack: Request, now: float) -> None:
        """Look whether an ACK shows the To tag of the refusal that it is for; one that came with the request is no
        secret."""
        if server.reliable or server.came_with_tag or self.knows(server.flow, now):
            return
        if server.state is State.COMPLETED and server.last:
            try:
                if ack.to.tag and ack.to.tag == parse(server.last).to.tag:
                    self.note(server.flow, now)
            except SipError:
                pass

    def knows(self, flow: Flow, now: float) -> bool:
        """True for who proved to receive not long ago."""
        return now < self._until.get((flow.host, flow.port), 0.0)
