"""The trunk that a message came in on, told by its source address and port; the first match wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from proxy.numbers.numbering import Written

_MATCH = re.compile(r"(?:\[(?P<six>[^]]+)](?P<six_bits>/\d+)?|(?P<four>[\d.]+(?:/\d+)?))(?::(?P<port>\d+))?")
_CACHED = 4096  # sources remembered; phones on ephemeral ports must not make this grow


@dataclass(frozen=True, slots=True, eq=False)  # one object each: `side == "softswitch"` is asked 25 times a call
class Trunk:
    """A source of calls; `trust_identity`: its P-Asserted-Identity counts (RFC 3325 section 5).

    `refer`: whether it may have a call transferred that it takes part in (`in_dialog`); phones always may. `numbers`:
    how it writes those without a plus.
    """

    name: str
    kind: Literal["international", "domestic", "access"]
    trust_identity: bool = False
    auth: Literal["none", "digest"] = "none"
    refer: Literal["none", "in_dialog"] = "none"
    numbers: Written = "either"


Side = Trunk | Literal["softswitch"]  # whom a message came from


@dataclass(frozen=True, slots=True)
class SourceMatch:
    """An address or CIDR block, and a port where only that one will do."""

    network: IPv4Network | IPv6Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> SourceMatch:
        """Read `192.0.2.7`, `192.0.2.0/24`, `192.0.2.7:5060`, `2001:db8::/32` or `[2001:db8::]/32:5060`."""
        split = _MATCH.fullmatch(text)
        try:
            if split is None:
                return cls(ip_network(text))
            port = int(split["port"]) if split["port"] else None
            if port is not None and not 0 < port < 65536:
                raise ValueError(text)
            return cls(ip_network(split["four"] or split["six"] + (split["six_bits"] or "")), port)
        except ValueError:
            example = '"192.0.2.7", "192.0.2.0/24", "192.0.2.7:5060" or "[2001:db8::7]:5060"'
            raise ValueError(f"an address or a CIDR block without host bits, such as {example}") from None


class TrunkTable:
    """Finds the trunk of a source, in the order of the config file."""

    def __init__(self, trunks: Iterable[tuple[Trunk, Iterable[SourceMatch]]]) -> None:
        by_trunk = list(trunks)
        self.trunks = tuple(trunk for trunk, _ in by_trunk)
        self._rules = tuple((match.network, match.port, trunk) for trunk, matches in by_trunk for match in matches)
        self.find = lru_cache(maxsize=_CACHED)(self._find)

    def _find(self, host: str, port: int) -> Trunk | None:
        """The trunk of the source `host` (an IP address) and `port`, or None for an unknown source."""
        address = _plain_address(host)
        for network, only_port, trunk in self._rules:
            if address in network and (only_port is None or only_port == port):
                return trunk
        return None


def _plain_address(host: str) -> IPv4Address | IPv6Address:
    """Take off the zone, and the ::ffff: that a dual-stack socket puts before IPv4 sources."""
    address = ip_address(host.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
