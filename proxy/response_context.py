"""One request being forwarded: its server transaction, its branches and the best response (RFC 3261 16.7)."""

from __future__ import annotations

from proxy.call_record import CallRecord
from proxy.sip.message import Response
from proxy.sip.transaction import ClientTransaction, ServerTransaction, State

_PREFERRED_4XX = (401, 407, 415, 420, 484)


class ResponseContext:
    """What the proxy knows between a request and its final response."""

    __slots__ = ("best", "branches", "cancelled", "final", "merge_key", "record", "server")

    def __init__(self, server: ServerTransaction) -> None:
        self.server = server
        self.branches: list[ClientTransaction] = []
        self.best: Response | None = None
        self.final: int | None = None  # status sent upstream
        self.cancelled = False
        self.merge_key: tuple[str, ...] | None = None
        self.record: CallRecord | None = None  # the call record, until the final response completes it

    def add_final(self, response: Response) -> None:
        """Keep a non-2xx final response if it is better than what came before."""
        if self.best is None or rank(response.status) < rank(self.best.status):
            self.best = response

    @property
    def all_answered(self) -> bool:
        """True when no branch can bring a better response any more."""
        return all(branch.state >= State.ACCEPTED for branch in self.branches)


def rank(status: int) -> tuple[int, int]:
    """Sorts final responses, best first (RFC 3261 16.7 step 6): 6xx, then the lowest class, then within 4xx those
    that let the caller try again."""
    family = status // 100
    return (0 if family == 6 else family, 0 if status in _PREFERRED_4XX else 1 if status != 503 else 2)
