"""Sound without sockets: ports that write down what they are told, and say what the test tells them to."""

from __future__ import annotations

from pathlib import Path

from simulator.addresses import Address
from simulator.media.g711 import Law
from simulator.media.ports import Done, OnDigit, Port
from simulator.media.rtp import Packet
from simulator.media.sdp import Stream

KNOWN = ("barred", "changed", "voicemail", "honeypot", "challenge-5", "goodbye", "warning")


def find_prompt(name: str) -> Path:
    """A path that names the prompt."""
    if name not in KNOWN:
        raise LookupError(name)
    return Path(name)


class ScriptedPort:
    """One port; `playing` names the prompt that the other side hears now."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.stream: Stream | None = None
        self.playing: str | None = None
        self.recorded: tuple[Path, float] | None = None
        self.passes_to: Port | None = None
        self.open = True
        self._done: Done | None = None
        self._on_digit: OnDigit | None = None

    @property
    def listens(self) -> bool:
        return self._on_digit is not None

    def direct(self, stream: Stream) -> None:
        self.stream = stream

    def play(self, wav: Path, done: Done) -> None:
        self.playing, self._done = wav.name, done

    def silence(self) -> None:
        self.playing = self._done = None

    def record(self, path: Path, most: float) -> None:
        self.recorded = path, most

    def listen(self, on_digit: OnDigit | None) -> None:
        self._on_digit = on_digit

    def pass_on_to(self, other: Port) -> None:
        self.passes_to = other

    def relay_sound(self, packet: Packet, law: Law) -> None:
        raise NotImplementedError

    def relay_event(self, packet: Packet) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.open, self.playing, self._done, self._on_digit = False, None, None, None

    # --- what the test makes happen

    def finish(self, now: float) -> str:
        """The prompt is over; returns its name."""
        playing, done = self.playing, self._done
        assert playing is not None
        assert done is not None
        self.silence()
        done(now)
        return playing

    def press(self, digit: str, now: float) -> None:
        """The other side presses a key."""
        if self._on_digit is not None:
            self._on_digit(digit, now)


class ScriptedMedia:
    """Gives out ports, `most` in all."""

    def __init__(self, most: int = 100) -> None:
        self.ports: list[ScriptedPort] = []
        self._most = most

    def open(self) -> ScriptedPort:
        if len(self.ports) >= self._most:
            raise OSError("no port left")
        self.ports.append(ScriptedPort(("127.0.0.1", 20000 + 2 * len(self.ports))))
        return self.ports[-1]

    @property
    def idle(self) -> bool:
        """True if all were given back."""
        return not any(port.open for port in self.ports)
