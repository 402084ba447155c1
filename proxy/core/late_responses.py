"""INVITEs that nobody waits for any more, though their receiver may still read them: a frozen softswitch finds them in
its socket's buffer when it wakes up.

They cannot be taken back, and may not be cancelled before a provisional response came (RFC 3261 9.1): the first sign of
one is answered with CANCEL, an answer with ACK and BYE.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from proxy.sip.flow import Flow
from proxy.sip.headers import parse_name_addr, split_values
from proxy.sip.message import Request, Response
from proxy.sip.transaction import ClientTransaction
from proxy.sip.transaction_layer import MAGIC_COOKIE, TransactionLayer, ack_for, cancel_for

_KEPT = 3600.0  # seconds
_MOST = 10_000


@dataclass(slots=True)
class _Left:
    """An INVITE as it was sent, where, and until when it is remembered."""

    request: Request
    flow: Flow
    until: float
    cancelled: bool = False
    answered: bool = False
    ended: bool = False


class LateResponses:
    """Remembers INVITEs whose callers got their final response, for an hour."""

    def __init__(self, layer: TransactionLayer) -> None:
        self._layer = layer
        self._left: OrderedDict[str, _Left] = OrderedDict()  # by branch, oldest first

    def leave(self, client: ClientTransaction, now: float) -> None:
        """End an INVITE that nobody answered."""
        if client.key[1] == "INVITE" and client.request is not None:
            self._left[client.key[0]] = _Left(client.request, client.flow, now + _KEPT)
            first = next(iter(self._left))
            if len(self._left) > _MOST or self._left[first].until <= now:
                del self._left[first]
        self._layer.abandon(client)

    @property
    def open(self) -> bool:
        """True while some of them may still be waiting to be read."""
        return any(not left.ended for left in self._left.values())

    def receive(self, branch: str, response: Response, flow: Flow, now: float) -> bool:
        """Take a response that matched no transaction; False where it is for none of these INVITEs."""
        left = self._left.get(branch)
        if left is None or flow.host != left.flow.host or response.cseq.method != "INVITE":
            return False
        if response.status < 200:
            if not left.cancelled:
                left.cancelled = True
                self._layer.send((branch, "CANCEL"), cancel_for(left.request), left.flow, now)
        elif response.status < 300:
            hang_up(self._layer, left.flow, response, now, again=left.answered)
            left.answered = left.ended = True
        else:
            left.ended = True
            self._layer.outbox.append((left.flow, bytes(ack_for(left.request, response))))
        return True


def hang_up(layer: TransactionLayer, flow: Flow, answer: Response, now: float, *, again: bool) -> None:
    """End a call that was answered although nobody wants it: ACK and BYE from here.

    `again`: this answer was sent before, and needs but its ACK.
    """
    if not (contacts := answer.values("contact")):
        return
    uri = parse_name_addr(contacts[0]).uri
    sent_by = split_values(answer.header("via") or "")[0].partition(";")[0]
    for method, number in (("ACK", answer.cseq.number), ("BYE", answer.cseq.number + 1)):
        branch = f"{MAGIC_COOKIE}{secrets.token_hex(8)}"
        request = Request.build(
            method,
            uri,
            [
                ("Via", f"{sent_by};branch={branch}"),
                ("Max-Forwards", "70"),
                *((name, answer.header(name.lower()) or "") for name in ("From", "To", "Call-ID")),
                ("CSeq", f"{number} {method}"),
            ],
        )
        if method == "ACK":
            layer.outbox.append((flow, bytes(request)))
        elif not again:
            layer.send((branch, method), request, flow, now)
