"""A SIP element of one transaction layer, on a clock that the test turns."""

from __future__ import annotations

from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.transaction import ClientTransaction, ServerTransaction
from proxy.sip.transaction_layer import TransactionLayer, server_key

UDP = Flow("udp", "127.0.0.9", 5080, 0)
TCP = Flow("tcp", "127.0.0.9", 5080, 1)


def request(
    method: str, *, branch: str = "z9hG4bKx", to_tag: str = "", more: tuple[tuple[str, str], ...] = ()
) -> Request:
    via = "SIP/2.0/UDP 127.0.0.1:5070" + (f";branch={branch}" if branch else "")
    return Request.build(
        method,
        "sip:bob@127.0.0.9",
        [
            ("Via", via),
            ("From", "<sip:a@x>;tag=f"),
            ("To", "<sip:bob@x>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", "c1"),
            ("CSeq", f"1 {method}"),
            *more,
        ],
    )


class Element:
    """A layer on its own clock; notes when what was sent."""

    def __init__(self) -> None:
        self.layer = TransactionLayer()
        self.now = 0.0
        self.sent: list[tuple[float, bytes]] = []
        self.unanswered: list[tuple[float, ClientTransaction]] = []

    def note(self) -> None:
        self.sent += [(self.now, data) for _, data in self.layer.outbox]
        self.layer.outbox.clear()

    def pass_time(self, seconds: float) -> None:
        self.note()
        end = self.now + seconds
        while (due := self.layer.next_timer()) <= end:
            self.now = due
            self.unanswered += [(due, client) for client in self.layer.run_timers(due)]
            self.note()
        self.now = end

    def client(self, method: str, flow: Flow) -> ClientTransaction:
        sending = request(method)
        client = self.layer.send(("z9hG4bKx", method), sending, flow, self.now)
        self.note()
        return client

    def answered(self, client: ClientTransaction, status: int) -> bool:
        """The peer answers; True where the transaction user heard of it."""
        response = request(client.key[1]).reply(status, to_tag="t")
        heard = self.layer.receive_response(client, response, self.now)
        self.note()
        return heard

    def server(self, method: str, flow: Flow) -> ServerTransaction:
        arrived = request(method)
        return self.layer.accept(server_key(arrived, arrived.via), arrived, flow)

    def respond(self, server: ServerTransaction, status: int) -> None:
        self.layer.respond(server, status, b"%d" % status, self.now)
        self.note()

    def again(self, server: ServerTransaction, method: str) -> bool:
        heard = self.layer.receive_again(server, request(method), self.now)
        self.note()
        return heard

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.sent]
