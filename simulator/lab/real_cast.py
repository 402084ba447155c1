"""Real phones (PJSIP) as a cast: those of the subscribers who call or are called by one, and callers on the trunks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from simulator.addresses import Address
from simulator.agents.pjsua.phones import PhoneError
from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw, Evidence, PhoneSaw
from simulator.lab.cast import OnEnded
from simulator.lab.directions import behaviour_of, order_of
from simulator.lab.lab_spec import LabSpec, digest_user
from simulator.lab.real_phones import Part, RealCall, RealPhones
from simulator.media.recordings import recording_path
from simulator.traffic.planned_call import PlannedCall

_BETWEEN_CALLS = 5.0  # seconds beyond its plan after which a trunk's phone is taken to be free again
_MOST_CALLERS = 16  # phones that call on one trunk


class RealCast:
    """The real phones that play some of the `calls`; an async context manager, which brings them up.

    They register at `server`, each call on a trunk leaves from that trunk's address, and what they hear is recorded in
    the `folder`. Raises LabError where a phone does not come up.
    """

    def __init__(
        self,
        spec: LabSpec,
        calls: Iterable[PlannedCall],
        server: Address,
        trunks: Mapping[str, Address],
        on_ended: OnEnded,
        folder: Path,
    ) -> None:
        self._spec = spec
        self._trunks = trunks
        self._on_ended = on_ended
        self._folder = folder
        self._phones = RealPhones(server, folder)
        self._calls = tuple(call for call in calls if call.agent == "pjsua")
        self._callers = callers(call for call in self._calls if self._own_phone(call) is None)
        self._placed: dict[str, RealCall] = {}
        called = {call.callee_name for call in self._calls if call.callee_name}
        self.names = frozenset(called | {self._caller_phone(call) for call in self._calls})

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._phones)
            try:
                await self._bring_up()
            except (PhoneError, TimeoutError) as error:
                raise LabError(f"a real phone (PJSIP) did not come up: {error}") from error
            self._up = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._up.aclose()

    async def _bring_up(self) -> None:
        subscribers = {name: each for name, each in self._spec.subscribers.items() if name in self.names}
        calling = {self._caller_phone(call): self._trunks[call.trunk][0] for call in self._calls}
        access = next(name for name, kind in self._spec.trunks.items() if kind == "access")
        await asyncio.gather(
            *(
                self._phones.add(name, digest_user(name, each), each.password, self._trunks[access][0])
                for name, each in subscribers.items()
            ),
            *(self._phones.add_caller(name, bind) for name, bind in calling.items() if name not in subscribers),
        )

    def _caller_phone(self, call: PlannedCall) -> str:
        """The phone that places a call: the subscriber's own, or one of its trunk."""
        return self._own_phone(call) or self._callers[call.id]

    def _own_phone(self, call: PlannedCall) -> str | None:
        return call.caller_name if self._spec.trunks[call.trunk] == "access" else None

    @property
    def ended(self) -> int:
        """The number of placed calls that have ended."""
        return sum(placed.task.done() for placed in self._placed.values())

    @property
    def problems(self) -> list[str]:
        """The phones' troubles, such as calls for which PJSIP had no room, and those that were given up."""
        return self._phones.problems

    def expect(self, call: PlannedCall) -> None:
        """Have the called phone do what is planned; of a call of these phones it is told once PJSIP has its Call-ID."""
        if call.agent != "pjsua":
            self._phones.expect(call.id, Part(behaviour_of(call)))

    def place(self, call: PlannedCall, due: float) -> None:
        """Have the caller's phone call, or send its text, now."""
        part = Part(behaviour_of(call), call.phone_presses, recording_path(self._folder, "phone", call.id))
        placed = self._phones.place(self._caller_phone(call), order_of(call), part, due, call.caller_presses)
        placed.task.add_done_callback(lambda _: self._on_ended(call.id, _caller_saw(placed)))
        self._placed[call.id] = placed

    def hang_up(self) -> None:
        """Leave the calls to their plan: PJSIP needs its time, and nobody measures it."""

    async def all_set_up(self) -> None:
        """Wait for nothing: real phones take part in no pass that is about setup delays only."""

    async def idle(self) -> None:
        """Wait until every call placed has ended."""
        await asyncio.gather(*(placed.task for placed in self._placed.values()), return_exceptions=True)

    def saw(self, call: PlannedCall) -> Evidence | None:
        """Return what both sides' phones saw; None where no call was placed.

        The Call-ID is the planned one as long as PJSIP has not told the real one.
        """
        placed = self._placed.get(call.id)
        if placed is None:
            return None
        call_id = placed.call_id or call.id
        recordings = {side: recording_path(self._folder, side, call.id) for side in ("caller", "phone")}
        return Evidence(call_id, _caller_saw(placed), self.phone_saw(call, call_id), recordings=recordings)

    def phone_saw(self, call: PlannedCall, call_id: str) -> PhoneSaw:
        """Return what the called phone saw of it."""
        if call.method == "MESSAGE":
            texts = self._phones.texts(call_id)
            return PhoneSaw(len(texts), texts[0].at, texts[0].status) if texts else PhoneSaw()
        calls = self._phones.taken(call_id)
        if not calls:
            return PhoneSaw()
        invite = calls[0].invite()
        final = next((event.status for event in calls[0].responses() if event.status >= 200), None)
        error = next((over.text for call in calls if (over := call.over) and over.kind == "fault"), None)
        return PhoneSaw(len(calls), invite.at if invite else None, final, error)

    def forget(self) -> None:
        """Keep what was seen, as PJSIP has room for few calls."""


def _caller_saw(placed: RealCall) -> CallerSaw:
    """The call as its caller's phone saw it. PJSIP tells no retransmissions."""
    due, started, task = placed.due, placed.started, placed.task
    if delivered := placed.delivered:
        return CallerSaw(due, delivered.sent, None, delivered.answer.at, delivered.answer.status, None)
    if started is None:
        error = task.exception() if task.done() and not task.cancelled() else None
        return CallerSaw(due, error=str(error) if error else None)
    invite, over = started.invite(), started.over
    ringing = next((event.at for event in started.responses() if 180 <= event.status < 190), None)
    final = next((event for event in started.responses() if event.status >= 200), None)
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
