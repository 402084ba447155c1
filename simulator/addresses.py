"""IP addresses with ports, as sockets take them, and those that SIP URIs name."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from proxy.sip.errors import SipError
from proxy.sip.uri import SipUri, parse_uri

Address = tuple[str, int]


def read_address(text: str) -> Address:
    """The address that is written HOST:PORT. Raises ValueError where it has no port."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


@lru_cache(maxsize=4096)
def address_of(uri: str) -> Address | None:
    """Return the IP address and port that a SIP URI names; None where it names no IP address: nothing asks a DNS."""
    try:
        parsed = parse_uri(uri)
        if not isinstance(parsed, SipUri):
            return None
        return str(ip_address(parsed.host.strip("[]"))), parsed.port or 5060
    except (SipError, ValueError):
        return None
