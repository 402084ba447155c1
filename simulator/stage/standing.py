"""The lab that stands: calls are placed in it one by one, and what becomes of each is told to the hub as it happens.

The proxy's verdict comes from its verdict log, when it is taken; messages from the sockets of agents and softswitch,
and from the proxy where only that sees them; the outcome from the caller, the phone and the proxy's record together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from proxy.observability.message_log import clocks_apart
from proxy.self_service.desk import RULE
from simulator.addresses import Address
from simulator.agents.tap import Tap
from simulator.judging.evidence import CallerSaw, ProxyWrote
from simulator.judging.observation import PASSING_ACTIONS, CallObservation, Outcome
from simulator.lab.lab import Lab
from simulator.lab.lab_spec import VERDICTS, LabSpec, digest_user
from simulator.lab.proxy_forks import ProxyForks
from simulator.loopback import free_port
from simulator.results.message_recorder import MessageRecorder, message_of_line
from simulator.softswitch.kinds import Kind
from simulator.stage.events import Ended, Event, Judged, LabState, Lifeline, Message, Notice, Placed, Text
from simulator.stage.hub import Hub
from simulator.stage.masking import text_without_pin, without_pin
from simulator.stage.tail import Tail, followed
from simulator.stage.watching import Watching
from simulator.stage.words import PROXY_ENDED
from simulator.traffic.planned_call import PlannedCall

_TOLD_WITHIN = 3.0  # seconds from the end of a call until all witnesses must have spoken
_GLANCE = 0.5  # seconds between two looks at the proxy
_LINGERS = 3.0  # seconds after the end at the caller's side in which messages of other legs still come
_CLOCK_HOLDS = 1.0  # seconds after which the time of day is looked up again
Told = Mapping[str, Any]


@dataclass(slots=True)
class Under:
    """A call under way: `judged` once the verdict was told, `ended` once the caller's side is over, `record` and `over`
    as the proxy wrote them."""

    planned: PlannedCall
    judged: bool = False
    ended: bool = False
    record: Told | None = None
    over: Told | None = None
    deadline: asyncio.TimerHandle | None = None


class Standing:
    """A lab of a scenario's subscribers in `folder`; an async context manager, which brings it up and takes it down.

    `hub` hears of all that happens. `judge` makes the event of a line of the verdict log, `shadow` takes what a rule in
    shadow mode said later, and `finished` each call once it is over, with its delay in the proxy where that is known.
    """

    def __init__(
        self,
        spec: LabSpec,
        folder: Path,
        hub: Hub,
        *,
        judge: Callable[[Told, PlannedCall, Sequence[bytes]], Judged],
        shadow: Callable[[Told], None],
        finished: Callable[[CallObservation, float | None], None],
        switch: Kind = "embedded",
        sip: int = 0,
        forks: ProxyForks | None = None,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self._hub = hub
        self._judge = judge
        self._finished = finished
        self._shadow = shadow
        self.recorder = MessageRecorder(folder, "all")
        self._record_message = self.recorder.hearing(proxied=True)
        self.lab = Lab(
            spec,
            (),
            folder,
            proxied=True,
            on_ended=self._caller_ended,
            switch=switch,
            forks=forks,
            tap=Tap(self._heard),
            verdicts=True,
            softphones=sip or free_port(),
        )
        self._under: dict[str, Under] = {}
        self._quiet: set[str] = set()  # calls whose messages are not told
        self._spotlight = ""  # the call whose messages are told, of those that come by themselves
        self._offset = self._offset_at = 0.0
        self._verdicts = Tail(folder / VERDICTS, self._verdict)
        self._stack = AsyncExitStack()
        self._watching: Watching | None = None
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.lab)
            users = {digest_user(name, each): name for name, each in self.spec.subscribers.items()}
            users |= {each.number: name for name, each in self.spec.subscribers.items()}
            elements: dict[Address, Lifeline] = {self.lab.next_hop: "proxy", self.lab.switch.address: "softswitch"}
            self._watching = Watching(elements, users, self._clock)
            records = Tail(self.folder / "proxy-calls.jsonl", self._record)
            messages = Tail(self.folder / "proxy-messages.jsonl", self._proxy_saw)
            await stack.enter_async_context(followed(self._verdicts, records, messages))
            self._stack = stack.pop_all()
        self._publish(LabState(time.time(), {"proxy": "up", "softswitch": "up"}))
        return self

    async def __aexit__(self, *_: object) -> None:
        for under in self._under.values():
            if under.deadline is not None:
                under.deadline.cancel()
        await self._stack.aclose()

    @property
    def under_way(self) -> int:
        """The number of calls that are not over."""
        return len(self._under)

    def comes_by_itself(self, call: str) -> bool:
        """True for a call under way of which the pages hear no single message."""
        return call in self._quiet

    def knows(self, call: str) -> bool:
        """True for a call under way that was placed here."""
        return call in self._under

    def place(self, planned: PlannedCall, *, by_itself: bool = False) -> None:
        """Have a call or text leave now. Of those that come by themselves, pages hear the messages of one at a time."""
        assert self._watching is not None  # noqa: S101 - it stands
        told = not by_itself or self._spotlight not in self._under
        if told:
            self._spotlight = planned.id
        else:
            self._quiet.add(planned.id)
        self._watching.begin(planned.id)
        self._under[planned.id] = Under(planned)
        self._hub.publish(Placed(time.time(), _said(planned)), passing=by_itself)
        self.lab.place(planned, time.monotonic())

    def _publish(self, event: Event, *, told: bool = True) -> None:
        self._hub.publish(event, told=told)

    async def watch(self) -> None:
        """Tell when the proxy ends though nobody stopped it."""
        while self.lab.proxy.runs:  # noqa: ASYNC110 - a process of another kind may have no event for it
            await asyncio.sleep(_GLANCE)
        self._publish(LabState(time.time(), {"proxy": "down", "softswitch": "up"}))
        self._publish(Notice(time.time(), "warning", PROXY_ENDED))

    # --- messages

    def _heard(self, at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> None:
        if self._follow(at, data, transport, sender, receiver) and self._record_message is not None:
            self._record_message(at, data, transport, sender, receiver)

    def _proxy_saw(self, line: Told) -> None:
        """A message that only the proxy sees."""
        record = message_of_line(dict(line))
        self._follow(record.at, record.data, record.transport, record.sender, record.receiver)

    def _follow(self, at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> bool:
        """Tell of a message; True where it is to be kept: those of calls that nobody watches would fill the disk."""
        kept = True
        if self._watching is None:
            return kept
        for event in self._watching.seen(at, data, transport, sender, receiver):
            call = getattr(event, "call", "")
            quiet = call in self._quiet
            kept = kept and not quiet
            if quiet and not isinstance(event, Message):
                continue
            self._publish(event, told=not quiet)
            if isinstance(event, Text) and (under := self._under.get(call)) is not None:
                self._loop.call_soon(self._settle, under)
        return kept

    # --- what the proxy writes

    def _verdict(self, line: Told) -> None:
        call = str(line.get("call_id"))
        under = self._under.get(call)
        if under is None or self._watching is None:
            return
        judged = self._judge(line, under.planned, self._watching.openings(call))
        self._publish(judged)
        for event in self._watching.labelled(call, judged.label):
            self._publish(event, told=call not in self._quiet)
        under.judged = True
        self._settle(under)

    def _record(self, line: Told) -> None:
        self._verdicts.look()  # the verdict was written before the record of its call
        if line.get("event") == "shadow":
            self._shadow(line)
        under = self._under.get(str(line.get("call_id")))
        if under is None:
            return
        if line.get("event") == "call":
            under.record = line
        elif line.get("event") == "ended":
            under.over = line
        self._settle(under)

    # --- the end of calls

    def _caller_ended(self, call: str, _: CallerSaw) -> None:
        under = self._under.get(call)
        if under is None:
            return
        under.ended = True
        under.deadline = self._loop.call_later(_TOLD_WITHIN, self._finish, under)
        self._loop.call_soon(self._settle, under)  # the cast has its evidence by then

    def _settle(self, under: Under) -> None:
        """Finish with a call that is over as soon as all witnesses have spoken."""
        if under.ended and under.record is not None and not self._lacks(under, under.record):
            self._finish(under)

    def _lacks(self, under: Under, record: Told) -> bool:
        """True while something is still to come: the verdict, which another thread of the proxy writes than the record;
        the proxy's word that an answered call is over; a text that the softswitch took and the phone has not got."""
        if not under.judged and record.get("rule"):
            return True
        if under.planned.method == "INVITE":
            return "answered" in record and under.over is None
        if record["rule"] == RULE:
            return False  # an order is for the proxy, and reaches no phone
        seen = self.lab.cast.saw(under.planned)
        return record["action"] in PASSING_ACTIONS and seen is not None and not seen.phone_saw.invites

    def _finish(self, under: Under) -> None:
        if under.deadline is not None:
            under.deadline.cancel()
        planned, record = under.planned, under.record
        if self._under.pop(planned.id, None) is None:
            return
        seen = self.lab.cast.saw(planned)
        assert seen is not None  # noqa: S101 - it was placed
        if not seen.phone_saw.invites and self._watching is not None:  # it may be a softphone that was called
            seen = replace(seen, phone_saw=self._watching.phone_saw(planned.id))
        wrote = ProxyWrote.from_json(record) if record is not None else None
        observation = CallObservation.of(planned, replace(seen, proxy_wrote=wrote))
        self.lab.wire.forget_call(planned.id)
        by = str((under.over or record or {}).get("by", ""))
        status = observation.caller_saw.status
        self._publish(Ended(time.time(), planned.id, str(observation.outcome), status, by))
        delay = self._watching.delay(planned.id) if self._watching is not None else None
        self._loop.call_later(_LINGERS, self._let_go, planned.id)
        self._finished(observation, delay if observation.outcome is Outcome.PASSED else None)

    def _let_go(self, call: str) -> None:
        """Forget a call that is over at its caller's side: by now it is so on all legs."""
        self._quiet.discard(call)
        if self._watching is not None:
            self._watching.end(call)

    def _clock(self) -> float:
        now = time.monotonic()
        if now > self._offset_at + _CLOCK_HOLDS:
            self._offset, self._offset_at = clocks_apart(), now
        return self._offset


def _said(planned: PlannedCall) -> dict[str, Any]:
    return {
        "id": planned.id,
        "from": planned.caller,
        "to": without_pin(planned.callee),
        "subscriber": planned.callee_name,
        "trunk": planned.trunk,
        "display_name": planned.display_name,
        "method": planned.method,
        "body": planned.body and text_without_pin(planned.body),
        "truth": planned.truth,
        "family": planned.family,
    }
