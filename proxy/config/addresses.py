"""Addresses and sources as config files write them. Addresses may hold `${NAME:-default}`: see environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from proxy.config.environment import VARIABLE, filled_in
from proxy.core.softswitch_routes import parse_alias
from proxy.policy.trunks import SourceMatch

_ADDRESS = re.compile(r"(?P<transport>udp|tcp|tls):(?:\[(?P<six>[^]]+)]|(?P<four>[^:\[\]]+)):(?P<port>\d+)")
ANY_HOST = {"0.0.0.0", "::"}


@dataclass(frozen=True, slots=True)
class TransportAddress:
    """A transport, an IP address and a port, written `udp:127.0.0.1:5060` or `tls:[::1]:5061`.

    `${NAME:-5060}` stands for the environment's NAME, and for 5060 where that is unset or empty.
    """

    transport: Literal["udp", "tcp", "tls"]
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> TransportAddress:
        split = _ADDRESS.fullmatch(filled_in(text))
        try:
            if split is None or not 0 < (port := int(split["port"])) < 65536:
                raise ValueError(text)
            host = str(ip_address(split["six"] or split["four"]))
        except ValueError:
            example = '"udp:127.0.0.1:5060" or "tls:[::1]:5061"'
            raise ValueError(f"udp, tcp or tls, an IP address and a port, such as {example}") from None
        return cls(split["transport"], host, port)  # type: ignore[arg-type]  # the pattern allows no other

    def __str__(self) -> str:
        return f"{self.transport}:{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def overlaps(self, other: TransportAddress) -> bool:
        """True if both want the same socket; TLS runs over TCP, and 0.0.0.0 holds every IPv4 address."""
        same_family = (":" in self.host) == (":" in other.host)
        return (
            self.port == other.port
            and (self.transport == "udp") == (other.transport == "udp")
            and (self.host == other.host or (same_family and bool(ANY_HOST & {self.host, other.host})))
        )


def parse_metrics_address(text: str) -> TransportAddress | None:
    """An address that HTTP is served at: a port of 127.0.0.1, or an IP address and a port; None for "", as of a
    variable that is not set."""
    text = filled_in(text)
    if not text:
        return None
    try:
        return TransportAddress.parse(f"tcp:127.0.0.1:{text}" if text.isdigit() else f"tcp:{text}")
    except ValueError:
        raise ValueError('a port, or an IP address and a port, such as "9464" or "127.0.0.1:9464"') from None


def parse_udp_address(text: str) -> TransportAddress:
    """An address that datagrams are sent to."""
    address = TransportAddress.parse(text)
    if address.transport != "udp":
        raise ValueError('udp, an IP address and a port, such as "udp:127.0.0.1:9060"')
    return address


def _text(value: Any, parse: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


AddressText = Annotated[
    TransportAddress,
    BeforeValidator(lambda value: _text(value, TransportAddress.parse)),
    WithJsonSchema({"type": "string", "pattern": f"{_ADDRESS.pattern}|{VARIABLE.pattern}"}),
]
UdpAddress = Annotated[
    TransportAddress,
    BeforeValidator(lambda value: _text(value, parse_udp_address)),
    WithJsonSchema({"type": "string", "pattern": f"{_ADDRESS.pattern}|{VARIABLE.pattern}"}),
]
MetricsAddress = Annotated[
    TransportAddress | None,
    BeforeValidator(lambda value: _text(value, parse_metrics_address)),
    WithJsonSchema({"type": ["string", "integer", "null"]}),
]
MatchText = Annotated[
    SourceMatch,
    BeforeValidator(lambda value: _text(value, SourceMatch.parse)),
    WithJsonSchema({"type": "string"}),
]
AliasText = Annotated[
    tuple[str, int | None],
    BeforeValidator(lambda value: _text(value, parse_alias)),
    WithJsonSchema({"type": "string"}),
]
