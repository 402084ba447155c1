"""A real phone's events, and one call of it: events in their order, waiting for them, and orders to the phone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from simulator.agents.pjsua.process import Message, PhoneError, PhoneFault

Moment = Literal["ringing", "media", "answered", "dtmf", "ended"]

RINGING = range(180, 190)


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """Something that a phone saw.

    Of a call, ``kind`` is sent or received (a SIP ``message``; ``status`` is 0 for a request), media (audio flows),
    answered, dtmf (``text`` is the digit), ended (``status`` and ``text`` say how) or fault (``text`` says why);
    of a phone, registration, text (one came), delivered (one was answered: ``status``, 408 for no answer), fault, or
    trouble (``text``: a defect of the worker, or a call refused for want of room).
    ``at`` is ``time.monotonic()`` in the worker, seconds; on Linux all processes share that clock.
    """

    kind: str
    at: float
    method: str = ""
    status: int = 0
    text: str = ""
    message: str = field(default="", repr=False)


class Log:
    """Events in their order."""

    def __init__(self) -> None:
        self.events: list[PhoneEvent] = []
        self._more = asyncio.Event()

    def add(self, event: PhoneEvent) -> None:
        self.events.append(event)
        self._more.set()

    def all(self, kind: str, method: str | None = None, statuses: range | None = None) -> Iterator[PhoneEvent]:
        """The events of this kind, method and range of statuses, the first one first."""
        for event in self.events:
            if event.kind == kind and method in (None, event.method) and (statuses is None or event.status in statuses):
                yield event

    def first(self, kind: str, method: str | None = None, statuses: range | None = None) -> PhoneEvent | None:
        return next(self.all(kind, method, statuses), None)

    async def grows(self) -> None:
        self._more.clear()
        await self._more.wait()


class Command(Protocol):
    """The way to have a phone's worker do something."""

    async def __call__(self, do: str, **details: Any) -> Message:
        """Return the worker's answer; PhoneError where it cannot be done."""


class PhoneCall(Log):
    """One call as the phone at one of its ends saw it; `command` reaches that phone."""

    def __init__(self, command: Command, key: str, call_id: str, caller: bool) -> None:
        super().__init__()
        self.key, self.call_id, self.caller = key, call_id, caller
        self._command = command

    @property
    def over(self) -> PhoneEvent | None:
        return self.first("ended") or self.first("fault")

    @property
    def status(self) -> int | None:
        """The status that ended the call: 200 after a talk, the refusal's otherwise; None while it lasts."""
        return self.over.status if self.over else None

    def invite(self) -> PhoneEvent | None:
        """The INVITE as it was sent by the caller's phone or seen by the called one."""
        return self.first("sent" if self.caller else "received", "INVITE")

    def responses(self) -> Iterator[PhoneEvent]:
        """The responses to the INVITE, those that ask for credentials among them."""
        return self.all("received" if self.caller else "sent", "INVITE", range(100, 700))

    async def wait(self, moment: Moment, within: float = 10.0) -> PhoneEvent:
        """Wait until the call has come to ``moment``, or at once if it has.

        PhoneError when the call ended without, PhoneFault when the worker died, TimeoutError after ``within`` seconds.
        """
        try:
            async with asyncio.timeout(within):
                while (event := self._moment(moment)) is None:
                    if self.over and self.over.kind == "fault":
                        raise PhoneFault(self.over.text)
                    if self.over:
                        raise PhoneError(f"the call ended with {self.over.status} {self.over.text}: not {moment}")
                    await self.grows()
        except TimeoutError:
            raise TimeoutError(f"the call was not {moment} within {within} s: {self.events}") from None
        return event

    def _moment(self, moment: Moment) -> PhoneEvent | None:
        if moment == "ringing":
            return next((event for event in self.responses() if event.status in RINGING), None)
        return self.first(moment)

    async def answer(self, status: int = 200) -> None:
        """Send a response to the INVITE: 180, 183 (early media), 200, or a refusal."""
        await self._order("answer", status=status)

    async def hang_up(self, status: int = 0) -> None:
        """End the call by CANCEL, BYE or, on a phone that rings, a refusal with ``status``; harmless once over."""
        if not self.over:
            await self._order("hang_up", status=status)

    async def dtmf(self, digits: str) -> None:
        """Send digits as telephone events (RFC 4733)."""
        await self._order("dtmf", digits=digits)

    async def play(self, path: Path | None) -> None:
        """Play this WAV file from its start, over and over; None plays silence."""
        await self._order("play", path=None if path is None else str(path))

    async def record(self, path: Path) -> None:
        """Write what is heard from now on to this WAV file, which is whole once the call has ended."""
        await self._order("record", path=str(path))

    async def _order(self, do: str, **details: Any) -> None:
        if self.over:  # in a new worker the key may be another call's
            raise PhoneError(f"the call is over: {self.over.text}")
        await self._command(do, call=self.key, **details)
