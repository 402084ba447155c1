"""The headers that pass from one side of the switch to the other, and their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from proxy.sip.message import Message, Request, Response
from proxy.sip.privacy import priv_values
from simulator.addresses import Address
from simulator.agents.dialog import address_header
from simulator.agents.endpoint import Endpoint
from simulator.agents.orders import CALL_HEADER

# What is said about a call or in it, and so passes from one side to the other.
_PASSED_ON = {
    name.lower(): name
    for name in (
        "Alert-Info",
        "Call-Info",
        "Content-Disposition",
        "Content-Type",
        "Date",
        "Diversion",
        "History-Info",
        "Identity",
        "Info-Package",
        "P-Asserted-Identity",
        "P-Early-Media",
        "Priority",
        "Privacy",
        "Reason",
        "Remote-Party-ID",
        "Retry-After",
        "Subject",
        "Warning",
    )
}
_OF_THE_BODY = frozenset({"content-disposition", "content-type"})
# A challenge or redirection of the far side is not for the near side to follow.
_NOT_PASSED_ON = frozenset({*range(300, 400), 401, 407})


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination of a call: Request-URI, Route and next hop."""

    uri: str
    path: tuple[str, ...]
    next_hop: Address


class Exchange(Protocol):
    """The switch as its calls need it."""

    @property
    def endpoint(self) -> Endpoint:
        """The address that it sends from."""

    @property
    def ring_time(self) -> float:
        """Seconds that a phone may ring."""

    def route(self, request: Request, dialled: str, now: float) -> list[Destination] | int:
        """The destinations of a call, one a phone, or the status where there is none."""


def passed_on(message: Message, *, body: bool = True) -> list[tuple[str, str]]:
    """The headers of a message that the other side is to see; without those of the `body` where that stays here."""
    return [
        (_PASSED_ON[name], value)
        for name in dict.fromkeys(message.names)
        if name in _PASSED_ON and (body or name not in _OF_THE_BODY)
        for value in message.headers(name)
    ]


def onward(request: Request, destination: Destination, *, body: bool = True) -> list[tuple[str, str]]:
    """The headers with which a request outside a dialog goes on."""
    return [
        *(("Route", route) for route in destination.path),
        ("Max-Forwards", str(hops_left(request))),
        (CALL_HEADER, request.call_id),
        *passed_on(request, body=body),
    ]


def shown_from(request: Request) -> str:
    """From as the other side is to see it: without the URI of who asked for user-level privacy (RFC 3323 5.3). The
    name stays: the proxy wrote it."""
    sender = request.from_
    if "user" in priv_values(request):
        sender = sender.but(uri="sip:anonymous@anonymous.invalid")
    return address_header(sender)


def hops_left(request: Request) -> int:
    """Max-Forwards for the next hop; below 0 where there is none."""
    text = request.header("max-forwards") or "70"
    return min(int(text), 255) - 1 if text.isascii() and text.isdigit() else 69


def status_for(response: Response) -> int:
    """The status that the other side is to see."""
    return 480 if response.status in _NOT_PASSED_ON else response.status
