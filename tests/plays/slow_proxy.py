"""A proxy that hears of each datagram 30 ms late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from proxy import __main__ as proxy
from proxy.transport.datagrams import Inbox

_LATE = 0.03  # seconds
_at_once = Inbox.datagram_received


def _late(inbox: Inbox, data: bytes, address: Any) -> None:
    asyncio.get_running_loop().call_later(_LATE, _at_once, inbox, data, address)


def main(arguments: Sequence[str]) -> int:
    """Be one, until SIGTERM."""
    Inbox.datagram_received = _late  # type: ignore[method-assign, assignment]
    return proxy.main(arguments)
