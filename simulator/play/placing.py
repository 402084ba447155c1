"""Places the calls of a pass. The generator is open-loop: every call leaves at its planned moment, whatever became of
those before it. Only where the scenario says so (`after`) a call waits for the end of others, however long that takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulator.lab.directions import PATIENCE
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.replay import recorded

_LEAD = 0.02  # seconds from the start of a pass to its first call
# Seconds that calls get beyond their plan before it goes on without them: callers lose patience before.
GRACE = PATIENCE + 5.0


@dataclass(slots=True)
class _Awaited:
    """The calls of a campaign that others wait for: how many are to be placed, and to end. All should have ended by
    `lasts` of the plan, which is `ends` of the monotonic clock once they are placed."""

    to_place: int = 0
    to_end: int = 0
    lasts: float = 0.0
    ends: float = 0.0
    placed: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Placing:
    """Places calls by `place(call, due)`; it must be told of each call that ended."""

    def __init__(self, calls: Sequence[PlannedCall], place: Callable[[PlannedCall, float], None]) -> None:
        self._place = place
        self._turns: defaultdict[tuple[str, ...], list[PlannedCall]] = defaultdict(list)
        for call in sorted(calls, key=lambda call: call.start):
            self._turns[call.after].append(call)
        self._awaited: defaultdict[str, _Awaited] = defaultdict(_Awaited)
        self._to_end: dict[str, _Awaited] = {}
        names = {name for after in self._turns for name in after}
        for call in calls:
            if call.campaign in names and not recorded(call):  # whose names are those of the records
                awaited = self._to_end[call.id] = self._awaited[call.campaign]
                awaited.to_place += 1
                awaited.to_end += 1
                awaited.lasts = max(awaited.lasts, call.ends)
        self._all_end = 0.0

    def ended(self, call: str) -> None:
        """Hear that nothing more will happen to the call of this id."""
        if (awaited := self._to_end.pop(call, None)) is not None:
            awaited.to_end -= 1
            if not awaited.to_end:
                awaited.over.set()

    async def all_placed(self) -> float:
        """Place every call at its moment, and return the one by which all should have ended (monotonic, seconds)."""
        begin = self._all_end = time.monotonic() + _LEAD
        tasks = [asyncio.create_task(self._in_turn(after, begin)) for after in self._turns]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return self._all_end

    async def _in_turn(self, after: tuple[str, ...], begin: float) -> None:
        """Place the calls that wait for the same campaigns, or for none. Those that are not played have ended."""
        awaited = [self._awaited[name] for name in after if name in self._awaited]
        for each in awaited:
            begin = await _end_of(each) - max(each.lasts for each in awaited)
        for call in self._turns[after]:
            due = begin + call.start
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            mine = self._to_end.get(call.id)
            self._place(call, due)
            self._all_end = max(self._all_end, begin + call.ends)
            if mine is not None:
                mine.to_place -= 1
                if not mine.to_place:
                    mine.ends = begin + mine.lasts
                    mine.placed.set()


async def _end_of(awaited: _Awaited) -> float:
    """Wait for the end, at most `GRACE` longer than it should take, and return when that was."""
    await awaited.placed.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(awaited.ends + GRACE - time.monotonic()):
            await awaited.over.wait()
    return time.monotonic()
