"""Phones registering with a registrar (RFC 3261 10), many over one endpoint. Sans-IO."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proxy.sip.message import Request, Response
from simulator.addresses import Address
from simulator.agents.digest import answer_challenge
from simulator.agents.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class WirePhone:
    """One subscriber's phone: E.164 number, digest user and password."""

    number: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A phone that could not register; `status` is None where nobody answered."""

    phone: WirePhone
    status: int | None


class Registration:
    """Registers phones, at most `window` at once, and calls `done(failures)`. `expires` 0 takes them out again."""

    def __init__(
        self,
        endpoint: Endpoint,
        phones: Iterable[WirePhone],
        next_hop: Address,
        done: Callable[[list[Failure]], None],
        now: float,
        *,
        domain: str,
        expires: int = 3600,
        window: int = 32,
    ) -> None:
        self._endpoint = endpoint
        self._waiting = deque(phones)
        self._next_hop = next_hop
        self._done = done
        self._domain = domain
        self._expires = expires
        self._open = 0
        self._failures: list[Failure] = []
        for _ in range(min(window, len(self._waiting))):
            self._start(now)
        if not self._open:
            done([])

    def _start(self, now: float) -> None:
        phone = self._waiting.popleft()
        self._open += 1
        call_id, tag = self._endpoint.new_tag(), self._endpoint.new_tag()
        uri = f"sip:{self._domain}"
        address = f"<sip:{phone.user}@{self._domain}>"

        def send(cseq: int, now: float, extra: Iterable[tuple[str, str]] = ()) -> None:
            def received(response: Response | None, now: float) -> None:
                if response is not None and response.status == 401 and cseq == 1:
                    asked = response.headers("www-authenticate")
                    credentials = answer_challenge(asked, "REGISTER", uri, phone.user, phone.password)
                    if credentials is not None:
                        send(2, now, [("Authorization", credentials)])
                        return
                if response is None or response.status >= 200:
                    self._finish(phone, None if response is None else response.status, now)

            headers = [
                ("Max-Forwards", "70"),
                ("From", f"{address};tag={tag}"),
                ("To", address),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} REGISTER"),
                ("Contact", f"<sip:{phone.user}@{self._endpoint.authority}>"),
                ("Expires", str(self._expires)),
                ("Supported", "path"),
                *extra,
            ]
            self._endpoint.request(Request.build("REGISTER", uri, headers), self._next_hop, received, now)

        send(1, now)

    def _finish(self, phone: WirePhone, status: int | None, now: float) -> None:
        self._open -= 1
        if status is None or status >= 300:
            self._failures.append(Failure(phone, status))
        if self._waiting:
            self._start(now)
        elif not self._open:
            self._done(self._failures)
