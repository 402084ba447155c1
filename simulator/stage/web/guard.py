"""Guards the pages: who may ask, from where, how much and how often, and what a browser may do with the answers.

    a request --> Host --> Origin --> token --> kind and size of the body --> rate --> the routes

An ASGI application around another one (https://asgi.readthedocs.io), for HTTP and WebSocket alike.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from simulator.stage.error_words import error_words
from simulator.stage.web.guests import guest_cookie, guest_of, may_ask

LARGEST = 64 * 1024  # bytes of a body
PER_SECOND = 40.0  # requests that change something, from one address
AT_ONCE = 80.0
_REMEMBERED = 1000  # addresses
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
]
_UNCACHED = (b"cache-control", b"no-store")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Doors:
    """The names under which the pages may be asked for, HOST:PORT, and the token that is asked for, if any, with the
    name of the cookie that keeps it; those of guests are kept beside it. `by_address`: any IP address will do for the
    host, as nobody else can name one. `shown` is HOST:PORT as others reach the pages."""

    hosts: frozenset[str]
    token: str = ""
    cookie: str = "ringfence"
    by_address: bool = False
    shown: str = ""

    def serve(self, host: str) -> bool:
        """True for a Host header that is ours."""
        return host in self.hosts or (self.by_address and _is_address(host))


class Refused(Exception):
    """A request is not answered; says with which status, and why."""

    def __init__(self, status: int, why: str, *more: tuple[bytes, bytes]) -> None:
        super().__init__(why)
        self.status, self.why, self.more = status, why, more


class Rates:
    """Counts what each address does: as many a second as `per_second`, and `at_once` before that. Time is given."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """True if one more is within the rate."""
        left, before = self._left.pop(address, (self._at_once, now))
        left = min(self._at_once, left + (now - before) * self._per_second)
        allowed = left >= 1.0
        self._left[address] = (left - 1.0 if allowed else left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return allowed


class Guard:
    """The application `inside`, behind these doors."""

    def __init__(self, inside: App, doors: Doors, clock: Callable[[], float] = time.monotonic) -> None:
        self._inside = inside
        self._doors = doors
        self._clock = clock
        self._rates = Rates(PER_SECOND, AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._inside(scope, receive, send)
            return
        is_http = scope["type"] == "http"
        try:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            if len(headers) != len(scope["headers"]):
                _once([name for name, _ in scope["headers"]], (b"host", b"origin"))
            self._check(scope, headers)
            if (location := self._admitted(scope, headers)) is not None:
                await _answer(send, 303, b"", *location)
                return
            if is_http and scope["method"] in _CHANGING:
                self._check_change(scope, headers)
                receive = _limited(receive)
        except Refused as refused:
            if is_http:
                await _refuse(send, refused)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": refused.why})
            return
        await self._inside(scope, receive, _with_headers(send) if is_http else send)

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        """Host is ours, so that no name of another site leads here (DNS rebinding), and so is Origin."""
        host = headers.get("host", "").lower()
        if not self._doors.serve(host):
            raise Refused(421, "this address does not serve that host")
        origin = headers.get("origin")
        if origin is None:
            if scope["type"] == "websocket":
                raise Refused(403, "an Origin is needed")
            site = headers.get("sec-fetch-site", "none")
            navigates = headers.get("sec-fetch-mode") == "navigate" and scope["method"] == "GET"
            if site not in ("same-origin", "none") and not navigates:
                raise Refused(403, "another site may not ask this")
        elif origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise Refused(403, "another site may not ask this")

    def _admitted(self, scope: Scope, headers: dict[str, str]) -> list[tuple[bytes, bytes]] | None:
        """None for those who may come in; the headers of a redirection where the token in the URL becomes a cookie."""
        token = self._doors.token
        if not token:
            return None
        kept, beside = dict(_cookies(headers.get("cookie", ""))), f"{self._doors.cookie}-phone"
        if _same(kept.get(self._doors.cookie, ""), token):
            return None
        if _same(headers.get("authorization", "").removeprefix("Bearer "), token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == "token"), "")
        if scope["type"] == "http" and scope["method"] == "GET":
            if _same(given, token):
                return _moved(scope, query, f"{self._doors.cookie}={token}")
            if self._is_guest(given, scope):
                return _moved(scope, query, f"{guest_cookie(beside, given)}={given}")
        if any(name.startswith(beside) and self._is_guest(value, scope) for name, value in kept.items()):
            return None
        raise Refused(401, "the address that `ringfence serve` printed has a token: use that one")

    def _is_guest(self, given: str, scope: Scope) -> bool:
        name = guest_of(self._doors.token, given)
        return name is not None and may_ask(name, scope["path"])

    def _check_change(self, scope: Scope, headers: dict[str, str]) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, "JSON is expected")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST:
            raise Refused(413, f"at most {LARGEST} bytes are taken")
        address = (scope.get("client") or ("",))[0]
        if not self._rates.take(address, self._clock()):
            raise Refused(429, "too many at once: wait a second", (b"retry-after", b"1"))


def _moved(scope: Scope, query: list[tuple[str, str]], cookie: str) -> list[tuple[bytes, bytes]]:
    """The headers that lead to the same page without the token in its address, which the cookie keeps."""
    rest = urlencode([each for each in query if each[0] != "token"])
    path = quote(scope["path"].lstrip("/\\"))  # so that it is one here, and no name of another host
    location = f"/{path}" + (f"?{rest}" if rest else "")
    cookie += "; HttpOnly; SameSite=Strict; Path=/"
    return [(b"location", location.encode("latin-1")), (b"set-cookie", cookie.encode())]


def _is_address(host: str) -> bool:
    try:
        ip_address(host.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True


def _once(names: Collection[bytes], which: Collection[bytes]) -> None:
    for name in which:
        if list(names).count(name) > 1:
            raise Refused(400, f"{name.decode()} more than once")


def _same(given: str, token: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), token.encode())


def _cookies(header: str) -> Iterator[tuple[str, str]]:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        yield name, value


def _limited(receive: Receive) -> Receive:
    """The same, as long as the body is not larger than it may be, whatever its headers say; then raises Refused."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST:
            raise Refused(413, f"at most {LARGEST} bytes are taken")
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            own = {name.lower() for name, _ in headers}
            headers += [each for each in (*_HEADERS, _UNCACHED) if each[0] not in own]
            message = {**message, "headers": headers}
        await send(message)

    return sending


async def _refuse(send: Send, refused: Refused) -> None:
    body = json.dumps({"error": refused.why, "words": error_words(refused.why)}).encode()
    await _answer(send, refused.status, body, (b"content-type", b"application/json"), *refused.more)


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *_HEADERS, _UNCACHED]})
    await send({"type": "http.response.body", "body": body})
