"""One real phone, and the worker in which it lives with a few others; a phone whose worker dies moves to a new one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from simulator.agents.pjsua.behaviour import Behaviour, plain
from simulator.agents.pjsua.call import Log, PhoneCall, PhoneEvent
from simulator.agents.pjsua.process import Message, PhoneError, PhoneFault, WorkerProcess

LIVES = 5  # workers that a phone may lose one after the other, without a call coming to its end in between
PHONES_PER_LIFE = 16  # of a worker, and for 64 sockets, which it gives back late: half a minute for a TCP connection
SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A text that was sent at ``sent`` (seconds of ``time.monotonic()``) and its final answer."""

    sent: float
    answer: PhoneEvent


class Pool(Protocol):
    """The pool that a phone belongs to, as the phone needs it."""

    numbers: Iterator[int]

    async def settle(self, phone: PjsuaPhone) -> PhoneWorker:
        """Find or start a worker for the phone."""

    async def remove(self, phone: PjsuaPhone) -> None:
        """Take it away."""


class PjsuaPhone(Log):
    """One PJSIP phone; made by ``PhonePool.phone``."""

    def __init__(self, pool: Pool, number: int, spec: Message, behaviour: Behaviour) -> None:
        super().__init__()
        self._pool, self._spec, self._behaviour = pool, spec, behaviour
        self.number = number
        self.worker: PhoneWorker | None = None
        self._moving = asyncio.Lock()
        self._texting = asyncio.Lock()
        self._registered = False
        self.lost = 0  # workers that died, and no call has come to its end since
        self.calls: list[PhoneCall] = []
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()

    @property
    def uri(self) -> str:
        """The URI at which the phone itself listens."""
        spec = self._spec
        return f"sip:{spec['user']}@{spec['bind']}:{spec['port']}{suffix(spec['transport'])}"

    @property
    def domain(self) -> str:
        return str(self._spec["domain"])

    @property
    def registered(self) -> bool:
        """True if it has registered from the worker in which it lives."""
        return self._registered and self.worker is not None and not self.worker.fault

    async def register(self, within: float = 10.0) -> None:
        """Register, and wait for the registrar's answer; PhoneError when it is not a 2xx."""
        await self._registration(True, within)

    async def unregister(self, within: float = 10.0) -> None:
        """Take the registration back, and wait for the registrar's answer."""
        await self._registration(False, within)

    async def _registration(self, on: bool, within: float) -> None:
        before = len(self.events)
        await self.command("register", number=self.number, on=on)
        try:
            async with asyncio.timeout(within):
                while not (ends := [each for each in self.events[before:] if each.kind in ("registration", "fault")]):
                    await self.grows()
        except TimeoutError:
            raise TimeoutError(f"no answer to the REGISTER of {self._spec['identity']} within {within} s") from None
        if ends[0].kind == "fault":
            raise PhoneFault(ends[0].text)
        if ends[0].status not in SUCCESS:
            raise PhoneError(f"REGISTER of {self._spec['identity']}: {ends[0].status} {ends[0].text}")
        self._registered = on

    async def call(
        self,
        callee: str,
        *,
        caller: str = "",
        headers: Sequence[tuple[str, str]] = (),
        talk: float | None = None,
        play: Path | None = None,
        record: Path | None = None,
    ) -> PhoneCall:
        """Call a number (at the phone's domain) or URI.

        ``caller`` is a From (name-addr or URI) to present in place of the phone's own. The phone hangs up ``talk``
        seconds after the answer (None: never); it plays and records WAV files as in ``Behaviour``.
        """
        worker = await self.home()
        key = f"out{next(self._pool.numbers)}"
        call = worker.calls[key] = PhoneCall(self.command, key, "", caller=True)
        try:
            answer = await worker.command(
                "call",
                number=self.number,
                call=key,
                uri=self._uri_of(callee),
                caller=caller,
                headers=[list(header) for header in headers],
                orders=plain({"talk": talk, "play": play, "record": record}),
            )
        except PhoneError:
            worker.calls.pop(key, None)
            raise
        call.call_id = answer["call_id"]
        self.calls.append(call)
        return call

    async def text(
        self,
        callee: str,
        body: str,
        *,
        caller: str = "",
        headers: Sequence[tuple[str, str]] = (),
        within: float = 40.0,
    ) -> Delivery:
        """Send a text (RFC 3428) and wait for its final answer; arguments as of ``call``.

        One after the other: PJSIP does not say which text an answer is for. PhoneError where it could not be sent,
        PhoneFault where the worker died, TimeoutError after ``within`` seconds.
        """
        async with self._texting:
            before = len(self.events)
            answer = await self.command(
                "text",
                number=self.number,
                uri=self._uri_of(callee),
                body=body,
                caller=caller,
                headers=[list(header) for header in headers],
            )
            async with asyncio.timeout(within):
                while not (ends := [each for each in self.events[before:] if each.kind in ("delivered", "fault")]):
                    await self.grows()
        if ends[0].kind == "fault":
            raise PhoneFault(ends[0].text)
        return Delivery(answer["at"], ends[0])

    def _uri_of(self, callee: str) -> str:
        return callee if ":" in callee else f"sip:{callee}@{self.domain}{suffix(self._spec['transport'])}"

    async def next_call(self, within: float = 10.0) -> PhoneCall:
        """The next call that came in, the oldest first."""
        async with asyncio.timeout(within):
            return await self._incoming.get()

    async def behave(self, behaviour: Behaviour) -> None:
        """From the next call on, behave so."""
        await self.command("behave", number=self.number, behaviour=plain(asdict(behaviour)))
        self._behaviour = behaviour

    async def pid(self) -> int:
        """The process that the phone lives in."""
        return (await (await self.home()).process()).pid

    async def close(self) -> None:
        """Take the phone away: its calls are hung up, its registration is taken back, its port is free again."""
        await self._pool.remove(self)

    async def command(self, do: str, **details: Any) -> Message:
        return await (await self.home()).command(do, **details)

    async def home(self) -> PhoneWorker:
        """The worker in which this phone lives, a new one if the last one died; PhoneFault once that was too often."""
        async with self._moving:
            if self.worker is None or self.worker.fault:
                if self.lost >= LIVES:
                    *_, last = self.all("fault")
                    raise PhoneFault(f"{self.lost} workers in a row died with this phone; the last: {last.text}")
                self._registered = False
                worker = await self._pool.settle(self)
                answer = await worker.command(
                    "phone", number=self.number, spec=self._spec, behaviour=plain(asdict(self._behaviour))
                )
                self._spec["port"] = answer["port"]
                self.worker = worker
            return self.worker

    def take(self, call: PhoneCall) -> None:
        """A call has come in."""
        self.calls.append(call)
        self._incoming.put_nowait(call)

    def fits_beside(self, other: PjsuaPhone) -> bool:
        """True if PJSIP, which finds the phone of a call by domain and user, can tell the two apart."""
        mine, others = self._spec, other._spec
        return bool(mine["registrar"] == others["registrar"] and mine["user"] != others["user"])


class PhoneWorker(WorkerProcess):
    """A worker process with the phones and calls that live in it."""

    def __init__(self, codecs: Sequence[str]) -> None:
        super().__init__(codecs)
        self.phones: list[PjsuaPhone] = []
        self.places = PHONES_PER_LIFE
        self.calls: dict[str, PhoneCall] = {}

    def hear(self, message: Message) -> None:
        kind, number, key = message.pop("event"), message.pop("phone"), message.pop("call", None)
        phone = next((phone for phone in self.phones if phone.number == number), None)
        if message.pop("new", False) and phone is not None:
            self.calls[key] = PhoneCall(phone.command, key, message.pop("call_id"), caller=False)
            phone.take(self.calls[key])
        logs: list[Log | None] = [phone if key is None else self.calls.get(key)] if number else [*self.phones]
        for log in logs:
            if log is not None:  # a phone that was taken away may still have something to say
                log.add(PhoneEvent(kind, **message))
        if kind == "ended":
            self.calls.pop(key, None)
            for phone in self.phones:
                phone.lost = 0

    def died(self) -> None:
        event = PhoneEvent("fault", time.monotonic(), text=self.fault)
        for phone in self.phones:
            phone.lost += 1
        for log in [*self.calls.values(), *self.phones]:
            log.add(event)
        self.calls.clear()


def suffix(transport: str) -> str:
    """The URI parameter that names a transport; UDP needs none."""
    return "" if transport == "udp" else f";transport={transport}"
