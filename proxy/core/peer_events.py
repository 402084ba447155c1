"""Events that operators should hear of: what peers do, or cause. Traffic may cause it at any rate."""

from __future__ import annotations

from proxy.core.events import Event, PeerFault, PeerNoticed
from proxy.sip.flow import Flow


class PeerEvents:
    """Puts them into `outputs`."""

    def __init__(self, outputs: list[Event]) -> None:
        self._outputs = outputs

    def note(self, fault: PeerFault, peer: Flow) -> None:
        """A peer did, or caused, this."""
        self._outputs.append(PeerNoticed(fault, peer))
