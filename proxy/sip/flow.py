"""The flow that a message came on or goes to."""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}  # RFC 3261 18.1.1, 19.1.2


class Flow(NamedTuple):
    """A peer as seen from one of our listeners. `host` is an IP address without brackets.

    `transport` is udp, tcp or tls; `local` is the index of the listener at which the peer is or will be met.
    """

    transport: str
    host: str
    port: int
    local: int

    @property
    def reliable(self) -> bool:
        """True where no retransmission is needed (RFC 3261 17)."""
        return self.transport != "udp"
