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
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Literal, Self

from simulator.agents.pjsua.behaviour import ANSWER, BUSY, RING_ONLY, Behaviour, TlsFiles, plain
from simulator.agents.pjsua.call import PhoneCall, PhoneEvent
from simulator.agents.pjsua.phone import Delivery, PhoneWorker, PjsuaPhone, suffix
from simulator.agents.pjsua.process import WORKER, PhoneError, PhoneFault
from simulator.wording import install

__all__ = [
    "ANSWER",
    "BUSY",
    "RING_ONLY",
    "Behaviour",
    "Delivery",
    "PhoneCall",
    "PhoneError",
    "PhoneEvent",
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
FAREWELL_S = 2.0


def available() -> tuple[bool, str]:
    """True if there can be real phones here; else False and what to install."""
    if importlib.util.find_spec("pjsua2") is not None:
        return True, ""
    if sys.version_info >= (3, 13):
        return False, "real phones need Python 3.11 or 3.12: there is no PJSIP (pjsua2-python) for newer ones"
    return False, f"real phones need PJSIP: {install('phones')} (the package pjsua2-python)"


def built_codecs() -> list[str]:
    """The audio codecs that this PJSIP was built with, such as G722. Raises PhoneError where it cannot say."""
    command = [*WORKER, "--codecs"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if asked.returncode != 0:
        raise PhoneError(f"PJSIP does not start: {asked.stderr.strip()[-200:]}")
    return list(dict.fromkeys(asked.stdout.split()))


class PhonePool:
    """All phones of a run; leaving it hangs up, takes registrations back and ends the workers.

    Its phones speak ``codecs`` (of ``built_codecs``), the one they like best first.
    """

    def __init__(self, phones_per_worker: int = PHONES_PER_WORKER, codecs: Sequence[str] = G711) -> None:
        self._codecs = codecs
        self._room = phones_per_worker
        self._workers: list[PhoneWorker] = []
        self.numbers: Iterator[int] = itertools.count(1)

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
        ending = suffix(transport)
        at = domain or (f"{server[0]}:{server[1]}" if server else bind)
        spec = {
            "user": user,
            "password": password,
            "identity": f'"{display_name}" <sip:{user}@{at}>' if display_name else f"<sip:{user}@{at}>",
            "domain": at,
            "registrar": f"sip:{at}{ending}" if server else "",
            "route": f"<sip:{server[0]}:{server[1]}{ending};lr>" if server and domain else "",
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

    async def settle(self, phone: PjsuaPhone) -> PhoneWorker:
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
            worker = PhoneWorker(self._codecs)
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
