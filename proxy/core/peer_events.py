"""Events that operators should hear of, gathered until somebody writes them down: traffic may cause it at any rate."""

from __future__ import annotations

from proxy.sip.flow import Flow


class PeerEvents(dict[str, tuple[int, Flow]]):
    """Event -> how often, and the first peer that caused it. Events are a few fixed names, so that this stays small."""

    def note(self, event: str, peer: Flow) -> None:
        count, first = self.get(event, (0, peer))
        self[event] = count + 1, first
