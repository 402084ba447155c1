"""The server as its sockets need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.core.proxy_core import ProxyCore
from proxy.sip.flow import Flow


class Pump(Protocol):
    """Takes what sockets bring: `receive` gives a message to the core, `flush` sends what came of it, `take` does both
    with a datagram. `transits` hears how long the two took, in seconds."""

    core: ProxyCore
    message_bytes: int
    transits: Callable[[float], None] | None

    def now(self) -> float: ...
    def take(self, data: bytes, flow: Flow) -> None: ...
    def receive(self, data: bytes, flow: Flow) -> float: ...
    def flush(self, now: float = 0.0) -> None: ...
