"""The switch's sound: ports that play a file, record, hear digits, and pass on what they hear to another one.

The switch's services see `Media` and `Port`; `RtpMedia` and `RtpPort` are these on UDP sockets, paced by the running
event loop. They send no RTCP. Packets count by the port that they come from: the one where their sender also listens
(symmetric RTP, RFC 4961).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from simulator.addresses import Address
from simulator.media.g711 import RATE, SILENCE, Law, load, transcode
from simulator.media.recordings import Recording
from simulator.media.rtp import Digits, Packet, key_events, parse
from simulator.media.sdp import Stream

MOST_PORTS = 256  # open at the same time
_SAMPLES = 160  # in a packet: 20 ms
_LATE = 0.2  # seconds behind time after which a port goes on from now instead of hurrying after
_BETWEEN_KEYS = 0.06  # seconds from the end of a key to the next one
_BATCH = 32  # packets read before others get their turn
_LARGEST = 2048

Done = Callable[[float], None]  # told when
OnDigit = Callable[[str, float], None]
OnSound = Callable[[bytes, Law], None]


class Port(Protocol):
    """One side of a call as it sounds. Where the callbacks are called, commands may be given at once."""

    @property
    def address(self) -> Address:
        """The address that it listens on."""

    def direct(self, stream: Stream) -> None:
        """Send to this end from now on, and take what comes from there."""

    def play(self, wav: Path, done: Done) -> None:
        """Play a file once, in place of what is playing; then call `done`."""

    def silence(self) -> None:
        """Play nothing; the `done` of what was playing is not called."""

    def record(self, path: Path, most: float) -> None:
        """Record what comes in, `most` seconds of it."""

    def listen(self, on_digit: OnDigit | None) -> None:
        """Hear digits; None: no longer."""

    def pass_on_to(self, other: Port) -> None:
        """From now on what comes in goes out of that port."""

    def relay_sound(self, packet: Packet, law: Law) -> None:
        """Send what another port heard."""

    def relay_event(self, packet: Packet) -> None:
        """Send on a digit that another port heard, where this end knows of digits."""

    def close(self) -> None:
        """Give everything back; the recording is complete."""


class Media(Protocol):
    """A source of ports."""

    def open(self) -> Port:
        """A new port. Raises OSError where there are too many."""


class PacketTap(Protocol):
    """A listener to packets, each told once: as it leaves a port that it is on, or as it comes there from elsewhere."""

    def put_on_media(self, address: Address) -> None:
        """A port is open there."""

    def take_off_media(self, address: Address) -> None:
        """It is closed."""

    def media_sent(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A packet left a port, at a second of `time.monotonic`."""

    def media_received(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A packet came to a port."""


class RtpMedia:
    """Ports on one host. `after` is called after each callback of a port: to send what that led to. A `tap` hears the
    packets."""

    after: Callable[[], None]

    def __init__(self, host: str, most: int = MOST_PORTS, tap: PacketTap | None = None) -> None:
        self.ports: set[RtpPort] = set()
        self.problems: list[str] = []  # what a run ought to know, a few at most
        self.tap = tap
        self._host = host
        self._most = most
        self._closed = False

    def open(self) -> RtpPort:
        """A new port on a free UDP port. Raises OSError."""
        if self._closed:  # a call may come while its lab is taken down, and nobody would close its port
            raise OSError("there is no sound any more")
        if len(self.ports) >= self._most:
            raise OSError(f"{self._most} ports for sound are open already")
        port = RtpPort(self, self._host)
        self.ports.add(port)
        return port

    def close(self) -> None:
        """Close all ports; none is opened any more."""
        self._closed = True
        for port in [*self.ports]:
            port.close()

    def trouble(self, text: str) -> None:
        """Write down what went wrong, once."""
        if text not in self.problems and len(self.problems) < 10:
            self.problems.append(text)


class RtpPort:
    """A UDP socket; see `Port`."""

    def __init__(self, media: RtpMedia, host: str) -> None:
        self._media = media
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((host, 0))
        except OSError:
            self._socket.close()
            raise
        self.address: Address = (host, self._socket.getsockname()[1])
        self._tap = media.tap
        if self._tap is not None:
            self._tap.put_on_media(self.address)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self._stream: Stream | None = None
        self._other: Port | None = None
        self._recording: Recording | None = None
        self._digits = Digits()
        self._on_digit: OnDigit | None = None
        self._on_sound: OnSound | None = None
        self._player: _Player | None = None
        self._spoken: float | None = None  # the end of what was said last, in seconds
        self._keys: asyncio.TimerHandle | None = None
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._epoch = secrets.randbits(32)  # the timestamp of the clock's zero

    def direct(self, stream: Stream) -> None:
        self._stream = stream

    def play(self, wav: Path, done: Done) -> None:
        self.silence()
        law = self._stream.law if self._stream is not None else "PCMU"
        self._player = _Player(self, load(wav, law), law, done)

    def silence(self) -> None:
        if self._player is not None:
            self._player.stop()
            self._player = None

    def record(self, path: Path, most: float) -> None:
        try:
            self._recording = Recording(path, most)
        except OSError as error:
            self._media.trouble(f"a recording could not be made: {error}")

    def listen(self, on_digit: OnDigit | None) -> None:
        self._on_digit = on_digit

    def hear(self, on_sound: OnSound | None) -> None:
        """Hear what comes in as it comes, packet by packet; None: no longer."""
        self._on_sound = on_sound

    def speak(self, sound: bytes, law: Law) -> None:
        """Send what somebody says now, as long as nothing is played. What follows at once, follows without a gap."""
        now = time.monotonic()
        start = self._spoken
        if start is None or abs(now - start) > _LATE:
            start = now
        self._spoken = start + len(sound) / RATE
        if self._player is None:
            self.play_frame(sound, law, round(start * RATE), first=start == now)

    def press(self, keys: str) -> bool:
        """Press keys, one after another, as the other end takes them; False where it takes none (RFC 4733).

        Raises ValueError for what is no key.
        """
        events = [(position, event) for position, key in enumerate(keys) for event in key_events(key)]
        if self._stream is None or self._stream.events is None:
            return False
        if self._keys is not None:
            self._keys.cancel()
        self._press(events, -1, 0)
        return True

    def _press(self, events: list[tuple[int, bytes]], pressed: int, timestamp: int) -> None:
        """Send the next packet of a key, and have the one after it sent in time."""
        if not events or (stream := self._stream) is None or stream.events is None:
            return
        (key, event), *rest = events
        if key != pressed:
            timestamp = self._epoch + round(time.monotonic() * RATE) & 0xFFFFFFFF
        self._sequence = self._sequence + 1 & 0xFFFF
        self.send(Packet(stream.events, self._sequence, timestamp, self._ssrc, event, marker=key != pressed))
        pause = 0.02 if rest and rest[0][0] == key else _BETWEEN_KEYS
        self._keys = self._loop.call_later(pause, self._press, rest, key, timestamp)

    def pass_on_to(self, other: Port) -> None:
        self._other = other

    def close(self) -> None:
        if self not in self._media.ports:
            return
        self._media.ports.discard(self)
        self.silence()
        if self._keys is not None:
            self._keys.cancel()
        self._on_digit = self._on_sound = self._other = None
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._tap is not None:
            self._tap.take_off_media(self.address)
        self._finish_recording()

    def _finish_recording(self) -> None:
        recording, self._recording = self._recording, None
        try:
            if recording is not None:
                recording.close()
        except OSError as error:
            self._media.trouble(f"a recording could not be finished: {error}")

    # --- out

    def play_frame(self, frame: bytes, law: Law, samples: int, *, first: bool) -> None:
        """Send 20 ms of sound; `samples` is their place on the clock."""
        if (stream := self._stream) is not None:
            self._sequence = self._sequence + 1 & 0xFFFF
            timestamp = self._epoch + samples & 0xFFFFFFFF
            sound = transcode(frame, law, stream.law)
            self.send(Packet(stream.payload_type, self._sequence, timestamp, self._ssrc, sound, marker=first))

    def played(self, done: Done, now: float) -> None:
        """The file is over."""
        self._player = None
        done(now)
        self._media.after()

    def send(self, packet: Packet) -> None:
        """Send to the other end, unless it does not want to hear us."""
        if self._stream is not None and self._stream.heard:
            data, to = bytes(packet), self._stream.address
            try:
                self._socket.sendto(data, to)
            except OSError:  # full buffer, or an ICMP error of an earlier packet: as good as lost on the way
                return
            if self._tap is not None:
                self._tap.media_sent(time.monotonic(), data, self.address, to)

    # --- in

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier packet
                continue
            if self._tap is not None:
                self._tap.media_received(time.monotonic(), data, source[:2], self.address)
            packet, stream = parse(data), self._stream
            if packet is None or stream is None or source[1] != stream.address[1]:
                continue
            if packet.payload_type == stream.events:
                self._take_event(packet)
            elif law := stream.law_of(packet.payload_type):
                self._take_sound(packet, law)
            if self not in self._media.ports:  # a digit ended the call
                return

    def _take_event(self, packet: Packet) -> None:
        digit = self._digits.read(packet)
        if self._other is not None:
            self._other.relay_event(packet)
        if digit is not None and self._on_digit is not None:
            self._on_digit(digit, time.monotonic())
            self._media.after()

    def _take_sound(self, packet: Packet, law: Law) -> None:
        if self._recording is not None:
            try:
                self._recording.take(packet, law)
            except OSError as error:
                self._media.trouble(f"a recording is not complete: {error}")
                self._finish_recording()
        if self._on_sound is not None:
            self._on_sound(packet.payload, law)
        if self._other is not None:
            self._other.relay_sound(packet, law)

    def relay_sound(self, packet: Packet, law: Law) -> None:
        if (stream := self._stream) is not None:
            self.send(_changed(packet, stream.payload_type, transcode(packet.payload, law, stream.law)))

    def relay_event(self, packet: Packet) -> None:
        if self._stream is not None and self._stream.events is not None:
            self.send(_changed(packet, self._stream.events, packet.payload))


def _changed(packet: Packet, payload_type: int, payload: bytes) -> Packet:
    """The same, as a translator leaves it (RFC 3550 7.1): the stream stays its sender's own."""
    return Packet(payload_type, packet.sequence, packet.timestamp, packet.ssrc, payload, packet.marker)


class _Player:
    """Plays one file: a frame every 20 ms of the clock, however late the event loop wakes it."""

    def __init__(self, port: RtpPort, sound: bytes, law: Law, done: Done) -> None:
        self._port, self._sound, self._law, self._done = port, sound, law, done
        self._position = 0  # in samples, one byte each
        self._loop = asyncio.get_running_loop()
        self._start = time.monotonic()
        self._alarm = self._loop.call_soon(self._ring)

    def stop(self) -> None:
        """Not a frame more."""
        self._alarm.cancel()

    def _ring(self) -> None:
        now = time.monotonic()
        while (due := self._start + self._position / RATE) <= now:
            if self._position >= len(self._sound):
                self._port.played(self._done, now)
                return
            if now - due > _LATE:
                self._start += now - due
            frame = self._sound[self._position : self._position + _SAMPLES].ljust(_SAMPLES, SILENCE[self._law])
            samples = round(self._start * RATE) + self._position
            self._port.play_frame(frame, self._law, samples, first=self._position == 0)
            self._position += _SAMPLES
        self._alarm = self._loop.call_at(due, self._ring)
