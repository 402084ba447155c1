"""The part of an INVITE beyond its transaction: the ACK to a 2xx, the 2xx until its ACK, and a CANCEL that waits."""

from __future__ import annotations

from functools import partial

from proxy.sip.message import Request, Response
from proxy.sip.transaction import T1, T2, ClientTransaction, State
from proxy.sip.transaction_layer import cancel_for
from simulator.addresses import Address
from simulator.agents.dialog import Dialog
from simulator.agents.endpoint import Endpoint, Headers, Incoming, Stamp
from simulator.agents.scheduler import Action, Timer

PATIENCE = 64 * T1  # seconds until an unacknowledged 2xx or an unheard CANCEL is given up


class Acknowledgements:
    """The ACKs to the 2xx of one leg's INVITEs: owed, sent, and sent again."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.owed: int | None = None  # CSeq number of an INVITE of ours that was accepted
        self._endpoint = endpoint
        self._sent: tuple[int, bytes, Address] | None = None

    def send(self, dialog: Dialog, headers: Headers, body: bytes, stamp: Stamp | None) -> None:
        """Send the ACK that is owed."""
        if self.owed is None:
            return
        number, self.owed = self.owed, None
        request = dialog.request("ACK", number, headers, body)
        self._endpoint.add_via(request, f"z9hG4bK{self._endpoint.new_tag()}")
        self._sent = number, bytes(request), dialog.next_hop
        self._endpoint.send(*self._sent[1:], stamp)

    def send_again(self, response: Response) -> bool:
        """A 2xx came again: so must its ACK (RFC 3261 13.2.2.4). False where this one is new."""
        if self._sent is not None and self._sent[0] == response.cseq.number:
            self._endpoint.send(*self._sent[1:])
            return True
        return False


class RepeatedAnswer:
    """A 2xx to an INVITE, sent again until its ACK comes (RFC 3261 13.3.1.4), or else `given_up` in the end."""

    def __init__(self, endpoint: Endpoint, incoming: Incoming, data: bytes, now: float, given_up: Action) -> None:
        self._endpoint = endpoint
        self._incoming = incoming
        self._data = data
        self._until = now + PATIENCE
        self._given_up = given_up
        self._timer = self._later(T1, now)

    def is_acknowledged_by(self, request: Request) -> bool:
        return self._incoming.request.cseq.number == request.cseq.number

    def stop(self) -> None:
        self._timer.cancel()

    def _later(self, pause: float, now: float) -> Timer:
        return self._endpoint.scheduler.at(min(now + pause, self._until), partial(self._repeat, min(2 * pause, T2)))

    def _repeat(self, pause: float, now: float) -> None:
        if now >= self._until:
            self._given_up(now)
        else:
            self._incoming.repeat(self._data, now)
            self._timer = self._later(pause, now)


class PendingCancel:
    """The CANCEL of an INVITE of ours, which waits for the first provisional response (RFC 3261 9.1).

    `given_up` follows 32 s after it was sent.
    """

    def __init__(self, endpoint: Endpoint, invite: Request, transaction: ClientTransaction, given_up: Action) -> None:
        self.wanted = False
        self._endpoint = endpoint
        self._transaction = transaction
        self._given_up = given_up
        self._request: Request | None = cancel_for(invite)

    def want(self, headers: Headers, now: float) -> None:
        """It is to be sent, with the Reason of these headers."""
        self.wanted = True
        for name, value in headers:
            if name == "Reason" and self._request is not None:
                self._request.insert(len(self._request.lines) - 1, name, value)
        self.send_where_wanted(now)

    def send_where_wanted(self, now: float) -> None:
        """Send it, once, as soon as it may go."""
        invite = self._transaction
        if self.wanted and self._request is not None and invite.state is State.PROCEEDING:
            request, self._request = self._request, None
            self._endpoint.transactions.send((invite.key[0], "CANCEL"), request, invite.flow, now).tu = _ignore
            self._endpoint.scheduler.at(now + PATIENCE, self._given_up)


def _ignore(_response: Response | None, _now: float) -> None:
    """A CANCEL's own response says nothing: the INVITE's final one does."""
