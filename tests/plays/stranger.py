"""A bare socket, for what no well-behaved agent does."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable

from proxy.sip.digest import digest_response, parse_digest
from proxy.sip.message import Request, Response, parse
from simulator.addresses import Address
from simulator.agents.digest import answer_challenge
from simulator.agents.registration import WirePhone
from tests.plays.talker import PATIENCE

REGISTRAR = "sip:ringfence.example"

SENDER = "<sip:+6591234567@ringfence.example>"


class Stranger:
    """Talks to one element, from a port of its own."""

    def __init__(self, target: Address, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.host, self.port = self.socket.getsockname()
        self._name = secrets.token_hex(4)  # the port may be another's again soon
        self._target = target
        self._count = 0

    def close(self) -> None:
        self.socket.close()

    def send(self, message: Request | Response) -> None:
        self.socket.sendto(bytes(message), self._target)

    def request(self, method: str, uri: str, headers: list[tuple[str, str]], body: bytes = b"") -> Request:
        self._count += 1
        via = f"SIP/2.0/UDP {self.host}:{self.port};rport;branch=z9hG4bK{self._name}x{self._count}"
        return Request.build(method, uri, [("Via", via), ("Max-Forwards", "70"), *headers], body)

    async def receive(self, wanted: Callable[[Request | Response], bool]) -> Request | Response:
        """The next message of that kind; provisional responses and repetitions are passed over."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while not wanted(message := parse(await loop.sock_recv(self.socket, 65535))):
                pass
        return message

    async def final(self) -> Response:
        message = await self.receive(lambda each: isinstance(each, Response) and each.status >= 200)
        assert isinstance(message, Response)
        return message

    async def asks(self, method: str, user: str, body: bytes = b"", sender: str = SENDER) -> Response:
        """Call or text that user part, as it stands; returns the final answer. `sender` stands in From."""
        call_id = f"{method}-{self._name}-{self._count}"
        headers = [
            ("From", f"{sender};tag={self._name}"),
            ("To", "<sip:somebody@ringfence.example>"),
            ("Call-ID", call_id),
        ]
        about = [("Contact", f"<sip:{self.host}:{self.port}>"), ("Content-Type", "application/sdp")]
        if method == "MESSAGE":
            about = [("Content-Type", "text/plain")]
        uri = f"sip:{user}@ringfence.example"
        asked = self.request(method, uri, [*headers, ("CSeq", f"1 {method}"), *about], body)
        self.send(asked)
        answer = await self.final()
        if method == "INVITE":
            ack = [("Via", asked.header("via") or ""), *headers[:1], ("To", answer.header("to") or ""), headers[2]]
            self.send(Request.build("ACK", uri, [*ack, ("CSeq", "1 ACK"), ("Max-Forwards", "70")]))
        return answer

    async def registers(self, user: str, contact: str, *more: tuple[str, str], expires: int = 60) -> Response:
        """One REGISTER for the address-of-record of that user, and its answer."""
        address = f"<sip:{user}@ringfence.example>"
        headers = [
            ("From", f"{address};tag={self._name}"),
            ("To", address),
            ("Call-ID", f"register-{self._name}-{expires}"),
            ("CSeq", f"{self._count + 1} REGISTER"),
            ("Contact", f"<{contact}>;expires={expires}"),
            *more,
        ]
        self.send(self.request("REGISTER", REGISTRAR, headers))
        return await self.final()

    async def register(
        self, phone: WirePhone, password: str, contact: str, *, path: str = "", expires: int = 60
    ) -> int:
        """REGISTER with one challenge answered; returns the final status."""
        extra = [("Path", path), ("Supported", "path")] if path else []
        answer = await self.registers(phone.user, contact, *extra, expires=expires)
        if answer.status == 401:
            given = credentials(answer, phone.user, password)
            answer = await self.registers(phone.user, contact, *extra, given, expires=expires)
        return answer.status


def credentials(challenged: Response, user: str, password: str) -> tuple[str, str]:
    """The header that answers a registrar's challenge."""
    asked = challenged.headers("www-authenticate")
    answer = answer_challenge(asked, "REGISTER", REGISTRAR, user, password)
    assert answer is not None
    return "Authorization", answer


def used_again(proof: tuple[str, str], password: str) -> tuple[str, str]:
    """The same header for the next request: the count of the nonce has grown."""
    fields = parse_digest(proof[1]) | {"nc": "00000002"}
    fields["response"] = digest_response(fields, "REGISTER", password)
    bare = {name: fields.pop(name) for name in ("algorithm", "qop", "nc")}
    given = [*(f'{name}="{value}"' for name, value in fields.items()), *(f"{name}={bare[name]}" for name in bare)]
    return proof[0], "Digest " + ", ".join(given)
