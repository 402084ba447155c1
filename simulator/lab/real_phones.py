"""Real phones (PJSIP) that register, call, and do with the calls that come in what they are told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from proxy.sip.message import parse
from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER, Order
from simulator.agents.pjsua.phones import RING_ONLY, Delivery, PhoneCall, PhoneError, PhoneEvent, PhonePool, PjsuaPhone
from simulator.agents.wire import Behaviour
from simulator.media.recognition import tone, write_wav
from simulator.media.recordings import recording_path
from simulator.scenario.voices import VOICES

_SHOWN = 300  # characters of a trouble
_SETTLE = 2.0  # seconds that a call may take beyond its order to end
_LISTENS = 3.0  # seconds of an announcement that somebody listens to before pressing a key
_TRIES = 3  # times that a phone may fail to come back, one after the other
_BETWEEN_TRIES = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Part:
    """A called phone's part in one call: it presses the keys once it has answered, and records what it hears."""

    behaviour: Behaviour
    presses: str = ""
    recording: Path | None = None


@dataclass(slots=True)
class RealCall:
    """A call or text that one of these phones places, and that should have been placed at `due`.

    `started` is the call once it is under way, `delivered` a text that was answered; the `task` ends with it.
    """

    due: float
    started: PhoneCall | None = None
    delivered: Delivery | None = None
    task: asyncio.Task[None] = field(init=False)

    @property
    def call_id(self) -> str | None:
        """The Call-ID with which it left, so far as it is known."""
        if self.delivered is not None:
            return _call_id(self.delivered.answer)
        return self.started.call_id if self.started else None


class RealPhones:
    """The PJSIP phones of one pass. `server` is where they register and send their calls.

    A phone that is called rings at once and then does what the called number's order says, found by the caller
    side's Call-ID, which PJSIP picks for itself where it is the caller too. Both sides say a tone all the time, and
    what they hear goes to `recordings` in the `folder`.
    """

    def __init__(self, server: Address, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._pool = PhonePool()
        self._phones: dict[str, PjsuaPhone] = {}
        self._parts: defaultdict[str, asyncio.Future[Part]] = defaultdict(asyncio.Future)
        self._taken: defaultdict[str, list[PhoneCall]] = defaultdict(list)
        self._tasks: set[asyncio.Task[None]] = set()
        self._voices: dict[str, Path] = {}
        self._given_up: list[str] = []

    async def __aenter__(self) -> Self:
        self._scratch = TemporaryDirectory(prefix="ringfence-")
        for side, hz in VOICES.items():
            self._voices[side] = Path(self._scratch.name) / f"{side}.wav"
            write_wav(self._voices[side], tone(hz, 1.0))
        recording_path(self._folder, "", "").parent.mkdir(parents=True, exist_ok=True)
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.__aexit__(None, None, None)
        self._scratch.cleanup()

    async def add(self, name: str, user: str, password: str, bind: str) -> None:
        """A subscriber's phone, registered and waiting for calls. Raises PhoneError or TimeoutError."""
        phone = await self._pool.phone(user, password, server=self._server, bind=bind, behaviour=RING_ONLY)
        await phone.register()
        self._phones[name] = phone
        self._start(self._serve(phone))
        self._start(self._keep(name, phone))

    async def add_caller(self, name: str, bind: str) -> None:
        """A phone on a trunk, which only calls."""
        self._phones[name] = await self._pool.phone(name, server=self._server, bind=bind)

    def place(self, name: str, order: Order, part: Part, due: float, presses: str = "") -> RealCall:
        """Have the phone `name` call now and press these keys once it is answered; `part` is the called phone's.

        An order for a text is sent as one.
        """
        placed = RealCall(due)
        phone = self._phones[name]
        if order.text is None:
            doing = self._call(placed, phone, order, part, presses)
        else:
            doing = self._text(placed, phone, order, order.text)
        placed.task = asyncio.create_task(doing)
        self._tasks.add(placed.task)  # for good: what it failed with is asked for at the end
        return placed

    def expect(self, call_id: str, part: Part) -> None:
        """A call of somebody else's to one of these phones."""
        future = self._parts[call_id]
        if not future.done():
            future.set_result(part)

    @property
    def problems(self) -> list[str]:
        """The phones' troubles, such as calls for which PJSIP had no room, and who was given up."""
        troubles = {event for phone in self._phones.values() for event in phone.all("trouble")}
        shown = sorted(event.text.strip()[-_SHOWN:] for event in troubles)
        troubled = [f"real phones had trouble {len(shown)} times, first: {shown[0]}"] if shown else []
        return troubled + self._given_up

    def taken(self, call_id: str) -> list[PhoneCall]:
        """The calls that came to these phones, by the Call-ID on the caller's side."""
        return self._taken.get(call_id, [])

    def texts(self, call_id: str) -> list[PhoneEvent]:
        """The texts that came to these phones, by the Call-ID on the sender's side."""
        return [text for phone in self._phones.values() for text in phone.all("text") if _near_id(text) == call_id]

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, placed: RealCall, phone: PjsuaPhone, order: Order, part: Part, presses: str) -> None:
        call = await phone.call(
            order.dialled,
            caller=order.from_,
            headers=order.identity_headers,
            talk=order.talk,
            play=self._voices["caller"],
            record=recording_path(self._folder, "caller", order.call_id),
        )
        placed.started = call
        self.expect(call.call_id, part)
        if order.cancel_after is not None:
            with contextlib.suppress(PhoneError, TimeoutError):
                await call.wait("ringing", within=order.patience)
                await asyncio.sleep(order.cancel_after)
            await call.hang_up()
        pressing = asyncio.create_task(_press(call, presses))
        try:
            await call.wait("ended", within=order.patience + (order.talk or 0.0))
        except TimeoutError:
            await call.hang_up()
            with contextlib.suppress(TimeoutError):
                await call.wait("ended", within=_SETTLE)
        finally:
            pressing.cancel()

    async def _text(self, placed: RealCall, phone: PjsuaPhone, order: Order, text: str) -> None:
        headers = order.identity_headers
        placed.delivered = await phone.text(order.dialled, text, caller=order.from_, headers=headers)

    async def _serve(self, phone: PjsuaPhone) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                self._start(self._take(await phone.next_call(within=60.0)))

    async def _keep(self, name: str, phone: PjsuaPhone) -> None:
        """Bring the phone back as it was, registered, whenever its worker has died; give it up if it will not come."""
        failures = 0
        while True:
            while phone.registered:
                await phone.grows()
            try:
                await phone.register()
                failures = 0
            except (PhoneError, TimeoutError) as error:
                failures += 1
                if failures == _TRIES:
                    self._given_up.append(f"the real phone of {name} was given up: {error}")
                    return
                await asyncio.sleep(_BETWEEN_TRIES)

    async def _take(self, call: PhoneCall) -> None:
        """Do with a call that came in what its order says."""
        while (invite := call.invite()) is None:
            await call.grows()
        near = _near_id(invite)
        self._taken[near].append(call)
        part = await self._parts[near]
        if part.behaviour.status is None:
            return
        with contextlib.suppress(PhoneError):
            await call.play(self._voices["phone"])
            if part.recording is not None:
                await call.record(part.recording)
            await asyncio.sleep(part.behaviour.after)
            await call.answer(part.behaviour.status)
        await _press(call, part.presses)


def _near_id(event: PhoneEvent) -> str:
    """The caller side's Call-ID of a request that came to a phone."""
    request = parse(event.message.encode())
    return request.header(CALL_HEADER.lower()) or request.call_id


def _call_id(event: PhoneEvent) -> str | None:
    return parse(event.message.encode()).call_id if event.message else None


async def _press(call: PhoneCall, keys: str) -> None:
    """Press these keys, each after some listening, for as long as the call lasts."""
    with contextlib.suppress(PhoneError, TimeoutError):
        for key in keys:
            await call.wait("answered", within=3600.0)
            await asyncio.sleep(_LISTENS)
            await call.dtmf(key)
