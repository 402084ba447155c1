"""Real phones: PJSIP in worker processes of its own, used from asyncio.

    async with PhonePool() as pool:
        alice = await pool.phone("+8613800138001", "s3cret", server=("127.0.0.1", 5060), bind="127.0.0.5")
        await alice.register()
        call = await alice.call("+8613800138002")
        await call.wait("answered", within=5)

PJSIP has room for four calls and aborts its whole process at the ninth account or at a failed assertion. So a few
phones share a worker (worker.py), and a worker that dies, or hangs and is killed, takes only their calls with it:
those end in a ``fault``, and the phones come back in a new worker, at the same address, when they are next used (a
registration is to be made again then). IPv4 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from simulator.agents.pjsua.behaviour import ANSWER, BUSY, RING_ONLY, Behaviour, TlsFiles, plain
from simulator.agents.pjsua.call import Event, Log, PhoneCall
from simulator.agents.pjsua.process import SCRIPT, Message, PhoneError, PhoneFault, WorkerProcess

__all__ = [
    "ANSWER",
    "BUSY",
    "RING_ONLY",
    "Behaviour",
    "Delivery",
    "Event",
    "PhoneCall",
    "PhoneError",
    "PhoneFault",
    "PhonePool",
    "PjsuaPhone",
    "TlsFiles",
    "available",
    "built_codecs",
]

Transport = Literal["udp", "tcp", "tls"]

G711 = ("PCMU", "PCMA")
PHONES_PER_WORKER = 4  # PJSIP has room for eight accounts but four calls, in and out
LIVES = 5  # workers that a phone may lose one after the other, without a call coming to its end in between
PHONES_PER_LIFE = 16  # and for 64 sockets, which it gives back late: half a minute for a TCP connection
FAREWELL_S = 2.0
SUCCESS = range(200, 300)


def available() -> tuple[bool, str]:
    """True if there can be real phones here; else False and what to install."""
    if importlib.util.find_spec("pjsua2") is not None:
        return True, ""
    if sys.version_info >= (3, 13):
        return False, "real phones need Python 3.11 or 3.12: there is no PJSIP (pjsua2-python) for newer ones"
    return False, "real phones need PJSIP: pip install 'ringfence[phones]' (the package pjsua2-python)"


def built_codecs() -> list[str]:
    """The audio codecs that this PJSIP was built with, such as G722. Raises PhoneError where it cannot say."""
    command = [sys.executable, "-P", str(SCRIPT), "--codecs"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if asked.returncode != 0:
        raise PhoneError(f"PJSIP does not start: {asked.stderr.strip()[-200:]}")
    return list(dict.fromkeys(asked.stdout.split()))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A text that was sent at ``sent`` (seconds of ``time.monotonic()``) and its final answer."""

    sent: float
    answer: Event


class PjsuaPhone(Log):
    """One PJSIP phone; made by ``PhonePool.phone``."""

    def __init__(self, pool: PhonePool, number: int, spec: Message, behaviour: Behaviour) -> None:
        super().__init__()
        self._pool, self._spec, self._behaviour = pool, spec, behaviour
        self.number = number
        self.worker: Worker | None = None
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
        return f"sip:{spec['user']}@{spec['bind']}:{spec['port']}{_suffix(spec['transport'])}"

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
        return callee if ":" in callee else f"sip:{callee}@{self.domain}{_suffix(self._spec['transport'])}"

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

    async def home(self) -> Worker:
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


class Worker(WorkerProcess):
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
                log.add(Event(kind, **message))
        if kind == "ended":
            self.calls.pop(key, None)
            for phone in self.phones:
                phone.lost = 0

    def died(self) -> None:
        event = Event("fault", time.monotonic(), text=self.fault)
        for phone in self.phones:
            phone.lost += 1
        for log in [*self.calls.values(), *self.phones]:
            log.add(event)
        self.calls.clear()


class PhonePool:
    """All phones of a run; leaving it hangs up, takes registrations back and ends the workers.

    Its phones speak ``codecs`` (of ``built_codecs``), the one they like best first.
    """

    def __init__(self, phones_per_worker: int = PHONES_PER_WORKER, codecs: Sequence[str] = G711) -> None:
        self._codecs = codecs
        self._room = phones_per_worker
        self._workers: list[Worker] = []
        self.numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        usable, reason = available()
        if not usable:
            raise PhoneError(reason)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await asyncio.gather(*map(self._farewell, self.phones))
        finally:
            await asyncio.gather(*(worker.stop() for worker in self._workers), return_exceptions=True)

    @property
    def phones(self) -> list[PjsuaPhone]:
        return [phone for worker in self._workers for phone in worker.phones]

    async def phone(
        self,
        user: str,
        password: str = "",
        *,
        server: tuple[str, int] | None = None,
        domain: str | None = None,
        transport: Transport = "udp",
        bind: str = "127.0.0.1",
        port: int = 0,
        display_name: str = "",
        tls: TlsFiles | None = None,
        expires: int = 300,
        behaviour: Behaviour = ANSWER,
    ) -> PjsuaPhone:
        """A new phone, listening on ``bind`` and ``port`` (0: any free one), not yet registered.

        ``server`` (host, port) is its registrar and switch; where ``domain`` is given, that is what it registers with
        and calls at, and the server is its outbound proxy (with a Route). With neither it can only be called and call
        directly. ``password`` answers digest challenges; ``expires`` is the registration's life in seconds.
        """
        suffix = _suffix(transport)
        at = domain or (f"{server[0]}:{server[1]}" if server else bind)
        spec = {
            "user": user,
            "password": password,
            "identity": f'"{display_name}" <sip:{user}@{at}>' if display_name else f"<sip:{user}@{at}>",
            "domain": at,
            "registrar": f"sip:{at}{suffix}" if server else "",
            "route": f"<sip:{server[0]}:{server[1]}{suffix};lr>" if server and domain else "",
            "transport": transport,
            "bind": bind,
            "port": port,
            "tls": None if transport != "tls" else plain(asdict(tls or TlsFiles())),
            "expires": expires,
        }
        phone = PjsuaPhone(self, next(self.numbers), spec, behaviour)
        try:
            await phone.home()
        except PhoneError:
            self._forget(phone)
            raise
        return phone

    async def settle(self, phone: PjsuaPhone) -> Worker:
        """Find or start a worker for the phone."""
        self._forget(phone)
        for worker in self._workers:
            if (
                not worker.fault
                and worker.places
                and len(worker.phones) < self._room
                and all(phone.fits_beside(other) for other in worker.phones)
            ):
                break
        else:
            worker = Worker(self._codecs)
            self._workers.append(worker)
        worker.places -= 1
        worker.phones.append(phone)
        await worker.process()
        return worker

    async def remove(self, phone: PjsuaPhone) -> None:
        await self._farewell(phone)
        if phone.worker and not phone.worker.fault:
            await phone.worker.command("remove", number=phone.number)
        self._forget(phone)
        if phone.worker in self._workers and not (phone.worker.phones or phone.worker.places):
            self._workers.remove(phone.worker)
            await phone.worker.stop()

    def _forget(self, phone: PjsuaPhone) -> None:
        for worker in self._workers:
            if phone in worker.phones:
                worker.phones.remove(phone)
        self._workers = [worker for worker in self._workers if worker.phones or not worker.fault]

    @staticmethod
    async def _farewell(phone: PjsuaPhone) -> None:
        """Take back a registration, if there still is somebody to hear it."""
        if phone.registered:
            with contextlib.suppress(PhoneError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):  # the worker may hang as well
                    await phone.unregister()


def _suffix(transport: str) -> str:
    return "" if transport == "udp" else f";transport={transport}"
