"""The socket and the clock of an endpoint: one UDP socket on the running event loop.

Arrival times are the kernel's where it gives them (SO_TIMESTAMPNS), so that a busy process does not make the
other side look slow; departure times are read right before the datagram is handed over. Both are seconds of
`time.monotonic`, the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from ipaddress import ip_address

from simulator.addresses import Address
from simulator.agents.endpoint import Application, Endpoint
from simulator.agents.scheduler import NEVER
from simulator.agents.tap import Tap

_SO_TIMESTAMPNS = 35  # Linux; the socket module does not name it
_TIMESPEC = struct.Struct("@ll")
_BUFFER = 4 * 1024 * 1024  # bytes asked of the kernel in each direction; it may give less
_BATCH = 64  # datagrams read before others get their turn
_LARGEST = 65536


class UdpEndpoint:
    """An endpoint on a socket, which a `tap` may listen at. After a command to `endpoint`, call `flush`."""

    def __init__(self, bind: Address, application: Application, tap: Tap | None = None) -> None:
        """Open the socket; port 0 picks a free one. Raises OSError where the address is taken or not ours."""
        family = socket.AF_INET6 if ip_address(bind[0]).version == 6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self._stamped = ask_for_timestamps(self._socket)
            self._socket.bind(bind)
        except OSError:
            self._socket.close()
            raise
        self.endpoint = Endpoint((bind[0], self._socket.getsockname()[1]), application)
        self._tap = tap
        if tap is not None:
            tap.put_on(self.endpoint.address)
        self.unsent = 0  # datagrams that the kernel did not take
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER

    @property
    def address(self) -> Address:
        """The address that the socket is bound to."""
        return self.endpoint.address

    def close(self) -> None:
        """Close the socket; what runs on it ends unheard."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self.endpoint.forget()

    def flush(self) -> None:
        """Send what is in the outbox and set the alarm."""
        self._send()
        due = self.endpoint.next_timer()
        if due < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = due
            self._alarm = self._loop.call_at(due, self._ring)

    def _send(self) -> None:
        tap, now = self._tap, 0.0
        for data, to, stamp in self.endpoint.outgoing():
            if stamp is not None or tap is not None:
                now = time.monotonic()
            if stamp is not None:
                stamp(now)
            try:
                self._socket.sendto(data, to)
            except OSError:  # full buffer, or an ICMP error of an earlier datagram: as good as lost on the way
                self.unsent += 1
                continue
            if tap is not None:
                tap.sent(now, data, self.endpoint.address, to)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, NEVER
        self.endpoint.run_timers(time.monotonic())
        self.flush()

    def _readable(self) -> None:
        receive, tap = self.endpoint.receive, self._tap
        for _ in range(_BATCH):
            try:
                if self._stamped:
                    data, ancillary, _, source = self._socket.recvmsg(_LARGEST, 64)
                    at = arrival(ancillary)
                else:
                    data, source = self._socket.recvfrom(_LARGEST)
                    at = time.monotonic()
            except BlockingIOError:
                break
            except OSError:  # an ICMP error of an earlier datagram
                continue
            if tap is not None:
                tap.received(at, data, source[:2], self.endpoint.address)
            receive(data, source[:2], at)
            self._send()
        self.flush()


def ask_for_timestamps(sock: socket.socket) -> bool:
    """Ask the kernel to say when each datagram arrived; False where it cannot."""
    if sys.platform != "linux":
        return False
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return True


def arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    """The kernel's wall-clock stamp on the monotonic clock: now, less the datagram's age.

    The wall clock is read first: what passes between the two readings makes the datagram younger, never older.
    """
    wall, now = time.time_ns(), time.monotonic()
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            age: float = (wall - seconds * 1_000_000_000 - nanoseconds) / 1e9
            return now - max(age, 0.0)
    return now
