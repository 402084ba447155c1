"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966), and the URNs of emergency services (RFC 5031)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from proxy.sip.errors import BadUri, UnsupportedUriScheme
from proxy.sip.value import Value

# RFC 3261 25.1: user = 1*( unreserved / escaped / user-unreserved ); bytes beyond ASCII are taken as they come, and so
# is the # of dialled codes, which some phones do not escape.
_USER: Final = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#\x80-\U0010ffff]|%[0-9A-Fa-f]{2})+"
_USERINFO: Final = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-_.]+)"
_PARAM: Final = r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})"
_SIP: Final = re.compile(
    rf"(?:({_USER})(?::({_USERINFO}))?@)?"
    rf"({_HOST})(?::([0-9]{{1,5}}))?"
    rf"((?:;{_PARAM}+(?:={_PARAM}*)?)*)"
    r"(?:\?([^?\s<>]*))?"
)
_TEL: Final = re.compile(r"([^;\s<>@]+)((?:;[A-Za-z0-9-]+(?:=[^;\s<>]*)?)*)")
_SERVICE: Final = re.compile(r"service:(sos(?:\.[A-Za-z0-9-]+)*)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_ESCAPE: Final = re.compile("((?:%[0-9A-Fa-f]{2})+)")

Params = dict[str, str | None]


def unescape(text: str) -> str:
    """Undo %-escapes; bytes that are not UTF-8 stay readable as surrogates and survive a round trip."""
    if "%" not in text:
        return text
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].replace("%", "")).decode("utf-8", "surrogateescape"), text)


class SipUri(Value):
    """`sip:` or `sips:`. User and password are unescaped, parameter names lower-case; IPv6 hosts keep brackets."""

    __slots__ = ("headers", "host", "params", "password", "port", "scheme", "user")
    __match_args__ = ("scheme", "user", "password", "host", "port", "params", "headers")

    def __init__(
        self,
        scheme: Literal["sip", "sips"],
        user: str | None,
        password: str | None,
        host: str,
        port: int | None,
        params: Params,
        headers: str | None,
    ) -> None:
        self.scheme: Final = scheme
        self.user: Final = user
        self.password: Final = password
        self.host: Final = host
        self.port: Final = port
        self.params: Final = params
        self.headers: Final = headers


@dataclass(frozen=True, slots=True)
class TelUri:
    """`tel:` (RFC 3966). `number` is as written, visual separators included; parameter names are lower-case."""

    number: str
    params: Params
    scheme: Literal["tel"] = "tel"


@dataclass(frozen=True, slots=True)
class ServiceUrn:
    """`urn:service:sos.fire` and its like (RFC 5031): `service` is "sos.fire", in lower case."""

    service: str
    scheme: Literal["urn"] = "urn"


Uri = SipUri | TelUri | ServiceUrn


def hostport(host: str, port: int) -> str:
    """The host and port as they are written together (`hostport`, RFC 3261 25.1): an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_address(host: str) -> bool:
    """True for an IP address, in brackets or without, and not for a name."""
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return False


def parse_params(text: str) -> Params:
    """`;lr;transport=tcp` -> {"lr": None, "transport": "tcp"}; the first of a repeated name counts."""
    params: Params = {}
    for item in text.split(";"):
        if item:
            name, equals, value = item.partition("=")
            params.setdefault(name.strip().lower(), unescape(value.strip()) if equals else None)
    return params


def parse_uri(text: str) -> Uri:
    """Read a URI.

    Raises BadUri where the syntax is wrong and UnsupportedUriScheme for a scheme other than sip, sips and tel
    and for URNs of anything but emergency services.
    """
    scheme_match = _SCHEME.match(text)
    if scheme_match is None:
        raise BadUri(f"no URI scheme in {text[:60]!r}")
    scheme = scheme_match[1].lower()
    rest = text[scheme_match.end() :]
    if scheme in ("sip", "sips"):
        match = _SIP.fullmatch(rest)
        if match is None:
            raise BadUri(f"malformed {scheme} URI {text[:60]!r}")
        user, password, host, port, params, headers = match.groups()
        if port is not None and int(port) > 65535:
            raise BadUri(f"port {port} in {text[:60]!r}")
        return SipUri(
            "sip" if scheme == "sip" else "sips",
            None if user is None else unescape(user),
            None if password is None else unescape(password),
            host.lower(),
            None if port is None else int(port),
            parse_params(params) if params else {},
            headers,
        )
    if scheme == "tel":
        match = _TEL.fullmatch(rest)
        if match is None:
            raise BadUri(f"malformed tel URI {text[:60]!r}")
        return TelUri(match[1], parse_params(match[2]))
    if scheme == "urn" and (match := _SERVICE.fullmatch(rest)):
        return ServiceUrn(match[1].lower())
    raise UnsupportedUriScheme(f"URI scheme {scheme[:40]!r}")


_LONGEST_CACHED: Final = 256  # characters of a URI; a datagram holds 64 KB of them, and the cache shall not
_MOST_CACHED: Final = 8192
_CACHED: Final[dict[str, Uri]] = {}  # a look-up takes half the time of one in an lru_cache


def cached_uri(text: str) -> Uri:
    """`parse_uri`, which the same few callees and routes need not be put through each time."""
    uri = _CACHED.get(text)
    if uri is None:
        uri = parse_uri(text)
        if len(text) <= _LONGEST_CACHED:
            if len(_CACHED) >= _MOST_CACHED:
                _CACHED.clear()
            _CACHED[text] = uri
    return uri
