"""Routes that lead to the softswitch and may stay on a request from outside (RFC 3261 16.4 and 16.12, RFC 3608).

Everything from outside goes to the softswitch, so a Route can name no other next hop. It may name the switch within a
dialog, since the switch wrote itself into Record-Route, and on what a phone begins, since the switch hands such Routes
out as Service-Route. What follows the switch's own Routes is the switch's affair within a dialog; before one, nothing
may follow, unless the switch handed that out too: it would have the switch relay to wherever the phone likes.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from proxy.sip.errors import BadRequest, Forbidden, SipError
from proxy.sip.flow import DEFAULT_PORTS, Flow
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri, Uri, is_address, parse_uri

_MOST_ROUTES = 70  # as many as Max-Forwards usually lets a request have hops
_REMEMBERED = 4096  # Service-Routes of phones
_LONGEST = 512  # characters of one
_ELSEWHERE = frozenset(("maddr", "received"))  # parameters by which some switches send to another address
_MAY_NAME_NOBODY = frozenset(("REGISTER", "OPTIONS"))
_ALIAS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)]|(?P<host>[A-Za-z0-9\-_.]+))(?::(?P<port>[0-9]{1,5}))?")
_Spelt = tuple[str, str | None, str, int | None, tuple[tuple[str, str | None], ...]]


def parse_alias(text: str) -> tuple[str, int | None]:
    """Read `core.example`, `core.example:5090`, `192.0.2.9:5090` or `[2001:db8::9]`: a host, and a port where only
    that one is meant. Raises ValueError."""
    match = _ALIAS.fullmatch(text)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 0 < port < 65536):
        raise ValueError('a host or an address, and a port if need be, such as "core.example" or "192.0.2.9:5090"')
    return _plain((match["six"] or match["host"]).lower()), port


def _plain(host: str) -> str:
    """An IPv6 address as Python spells it (RFC 5952); any other host as it is."""
    try:
        return str(ip_address(host)) if ":" in host else host
    except ValueError:
        return host


class SoftswitchRoutes:
    """Knows the Routes of one softswitch: at its address, and by `aliases` (host without brackets, port or None for
    any), further names and addresses that it writes of itself."""

    def __init__(self, softswitch: Flow, aliases: Iterable[tuple[str, int | None]] = ()) -> None:
        self._host, self._port = softswitch.host, softswitch.port
        self._aliases = frozenset(aliases)
        self._handed_out: OrderedDict[tuple[str, tuple[_Spelt, ...]], None] = OrderedDict()

    def leads_there(self, uri: Uri) -> bool:
        """True for the URI of a Route to the switch. The transport that it names does not matter: a request goes to
        the switch by the one in the config."""
        if not isinstance(uri, SipUri) or uri.headers is not None or not _ELSEWHERE.isdisjoint(uri.params):
            return False
        host = _plain(uri.host.strip("[]"))
        if host == self._host:
            secure = uri.scheme == "sips" or uri.params.get("transport") == "tls"
            if (uri.port or DEFAULT_PORTS["tls" if secure else "udp"]) == self._port:
                return True
        return bool(self._aliases) and ((host, uri.port) in self._aliases or (host, None) in self._aliases)

    def may_be_one(self, uri: Uri) -> bool:
        """True for a Request-URI that the switch could take for a Record-Route of its own: it would then dial the last
        Route instead (RFC 3261 16.4), as Kamailio does for any name and port of its own. Only the switch knows all."""
        if not isinstance(uri, SipUri):
            return False
        at_softswitch = self.leads_there(uri) or _plain(uri.host.strip("[]")) == self._host
        return at_softswitch or "lr" in uri.params or not is_address(uri.host)

    def check(self, request: Request, *, in_dialog: bool, phone: str = "") -> None:
        """Look at the Routes that are left on a request from outside. `in_dialog` is proved; `phone` is the address of
        a phone that begins something, "" where nobody may name a Route.

        Raises Forbidden for a Route that leads elsewhere, and BadRequest for one that does not parse.
        """
        values = request.values("route")
        if len(values) > _MOST_ROUTES:
            raise BadRequest(f"more than {_MOST_ROUTES} Routes")
        routes = [parse_uri(parse_name_addr(value).uri) for value in values]
        if not self._is_loose(routes[0]):
            if not (phone and self._was_handed_out(phone, routes)):
                raise Forbidden("Route leads past this proxy")
        elif not in_dialog and not phone:
            raise Forbidden("Route to the softswitch outside a dialog")
        elif not in_dialog and not all(map(self._is_loose, routes)) and not self._was_handed_out(phone, routes):
            raise Forbidden("Route leads on behind the softswitch")
        if not in_dialog:
            self._check_target(request)

    def learn(self, phone: str, registered: Response) -> None:
        """Take note of the Service-Route that the switch gave to the phone at that address (RFC 3608)."""
        service_route = registered.values("service-route")
        if not 200 <= registered.status < 300 or sum(map(len, service_route)) > _LONGEST:
            return
        try:
            routes = [parse_uri(parse_name_addr(value).uri) for value in service_route]
        except SipError:
            return
        if all(map(self._is_loose, routes)) or (spelt := _spelt(routes)) is None:
            return  # known by themselves, or of no use
        self._handed_out.pop((phone, spelt), None)
        self._handed_out[phone, spelt] = None
        if len(self._handed_out) > _REMEMBERED:
            self._handed_out.popitem(last=False)

    def _was_handed_out(self, phone: str, routes: Sequence[Uri]) -> bool:
        return bool(self._handed_out) and (phone, _spelt(routes)) in self._handed_out

    def _is_loose(self, uri: Uri) -> bool:
        """A strict router would be given the Route as Request-URI, and dial what nobody judged (RFC 3261 16.6)."""
        return self.leads_there(uri) and isinstance(uri, SipUri) and "lr" in uri.params

    def _check_target(self, request: Request) -> None:
        """Raises Forbidden where a switch could take the Request-URI of something new for a Record-Route."""
        uri = parse_uri(request.uri)
        if not isinstance(uri, SipUri):
            return
        nameless = not uri.user and request.method not in _MAY_NAME_NOBODY
        if "lr" in uri.params or (nameless and self.leads_there(uri)):
            raise Forbidden("the Request-URI is a Route")


def _spelt(routes: Sequence[Uri]) -> tuple[_Spelt, ...] | None:
    """Routes as they can be compared, however they were spelt; None where one is no SIP URI, or no loose router's."""
    spelt = []
    for uri in routes:
        if not isinstance(uri, SipUri) or "lr" not in uri.params:
            return None
        spelt.append((uri.scheme, uri.user, uri.host, uri.port, tuple(sorted(uri.params.items(), key=_name))))
    return tuple(spelt)


def _name(item: tuple[str, str | None]) -> str:
    return item[0]
