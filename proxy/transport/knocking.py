"""Knocking at a UDP port to learn that it is closed: two line ends, which SIP passes over (RFC 3261 7.5).

They go over a connected socket of their own: only of such a one does the kernel say for certain who refused a datagram
(ICMP), and takes nobody else's word for it. The sockets that carry calls cannot be connected, and hear nothing of it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

KNOCK = b"\r\n\r\n"
# Seconds after a knock at which we look whether it was refused. The event loop cannot tell us: libuv takes an error on
# a socket that it watches for the end of it.
_LOOKS = (0.005, 0.05, 0.5)


class Knocker:
    """Knocks at one port, and calls `refused` as soon as that turns out to be closed. `host` is to be sent from.

    Raises OSError where there is no way to that address.
    """

    def __init__(self, host: str, to: tuple[str, int], refused: Callable[[], None]) -> None:
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._looks: list[asyncio.TimerHandle] = []
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((host, 0))
            self._socket.connect(to)
        except OSError:
            self._socket.close()
            raise

    def knock(self) -> None:
        """Send one; what became of earlier ones says nothing any more."""
        self._stop_looking()
        self._is_refused()
        try:
            self._socket.send(KNOCK)
        except OSError:  # no way to it, for now; silence tells as much
            return
        self._looks = [self._loop.call_later(seconds, self._look) for seconds in _LOOKS]

    def _look(self) -> None:
        if self._is_refused():
            self._stop_looking()
            self._refused()

    def _is_refused(self) -> bool:
        """True if a refusal has come since the last look. Whatever the peer says instead is passed over."""
        try:
            while True:
                self._socket.recv(1)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False

    def _stop_looking(self) -> None:
        for look in self._looks:
            look.cancel()
        self._looks.clear()

    def close(self) -> None:
        """Knock no more."""
        self._stop_looking()
        self._socket.close()
