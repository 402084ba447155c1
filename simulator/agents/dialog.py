"""A dialog (RFC 3261 12): what every request within a call must carry, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.sip.headers import NameAddr, parse_name_addr, quote
from proxy.sip.message import Message, Request
from simulator.addresses import Address, address_of
from simulator.agents.endpoint import Headers


@dataclass(slots=True)
class Dialog:
    """`local` and `remote` are From and To of our requests, tags included; `target` is where the other side is."""

    call_id: str
    local: str
    remote: str
    remote_tag: str | None
    target: str
    routes: tuple[str, ...]
    fallback: Address  # where to send to while no route or target names an IP address

    @property
    def next_hop(self) -> Address:
        """The first route, a loose one, or else the target (RFC 3261 12.2.1.1)."""
        return address_of(parse_name_addr(self.routes[0]).uri if self.routes else self.target) or self.fallback

    def refresh_target(self, message: Message) -> None:
        """The other side is now where the Contact says (RFC 3261 12.2.1.2, 12.2.2)."""
        contacts = message.values("contact")
        if contacts:
            self.target = parse_name_addr(contacts[0]).uri

    def request(self, method: str, number: int, headers: Headers, body: bytes) -> Request:
        """A request with that CSeq number and without a Via."""
        return Request.build(
            method,
            self.target,
            [
                *(("Route", route) for route in self.routes),
                ("From", self.local),
                ("To", self.remote),
                ("Call-ID", self.call_id),
                ("CSeq", f"{number} {method}"),
                *with_max_forwards(headers),
            ],
            body,
        )


def with_max_forwards(headers: Headers) -> list[tuple[str, str]]:
    """The same headers; Max-Forwards 70 where they say nothing of it."""
    headers = list(headers)
    return headers if any(name == "Max-Forwards" for name, _ in headers) else [("Max-Forwards", "70"), *headers]


def address_header(address: NameAddr) -> str:
    """A name-addr without parameters, so without a tag."""
    return f"{quote(address.display_name)} <{address.uri}>" if address.display_name else f"<{address.uri}>"
