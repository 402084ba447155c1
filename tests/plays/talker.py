"""A telephone of the test: SIP and sound on sockets of its own. It plays a tone and records what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from proxy.sip.message import Request, Response
from simulator.addresses import Address
from simulator.agents.endpoint import Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.registration import Failure, Registration, WirePhone
from simulator.agents.scheduler import Timer
from simulator.agents.udp import UdpEndpoint
from simulator.media.g711 import RATE
from simulator.media.ports import RtpMedia
from simulator.media.prompts import PROMPTS
from simulator.media.recognition import Samples, heard, tone, tone_seconds, which_prompt, write_wav
from simulator.media.rtp import Packet
from simulator.softswitch.embedded.media_leg import MediaLeg, with_sdp

PATIENCE = 20.0  # seconds for whatever the switch is to do
_DIGITS = "0123456789*#"
_KEY_PACKETS = 5  # 100 ms of a key, then its end, three times (RFC 4733 2.5.1.4)
_EVENTS = 101
_FRAME = 160  # samples of 20 ms
_HEAD = 44  # bytes of a WAV file before its samples


class Talker(LegListener):
    """One call of a telephone, placed by `call` or taken (answered at once, unless `answers` is False).

    `events` are what it saw in their order: `INVITE`, `180`, `200`, `CANCEL`, `BYE`, `ACK` and so on; `messages` are
    these as they came.
    """

    def __init__(self, server: Address, folder: Path, name: str, hz: float, *, answers: bool = True) -> None:
        self.name = name
        self.hz = hz  # of the tone that it plays
        self.events: list[str] = []
        self.messages: list[Request | Response] = []
        self._server = server
        self._folder = folder
        self._answers = answers
        self._more = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._udp = UdpEndpoint(("127.0.0.1", 0), self)
        self._media = RtpMedia("127.0.0.1")
        self._media.after = self._udp.flush
        self._port = self._media.open()
        self._sound = MediaLeg(self._port)
        self._leg: Leg | None = None
        self._recording = self._folder / f"{self.name}.wav"
        self._port.record(self._recording, 60.0)
        self._tone = self._folder / f"{self.name} plays.wav"
        write_wav(self._tone, tone(self.hz, 1.0))
        self._playing: Timer | None = None
        return self

    async def __aexit__(self, *_: object) -> None:
        self._media.close()
        self._udp.close()

    @property
    def uri(self) -> str:
        """The URI at which it listens."""
        host, port = self._udp.address
        return f"sip:{self.name}@{host}:{port}"

    # --- orders

    async def register(self, phone: WirePhone, *, expires: int = 3600) -> list[Failure]:
        done: asyncio.Future[list[Failure]] = asyncio.get_running_loop().create_future()
        Registration(
            self._udp.endpoint,
            [phone],
            self._server,
            done.set_result,
            time.monotonic(),
            domain="ringfence.example",
            expires=expires,
        )
        self._udp.flush()
        return await asyncio.wait_for(done, PATIENCE)

    def call(self, user: str, headers: Sequence[tuple[str, str]] = ()) -> str:
        """Call; returns the Call-ID."""
        call_id = f"{self.name}-{self._udp.endpoint.new_tag()}"
        self._leg = self._sound.leg = Leg.call(
            self._udp.endpoint,
            self,
            f"sip:{user}@ringfence.example",
            call_id=call_id,
            from_="<sip:+6591234567@ringfence.example>",
            to=f"<sip:{user}@ringfence.example>",
            next_hop=self._server,
            now=time.monotonic(),
            contact=self.name,
            headers=with_sdp(headers),
            body=self._sound.offer(),
        )
        self._udp.flush()
        return call_id

    def answer(self) -> None:
        assert self._leg is not None
        invite = self.messages[self.events.index("INVITE")]
        self._leg.respond(200, time.monotonic(), headers=with_sdp(), body=self._sound.describe(invite))
        self._udp.flush()
        self._talk()

    def hang_up(self) -> None:
        assert self._leg is not None
        self._leg.hang_up(time.monotonic())
        self._udp.flush()

    async def offer_again(self) -> Response:
        """re-INVITE, as to hold and to resume; returns the final answer, acknowledged."""
        assert self._leg is not None
        leg, answers = self._leg, asyncio.Queue[Response]()

        def answered(response: Response | None, now: float) -> None:
            assert response is not None
            if response.status == 200:
                leg.acknowledge(now)
                self._sound.take_answer(response)
            answers.put_nowait(response)

        leg.request("INVITE", time.monotonic(), answered, headers=with_sdp(), body=self._sound.offer())
        self._udp.flush()
        return await asyncio.wait_for(answers.get(), PATIENCE)

    async def press(self, digit: str) -> None:
        """Press a key for 100 ms."""
        timestamp = round(time.monotonic() * 8000) & 0xFFFFFFFF
        for n in range(_KEY_PACKETS + 3):
            end, duration = n >= _KEY_PACKETS, 160 * min(n + 1, _KEY_PACKETS)
            event = bytes([_DIGITS.index(digit), end << 7 | 10]) + duration.to_bytes(2, "big")
            self._port.send(Packet(_EVENTS, 40000 + n, timestamp, 99, event, marker=n == 0))
            await asyncio.sleep(0 if end else 0.02)

    def burst(self, sound: bytes) -> None:
        """Send this (mu-law) at once, as it comes from a machine that stood still while it was said."""
        self._port.silence()
        start = round(time.monotonic() * RATE)
        for place in range(0, len(sound), _FRAME):
            self._port.play_frame(sound[place : place + _FRAME], "PCMU", start + place, first=not place)

    # --- what it saw

    async def sees(self, *events: str, within: float = PATIENCE) -> None:
        """Wait until all of these have happened."""
        deadline = time.monotonic() + within
        while not set(events) <= set(self.events):
            assert time.monotonic() < deadline, f"waited for {events}; {self.name} saw {self.events}"
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), deadline - time.monotonic())

    async def hears(self, hz: float, seconds: float) -> None:
        """Wait until a tone has been heard for longer than that."""
        deadline = time.monotonic() + PATIENCE
        while tone_seconds(self._samples(), hz) <= seconds:
            assert time.monotonic() < deadline, f"{self.name} heard {tone_seconds(self._samples(), hz)} s of {hz} Hz"
            await asyncio.sleep(0.05)

    def _samples(self) -> Samples:
        """The sound heard so far; the head of a file that grows does not say how much it is."""
        data = self._recording.read_bytes()[_HEAD:]
        return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2") / 32768

    def message(self, event: str) -> Request | Response:
        """The first message of that name."""
        return self.messages[self.events.index(event)]

    def heard_tone(self, hz: float) -> float:
        """For how many seconds it heard a tone; it hears no more afterwards."""
        self._media.close()
        return heard(self._recording, hz)

    def heard_prompt(self, *among: str) -> str | None:
        """The prompt that it heard, the surest of these or of all; it hears no more afterwards."""
        self._media.close()
        return which_prompt(self._recording, among or PROMPTS)

    # --- what happens to it

    def _note(self, event: str, message: Request | Response) -> None:
        self.events.append(event)
        self.messages.append(message)
        self._more.set()

    def _talk(self, _now: float = 0.0) -> None:
        if self._leg is not None and not self._leg.over:
            self._port.play(self._tone, self._talk)

    def incoming(self, incoming: Incoming, now: float) -> None:
        self._note(incoming.request.method, incoming.request)
        if incoming.request.method != "INVITE" or self._leg is not None:
            incoming.reply(200 if incoming.request.method in ("OPTIONS", "MESSAGE") else 486, now)
            return
        self._leg = self._sound.leg = Leg.take(self._udp.endpoint, self, incoming, contact=self.name)
        self._leg.respond(180, now)
        if self._answers:
            self.answer()

    def progressed(self, _leg: Leg, response: Response, _now: float) -> None:
        self._note(str(response.status), response)
        if response.body:
            self._sound.take_answer(response)

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        leg.acknowledge(now)
        if not self._sound.agreed:
            self._sound.take_answer(response)
        self._note(str(response.status), response)
        self._talk()

    def refused(self, _leg: Leg, response: Response, _now: float) -> None:
        self._note(str(response.status), response)

    def unanswered(self, _leg: Leg, _now: float) -> None:
        raise AssertionError(f"{self.name}: the switch never answered")

    def acknowledged(self, _leg: Leg, request: Request, _now: float) -> None:
        self._note("ACK", request)

    def cancelled(self, _leg: Leg, request: Request, _now: float) -> None:
        self._note("CANCEL", request)

    def hung_up(self, _leg: Leg, request: Request, _now: float) -> None:
        self._port.silence()
        self._note("BYE", request)

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        if incoming.request.method in ("INVITE", "UPDATE"):
            self._note(f"re-{incoming.request.method}", incoming.request)
            leg.answer(incoming, 200, now, headers=with_sdp(), body=self._sound.describe(incoming.request))
        else:
            leg.answer(incoming, 200, now)
