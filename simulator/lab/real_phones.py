"""Plays the calls that a scenario gives to real phones (PJSIP): who registers, who calls, what the called ones do."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from proxy.sip.message import parse
from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER, Order
from simulator.agents.pjsua.phones import RING_ONLY, Delivery, Event, Phone, PhoneCall, PhoneError, PhonePool
from simulator.agents.wire import Behaviour
from simulator.judging.audio_checks import VOICES
from simulator.judging.observation import CallerSaw, PhoneSaw
from simulator.media.recognition import tone, write_wav
from simulator.media.recordings import recording_path
from simulator.traffic.plan import PlannedCall

_SHOWN = 300  # characters of a trouble
_SETTLE = 2.0  # seconds that a call may take beyond its order to end
_LISTENS = 2.0  # seconds of an announcement that somebody listens to before pressing a key
_BETWEEN_CALLS = 5.0  # seconds beyond its plan after which a trunk's phone is taken to be free again
_MOST_CALLERS = 16  # phones that call on one trunk
_TRIES = 3  # times that a phone may fail to come back, one after the other
_BETWEEN_TRIES = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Part:
    """A called phone's part in one call: it presses the keys once it has answered, and records what it hears."""

    behaviour: Behaviour
    presses: str = ""
    recording: Path | None = None


class RealPhones:
    """The PJSIP phones of one pass. `server` is where they register and send their calls; `on_ended` as in `Lab`.

    A phone that is called rings at once and then does what the called number's order says, found by the caller
    side's Call-ID, which PJSIP picks for itself where it is the caller too. Both sides say a tone all the time, and
    what they hear goes to `recordings` in the `folder`.
    """

    def __init__(self, server: Address, on_ended: Callable[[str], None], folder: Path) -> None:
        self._server = server
        self._on_ended = on_ended
        self._folder = folder
        self._pool = PhonePool()
        self._phones: dict[str, Phone] = {}
        self._parts: defaultdict[str, asyncio.Future[Part]] = defaultdict(asyncio.Future)
        self._taken: defaultdict[str, list[PhoneCall]] = defaultdict(list)
        self._placed: dict[str, asyncio.Task[None]] = {}
        self._started: dict[str, PhoneCall] = {}
        self._delivered: dict[str, Delivery] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: dict[str, float] = {}
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

    async def __aexit__(self, *details: object) -> None:
        tasks = [*self._tasks, *self._placed.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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

    def place(self, name: str, order: Order, part: Part, due: float, presses: str = "") -> None:
        """Have the phone `name` call now and press these keys once it is answered; `part` is the called phone's.

        An order for a text is sent as one.
        """
        self._due[order.call_id] = due
        phone = self._phones[name]
        doing = self._call(phone, order, part, presses) if order.text is None else self._text(phone, order, order.text)
        task = asyncio.create_task(doing)
        task.add_done_callback(lambda _: self._on_ended(order.call_id))
        self._placed[order.call_id] = task

    def expect(self, call_id: str, part: Part) -> None:
        """A call of somebody else's to one of these phones."""
        future = self._parts[call_id]
        if not future.done():
            future.set_result(part)

    async def idle(self) -> None:
        """Wait until every call placed has ended."""
        await asyncio.gather(*self._placed.values(), return_exceptions=True)

    @property
    def problems(self) -> list[str]:
        """The phones' troubles, such as calls for which PJSIP had no room, and who was given up."""
        troubles = {event for phone in self._phones.values() for event in phone.all("trouble")}
        shown = sorted(event.text.strip()[-_SHOWN:] for event in troubles)
        troubled = [f"real phones had trouble {len(shown)} times, first: {shown[0]}"] if shown else []
        return troubled + self._given_up

    @property
    def ended(self) -> int:
        """How many of the placed calls have ended."""
        return sum(task.done() for task in self._placed.values())

    def call_id(self, call: str) -> str | None:
        """The Call-ID with which a call or text of this name left, so far as it is known."""
        if delivered := self._delivered.get(call):
            return _call_id(delivered.answer)
        placed = self._started.get(call)
        return placed.call_id if placed else None

    def caller_saw(self, call: str) -> CallerSaw | None:
        """The call as its caller's phone saw it, None where it never called. PJSIP tells no retransmissions."""
        if call not in self._placed:
            return None
        due, placed = self._due[call], self._started.get(call)
        if delivered := self._delivered.get(call):
            return CallerSaw(due, delivered.sent, None, delivered.answer.at, delivered.answer.status, None)
        if placed is None:
            task = self._placed[call]
            error = task.exception() if task.done() and not task.cancelled() else None
            return CallerSaw(due, error=str(error) if error else None)
        invite, over = placed.invite(), placed.over
        ringing = next((event.at for event in placed.responses() if 180 <= event.status < 190), None)
        final = next((event for event in placed.responses() if event.status >= 200), None)
        if final is None and over is not None and over.kind == "ended":
            final = over  # of a refusal PJSIP reports no more than that the call ended, and with which status
        return CallerSaw(
            due,
            invite.at if invite else None,
            ringing,
            final.at if final else None,
            final.status if final else None,
            None,
            over.text if over and over.kind == "fault" else None,
        )

    def phone_saw(self, call_id: str, method: str) -> PhoneSaw:
        """The call or text with this Call-ID on the caller's side, as the called phone saw it."""
        if method == "MESSAGE":
            texts = [text for phone in self._phones.values() for text in phone.all("text") if _near_id(text) == call_id]
            return PhoneSaw(len(texts), texts[0].at, texts[0].status) if texts else PhoneSaw()
        calls = self._taken.get(call_id, [])
        if not calls:
            return PhoneSaw()
        invite = calls[0].invite()
        final = next((event.status for event in calls[0].responses() if event.status >= 200), None)
        error = next((over.text for call in calls if (over := call.over) and over.kind == "fault"), None)
        return PhoneSaw(len(calls), invite.at if invite else None, final, error)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, phone: Phone, order: Order, part: Part, presses: str) -> None:
        call = await phone.call(
            order.dialled,
            caller=order.from_,
            headers=order.identity_headers,
            talk=order.talk,
            play=self._voices["caller"],
            record=recording_path(self._folder, "caller", order.call_id),
        )
        self._started[order.call_id] = call
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

    async def _text(self, phone: Phone, order: Order, text: str) -> None:
        headers = order.identity_headers
        self._delivered[order.call_id] = await phone.text(order.dialled, text, caller=order.from_, headers=headers)

    async def _serve(self, phone: Phone) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                self._start(self._take(await phone.next_call(within=60.0)))

    async def _keep(self, name: str, phone: Phone) -> None:
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


def _near_id(event: Event) -> str:
    """The caller side's Call-ID of a request that came to a phone."""
    request = parse(event.message.encode())
    return request.header(CALL_HEADER.lower()) or request.call_id


def _call_id(event: Event) -> str | None:
    return parse(event.message.encode()).call_id if event.message else None


async def _press(call: PhoneCall, keys: str) -> None:
    """Press these keys, each after some listening, for as long as the call lasts."""
    with contextlib.suppress(PhoneError, TimeoutError):
        for key in keys:
            await call.wait("answered", within=3600.0)
            await asyncio.sleep(_LISTENS)
            await call.dtmf(key)


def callers(calls: Iterable[PlannedCall]) -> dict[str, str]:
    """The phone that places each call from a trunk, by its id: a phone makes one call at a time, as PJSIP has room
    for few, and a trunk has as many as it needs for that, `_MOST_CALLERS` at most."""
    chosen: dict[str, str] = {}
    free_at: defaultdict[str, list[float]] = defaultdict(list)  # of each trunk's phones, when they are free
    for call in sorted(calls, key=lambda call: call.start):
        phones = free_at[call.trunk]
        index = min(range(len(phones)), key=phones.__getitem__, default=0)
        if not phones or (phones[index] > call.start and len(phones) < _MOST_CALLERS):
            index = len(phones)
            phones.append(0.0)
        phones[index] = call.ends + _BETWEEN_CALLS
        chosen[call.id] = f"{call.trunk}-{index + 1}"
    return chosen
