"""A dialog (RFC 3261 12): what every request within a call must carry, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.sip.headers import NameAddr, parse_name_addr, quote
from proxy.sip.message import Message, Request, Response
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
    remote_cseq: int = 0  # of the other side's latest request

    @classmethod
    def as_callee(cls, invite: Request, tag: str, source: Address) -> Dialog:
        """The dialog that our answer to an INVITE makes (RFC 3261 12.1.1)."""
        made = cls(
            invite.call_id,
            f"{invite.header('to')};tag={tag}",
            invite.header("from") or "",
            invite.from_.tag,
            "",
            tuple(invite.values("record-route")),
            source,
            invite.cseq.number,
        )
        made.refresh_target(invite)
        return made

    def confirm(self, response: Response) -> None:
        """The answer to our INVITE makes the dialog (RFC 3261 12.1.2)."""
        self.remote, self.remote_tag = response.header("to") or self.remote, response.to.tag
        self.routes = tuple(reversed(response.values("record-route")))
        self.refresh_target(response)

    @property
    def next_hop(self) -> Address:
        """The first route, a loose one, or else the target (RFC 3261 12.2.1.1)."""
        return address_of(parse_name_addr(self.routes[0]).uri if self.routes else self.target) or self.fallback

    def take(self, request: Request) -> int:
        """The status that refuses a request of another dialog or out of order (RFC 3261 12.2.2); 0 for none."""
        if request.from_.tag != self.remote_tag:
            return 481
        if request.cseq.number < self.remote_cseq:
            return 500
        self.remote_cseq = request.cseq.number
        return 0

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
