"""Validating a request and making the one that is sent on (RFC 3261 sections 16.3 to 16.6, RFC 3581, RFC 5393)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.core.flow_tokens import FlowTokens
from proxy.core.keys import Keys
from proxy.core.loops import BRANCH_OURS, Branches
from proxy.core.softswitch_routes import SoftswitchRoutes
from proxy.sip.errors import (
    BadExtension,
    BadRequest,
    Forbidden,
    LoopDetected,
    SipError,
    TooManyHops,
)
from proxy.sip.flow import DEFAULT_PORTS, Flow
from proxy.sip.headers import Via, parse_name_addr, parse_via, split_values
from proxy.sip.message import Request
from proxy.sip.uri import SipUri, Uri, cached_uri, hostport, is_address

_ONLY_ONCE: Final[tuple[str, ...]] = (
    "refer-to",
    "from",
    "to",
    "call-id",
    "cseq",
    "max-forwards",
    "max-breadth",
    "content-length",
)
_MAX_BREADTH: Final = "60"  # RFC 5393 5.3.3
# Lines with Max-Forwards, as they are usually written, and what they are one hop later.
_ONE_LESS: Final = {f"Max-Forwards: {hops}": f"Max-Forwards: {hops - 1}" for hops in range(1, 256)}
METHODS: Final = frozenset(
    "ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split()  # noqa: SIM905
)
# Some stacks (PJSIP) take `invite` for INVITE: it would ring a phone without having been judged.
_METHODS: Final = frozenset(("INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "MESSAGE", "REFER", "SUBSCRIBE"))
_MAY_END_HERE: Final[tuple[str, ...]] = ("CANCEL", "OPTIONS")

_ROUTES_OF_OURS: Final = 8  # more of our own Route values than two listeners can have written


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket of ours. `host` is an IP address without brackets; it is what Via and Record-Route show."""

    transport: str
    host: str
    port: int

    @property
    def host_port(self) -> str:
        """As it stands in a URI and in a Via."""
        return hostport(self.host, self.port)


class Routed:
    """The sense of the Route headers of a request (RFC 3261 16.4). `flow` is that of our token, where it was genuine;
    `token` is that token, where it is one of the request's dialog, which is then `in_dialog`."""

    __slots__ = ("flow", "in_dialog", "ours", "token")

    def __init__(self, ours: bool = False, flow: Flow | None = None, token: str = "") -> None:
        self.ours = ours
        self.flow = flow
        self.token = token
        self.in_dialog = token != ""


def note_source(request: Request, via: Via, flow: Flow) -> None:
    """Write `received` and `rport` into the topmost Via (RFC 3261 18.2.1, RFC 3581 4)."""
    asked_for_port = "rport" in via.params and via.params["rport"] is None
    if via.host == flow.host and not asked_for_port:
        return
    index = request.shape.first["via"]
    name, _, rest = request.lines[index].partition(":")
    first, comma, more = rest.partition(",")
    if '"' in first:  # which may hold a comma
        first, *others = split_values(rest)
        comma, more = "," if others else "", ", ".join(others)
    if asked_for_port:
        before, _, after = _partition_param(first, "rport")
        first = f"{before};rport={flow.port}{after}"
    first = f"{first.rstrip()};received={flow.host}"
    request.lines[index] = f"{name}:{first}{comma}{more}"


def _partition_param(text: str, name: str) -> tuple[str, str, str]:
    """Cut `;name` (which has no value) out of header parameters, however it is spelt and spaced."""
    position = 0
    while True:
        start = text.index(";", position)
        end = text.find(";", start + 1)
        end = len(text) if end < 0 else end
        if text[start + 1 : end].strip().lower() == name:
            return text[:start], name, text[end:]
        position = end


def response_flow(via: Via, flow: Flow) -> Flow:
    """The flow for the responses to a request (RFC 3261 18.2.2, RFC 3581 4): always back to the address it came from.

    `maddr` is not followed: it would let a stranger aim our responses at a third party.
    """
    if flow.transport != "udp" or "rport" in via.params:
        return flow
    port = via.port or DEFAULT_PORTS["udp"]
    return flow if port == flow.port else flow._replace(port=port)


def validate(request: Request) -> Uri:
    """Check syntax, URI scheme, Max-Forwards, Proxy-Require (RFC 3261 16.3) and Max-Breadth; returns the Request-URI.

    Raises SipError with the status to answer.
    """
    names = request.shape.first
    if request.shape.repeated:  # as in few: Via is, of requests that came by way of another proxy
        for name in _ONLY_ONCE:
            if name in request.shape.repeated:
                raise BadRequest(f"more than one {name} header")
    if request.method not in _METHODS and request.method.upper() in _METHODS:
        raise SipError("method names are case-sensitive", status=501)
    uri = cached_uri(request.uri)
    if isinstance(uri, SipUri) and uri.headers is not None:
        raise BadRequest("headers in the Request-URI")
    if request.cseq.method != request.method:
        if request.method not in METHODS:  # a method of the future may come with rules of its own (RFC 4475 3.1.2.18)
            raise SipError("unknown method, and CSeq names another", status=501)
        raise BadRequest("CSeq does not name the method of the request")
    if not request.call_id:
        raise BadRequest("Call-ID missing")
    if "from" not in names or "to" not in names:
        raise BadRequest("From or To missing")
    sender = request.line("from")
    if "?" in sender and "?" in request.from_.uri.partition("@")[2]:
        raise BadRequest("headers in the URI of From")  # RFC 3261 19.1.1
    if "\\\r" in sender or not request.uri.isascii():  # RFC 3261 25.1
        raise BadRequest("an escaped line break in From, or a Request-URI with characters that have to be escaped")
    if request.line("max-forwards") not in _ONE_LESS and (hops := request.header("max-forwards")) is not None:
        if not _is_count(hops) or int(hops) > 255:
            raise BadRequest("Max-Forwards is not a number from 0 to 255")
        if int(hops) == 0 and request.method not in _MAY_END_HERE:
            raise TooManyHops("Max-Forwards is 0")
    if "proxy-require" in names and request.method != "CANCEL" and (extensions := request.values("proxy-require")):
        raise BadExtension("Proxy-Require", headers=(("Unsupported", ", ".join(extensions)),))
    if "max-breadth" in names:
        breadth = request.header("max-breadth") or ""
        if not _is_count(breadth):
            raise BadRequest("Max-Breadth is not a number")
        if int(breadth) == 0:
            raise SipError("no breadth left", status=440)
    return uri


def check_hops(options: Request) -> None:
    """Raises TooManyHops for an OPTIONS that may go no further, and would have to (RFC 3261 16.3 step 3)."""
    hops = options.header("max-forwards")
    if hops is not None and int(hops) == 0:
        raise TooManyHops("Max-Forwards is 0")


def is_secure(uri: str) -> bool:
    """True for a sips URI."""
    return uri[3:4] in ("s", "S") and uri[:5].lower() == "sips:"


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _yield_to_strict_router(request: Request) -> None:
    """Put the next Route, if it has no lr, into the Request-URI (RFC 3261 16.6 step 6)."""
    first, *rest = request.values("route")
    uri = parse_name_addr(first).uri
    parsed = cached_uri(uri)
    if isinstance(parsed, SipUri) and "lr" not in parsed.params:
        _write_routes(request, [*rest, f"<{request.uri}>"], 1)
        request.uri = uri


def _write_routes(request: Request, routes: list[str], index: int) -> None:
    """Put these in the place of all Routes there are, a line each, from the line of that index on."""
    request.remove("route")
    request.insert_all(index, "Route", routes)


class Router:
    """Knows our own addresses and tokens, and edits requests accordingly."""

    def __init__(
        self, listeners: tuple[Listener, ...], keys: Keys, domains: frozenset[str], softswitch_routes: SoftswitchRoutes
    ) -> None:
        self.listeners = listeners
        self.tokens = FlowTokens(keys.flow_tokens)
        self.branches = Branches(keys.branches)
        self.softswitch_routes = softswitch_routes
        self._domains = domains
        self._own = {(listener.host, listener.port) for listener in listeners}
        self._via = tuple(
            f"SIP/2.0/{listener.transport.upper()} {listener.host_port};branch=" for listener in listeners
        )
        self._route_end = tuple(
            f"@{listener.host_port};lr>"
            if listener.transport == "udp"
            else f"@{listener.host_port};transport={listener.transport};lr>"
            for listener in listeners
        )

    def listener_for(self, transport: str, host: str) -> int | None:
        """The index of the listener to send from, by transport and address family."""
        for index, listener in enumerate(self.listeners):
            if listener.transport == transport and (":" in listener.host) == (":" in host):
                return index
        return None

    def outward_target(self, request: Request, routed: Routed, find_trunk: Callable[[str, int], object]) -> Flow:
        """The target of a request from the softswitch: the flow of our token, or the address in the Request-URI.

        Phones are met on the flow that they registered over (RFC 5626 5.3), stream peers on their connection; inside
        a dialog over UDP the Contact counts, or the next Route where there is one, but only where a trunk has that
        address: nobody can aim us elsewhere. Raises Forbidden.
        """
        token = routed.flow
        if token is not None and (token.transport != "udp" or not routed.in_dialog):
            return token
        route = request.header("route")
        uri = cached_uri(parse_name_addr((split_values(route) or [""])[0]).uri) if route else validate(request)
        address = self.address_flow(uri)
        if address is not None and find_trunk(address.host, address.port) is not None:
            return address
        if token is None:
            raise Forbidden("the Request-URI is at no trunk's address")
        return token

    def address_flow(self, uri: Uri) -> Flow | None:
        """The flow to the literal address in a SIP URI; None for a name, or where no listener of ours fits."""
        if not isinstance(uri, SipUri) or uri.scheme == "sips":
            return None
        transport, host = (uri.params.get("transport") or "udp").lower(), uri.host.strip("[]")
        local = self.listener_for(transport, host)
        if local is None or not is_address(host):
            return None
        return Flow(transport, host, uri.port or DEFAULT_PORTS[transport], local)

    def is_own(self, uri: Uri) -> bool:
        """True for a URI that names one of our sockets."""
        if not isinstance(uri, SipUri):
            return False
        port = uri.port or (5061 if uri.scheme == "sips" or uri.params.get("transport") == "tls" else 5060)
        return (uri.host.strip("[]"), port) in self._own

    def serves(self, uri: SipUri) -> bool:
        """True for a URI that names us, by a socket or by a domain of ours."""
        return self.is_own(uri) or uri.host in self._domains

    def check_loop(self, request: Request, fingerprint: str) -> None:
        """Raises LoopDetected where the request passed here before, or another process with our secret, and nothing
        has changed since (RFC 5393 4.2)."""
        if "," not in request.line("via") and "via" not in request.shape.repeated:
            return
        for value in request.values("via")[1:]:
            branch = parse_via(value).branch or ""
            # Whatever address it shows: the fingerprint is keyed, and another process may have our secret.
            if branch.startswith(BRANCH_OURS) and branch.endswith(fingerprint):
                raise LoopDetected("same request, same place")

    def take_own_routes(self, request: Request, *, outside: bool = True) -> Routed:
        """Remove what the Route headers say of us (RFC 3261 16.4) and read our tokens.

        From `outside`, a Route before our tokens is ours by the name of a served domain, too: phones preload what they
        have as their outbound proxy. Raises BadRequest for a Route that does not parse.
        """
        routed = Routed()
        if "~" in request.uri and self.is_own(uri := cached_uri(request.uri)) and isinstance(uri, SipUri):
            self._repair_strict_route(request, uri, routed)
        for _ in range(_ROUTES_OF_OURS):
            route = request.header("route")
            if route is None:
                return routed
            if "," in route:
                route = next(iter(split_values(route)), "")
            if not route:
                raise BadRequest("empty Route")
            user = self._own_user(route, request if outside and not routed.ours else None)
            if user is None:
                return routed
            self._read_token(user, request, routed)
            request.remove_first_value("route")
        raise BadRequest("Route names this proxy again and again")

    def _own_user(self, route: str, preloaded_on: Request | None) -> str | None:
        """The user part of a Route value that names us, "" where it has none; None for another's."""
        for end in self._route_end:  # as we wrote it
            if route.endswith(end) and route.startswith("<sip:"):
                return route[5 : -len(end)]
        uri = cached_uri(parse_name_addr(route).uri)
        if not isinstance(uri, SipUri):
            return None
        ours = self.is_own(uri) or (
            not self.softswitch_routes.leads_there(uri)
            and (uri.host in self._domains or (preloaded_on is not None and self._serves_name(uri.host, preloaded_on)))
        )
        return (uri.user or "") if ours else None

    def _serves_name(self, host: str, request: Request) -> bool:
        """True where all domains are served, for the one that a request is about."""
        if "*" not in self._domains or is_address(host):
            return False
        uris = (cached_uri(uri) for uri in (request.uri, request.to.uri, request.from_.uri))
        return any(isinstance(uri, SipUri) and uri.host == host for uri in uris)

    def _repair_strict_route(self, request: Request, uri: SipUri, routed: Routed) -> None:
        """A strict router put our Record-Route URI into the Request-URI; the last Route is the real one."""
        self._read_token(uri.user or "", request, routed)
        routes = request.values("route")
        if routed.ours and routes:
            request.uri = parse_name_addr(routes[-1]).uri
            _write_routes(request, routes[:-1], 0)

    def _read_token(self, user: str, request: Request, routed: Routed) -> None:
        routed.ours = True
        if routed.in_dialog:
            return  # a switch that keeps the Call-ID has two of ours on one dialog: the topmost is the sender's
        if (flow := self.tokens.read(user, request.call_id)) is not None:
            routed.flow, routed.token, routed.in_dialog = flow, user, True
        else:
            routed.flow = routed.flow or self.tokens.read(user)

    def forward(self, request: Request, target: Flow, branch: str) -> Request:
        """The request to be sent: copied, one hop less, our Via on top (RFC 3261 16.6 steps 1 to 8).

        It has a Max-Breadth in any case (RFC 5393 5.3.3); as there is one branch only, that is what it came with.
        """
        forwarded, names = request.copy(), request.shape.first
        if (one_less := _ONE_LESS.get(request.line("max-forwards"))) is not None:
            forwarded.lines[names["max-forwards"]] = one_less
        else:
            hops = request.header("max-forwards")
            forwarded.replace("Max-Forwards", "70" if hops is None else str(int(hops) - 1))
        forwarded.insert(0, "Via", f"{self._via[target[3]]}{branch}")
        if "max-breadth" not in names:
            forwarded.insert(1, "Max-Breadth", _MAX_BREADTH)
        elif int(forwarded.header("max-breadth") or 0) > int(_MAX_BREADTH):
            forwarded.replace("Max-Breadth", _MAX_BREADTH)
        if "route" in names:
            _yield_to_strict_router(forwarded)
        if target[0] != "udp":
            forwarded.say_length()
        return forwarded

    def service_uri(self, service: str, softswitch: Flow) -> str:
        """The Request-URI that asks the softswitch for a service of its own."""
        host = f"[{softswitch.host}]" if ":" in softswitch.host else softswitch.host
        return f"sip:{service}@{host}:{softswitch.port}"

    def record_route(self, forwarded: Request, outer: Flow, inner_local: int, number: str, *, outward: bool) -> None:
        """Stay on the path of the dialog (RFC 3261 16.6 step 4).

        `outer` is the flow away from the softswitch, `number` whom the dialog is with on the other side. Where the two
        sides differ in listener, two values are written (RFC 5658), the one nearer to the UAS on top.
        """
        user = self.tokens.make(outer, forwarded.call_id, number)
        outer_value = f"<{'sips' if is_secure(forwarded.uri) else 'sip'}:{user}{self._route_end[outer.local]}"
        if outer.local != inner_local:
            inner_value = f"<sip:{user}{self._route_end[inner_local]}"
            first, second = (outer_value, inner_value) if outward else (inner_value, outer_value)
            forwarded.insert(1, "Record-Route", second)
            forwarded.insert(1, "Record-Route", first)
        else:
            forwarded.insert(1, "Record-Route", outer_value)

    def add_path(self, forwarded: Request, outer: Flow, inner_local: int) -> None:
        """Have calls for this phone come back through us, over the flow it registered on (RFC 3327, RFC 5626)."""
        forwarded.insert(1, "Path", f"<sip:{self.tokens.make(outer)}{self._route_end[inner_local]}")
        if "path" not in map(str.lower, forwarded.values("supported")):
            forwarded.insert(2, "Supported", "path")
