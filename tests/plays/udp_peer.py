"""A UDP socket that says SIP word by word, for neighbours of the proxy that die, freeze and lie."""

from __future__ import annotations

import socket
from typing import Self

from proxy.sip.message import Request, Response, parse


class Peer:
    """A UDP socket that says SIP, and waits for what it hears. A request or final response that comes
    again, the same in each byte, is heard once: who is late finds retransmissions (RFC 3261 17.1.1.2, 17.2.1)."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.settimeout(10)
        self.host, self.port = self.socket.getsockname()
        self.sent = 0
        self._heard: set[bytes] = set()
        self.proxy: tuple[str, int] = ("", 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def asks(
        self, method: str, uri: str, *headers: tuple[str, str], to_tag: str = "", sender: str = "alice", call: int = 0
    ) -> None:
        """Send a request; `call` numbers the calls of this peer, `sender` is the user part of From."""
        self.sent += 1
        lines = [
            ("Via", f"SIP/2.0/UDP {self.host}:{self.port};rport;branch=z9hG4bK{self.port}{self.sent}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{sender}@switch.example>;tag=from"),
            ("To", "<sip:alice@switch.example>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", f"{call}-{self.port}@{self.host}"),
            ("CSeq", f"{self.sent} {method}"),
            *headers,
        ]
        self.socket.sendto(bytes(Request.build(method, uri, lines)), self.proxy)

    def hears(self, what: int | str) -> Request | Response:
        """The next message of that status or method; others are let go."""
        while True:
            message = self._next()
            if what == (message.method if isinstance(message, Request) else message.status):
                return message

    def next_request(self) -> Request:
        """The very next request, whatever it is."""
        while not isinstance(message := self._next(), Request):
            pass
        return message

    def _next(self) -> Request | Response:
        """The next message that has not been heard before; an empty datagram is somebody who knocks."""
        while not (data := self.socket.recv(65535)).strip() or data in self._heard:
            pass
        message = parse(data)
        if isinstance(message, Request) or message.status >= 200:
            self._heard.add(data)
        return message

    def answers(self, request: Request | Response, status: int, *headers: tuple[str, str]) -> None:
        assert isinstance(request, Request)
        self.socket.sendto(bytes(request.reply(status, headers=headers, to_tag="there")), self.proxy)
