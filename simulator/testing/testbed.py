"""A lab that stands while a test places its calls, one by one.

    with Testbed(folder, preset="cn", subscribers={"alice": {"number": "+8613800138001"}}) as lab:
        call = lab.call("+6591234567", "alice")
        assert call.rang and call.rule == "default.allow"

The proxy is a process of its own, the softswitch the embedded one, and caller and phone real SIP agents, as in
`ringfence run`; what is told of a call is what these saw.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from proxy.files.yaml_file import FileContext
from simulator.judging.evidence import ProxyWrote
from simulator.judging.observation import CallObservation
from simulator.judging.records import read_records
from simulator.lab.directions import PATIENCE
from simulator.lab.lab import Lab
from simulator.lab.lab_spec import LabSpec
from simulator.scenario.calls import Expect
from simulator.scenario.model import Scenario
from simulator.testing.background import Background
from simulator.traffic.plan import plan
from simulator.traffic.planned_call import PlannedCall, plan_lasts

_RECORDED_WITHIN = 5.0  # seconds from the end of a call until the proxy's record of it must be there
_GLANCE = 0.01
_NAME = "testbed"


class TestedCall:
    """A call or text that was placed, as caller, phone and proxy saw it."""

    def __init__(self, observation: CallObservation) -> None:
        self.observation = observation

    @property
    def status(self) -> int | None:
        """The final status that the caller got; None where there was none."""
        return self.observation.caller_saw.status

    @property
    def rang(self) -> bool:
        """True if the caller heard ringing and the phone saw the call; of a text, that it arrived."""
        reached = self.observation.phone_saw.invites > 0
        return reached and (
            self.observation.planned.method == "MESSAGE" or self.observation.caller_saw.ringing is not None
        )

    @property
    def blocked(self) -> bool:
        """True if all three witnesses say so. Raises AssertionError where they disagree: the lab is at fault."""
        assert not self.observation.disagreements, "; ".join(self.observation.disagreements)  # noqa: S101
        return self.observation.outcome == "blocked"

    @property
    def action(self) -> str | None:
        """The proxy's action: allow, label, challenge, divert or reject."""
        return self._wrote.action if self._wrote else None

    @property
    def rule(self) -> str | None:
        """The rule that decided."""
        return self._wrote.rule if self._wrote else None

    @property
    def detail(self) -> str | None:
        """The rule's evidence."""
        return self._wrote.detail if self._wrote else None

    @property
    def setup_delay(self) -> float | None:
        """Seconds from the request to ringing, or to the final status where nothing rang."""
        return self.observation.caller_saw.setup_delay

    @property
    def caller_saw(self) -> tuple[str, ...]:
        """The header lines of the refusal that the caller got."""
        return self.observation.caller_saw.lines

    @property
    def phone_saw(self) -> tuple[str, ...]:
        """The header lines of the request that the phone got."""
        return self.observation.phone_saw.lines

    @property
    def _wrote(self) -> ProxyWrote | None:
        return self.observation.proxy_wrote

    def __repr__(self) -> str:
        planned = self.observation.planned
        return f"<{planned.method} {planned.caller} -> {planned.callee}: {self.action} by {self.rule}, {self.status}>"


class Testbed:
    """A lab of the scenario keys given; `close`, or leaving it as a context manager, takes it down."""

    __test__ = False  # for pytest, which would take it for a class of tests

    def __init__(self, folder: Path, background: Background | None = None, **scenario: Any) -> None:
        """Bring it up. Raises ValueError for keys that make no scenario, LabError where it cannot be brought up."""
        self._document: dict[str, Any] = {"scenario": _NAME, "home": "CN", "preset": "cn", **scenario}
        self._document.setdefault("subscribers", {"alice": {"number": "+8613800138001"}})
        self._folder = folder
        self._count = 0
        self._own = Background() if background is None else None
        self._background = background or self._own or Background()
        spec = LabSpec.of(self._scenario(_ANY_CALL))
        forks = background.forks if background is not None else None  # others may follow in the same loop
        self._lab = Lab(spec, (), folder, proxied=True, on_ended=lambda *_: None, forks=forks)
        try:
            self._background.enter(self._lab)
        except BaseException:
            self._end_background()
            raise

    def call(self, caller: str, callee: str, trunk: str = "international", **keys: Any) -> TestedCall:
        """Place a call and wait for its end; `keys` are a call's in a scenario (`talk="2s"`, `answer="busy"`)."""
        return self._play({"from": caller, "to": callee, "trunk": trunk, **keys})

    def text(self, sender: str, callee: str, body: str, trunk: str = "international", **keys: Any) -> TestedCall:
        """Send a text and wait for its end."""
        return self._play({"from": sender, "to": callee, "trunk": trunk, "method": "MESSAGE", "body": body, **keys})

    def _play(self, entry: dict[str, Any]) -> TestedCall:
        self._count += 1
        given = {"call": f"call-{self._count}", "truth": "legit", **entry}
        [planned] = plan(self._scenario(given))
        return TestedCall(self._background.run(self._placed(replace(planned, expect=planned.expect or _SHOW_ALL))))

    async def _placed(self, planned: PlannedCall) -> CallObservation:
        self._lab.place(planned, time.monotonic())
        async with asyncio.timeout(plan_lasts([planned]) + PATIENCE + _RECORDED_WITHIN):
            await self._lab.cast.idle()
        seen = self._lab.cast.saw(planned)
        assert seen is not None  # noqa: S101 - it was placed
        return CallObservation.of(planned, replace(seen, proxy_wrote=await self._record(planned.id)))

    async def _record(self, call_id: str) -> ProxyWrote | None:
        """The proxy's record of a call, as soon as it has written it; None where it does not."""
        last = time.monotonic() + _RECORDED_WITHIN
        while (record := read_records(self._folder / "proxy-calls.jsonl").get(call_id)) is None:
            if time.monotonic() > last:
                return None
            await asyncio.sleep(_GLANCE)
        return record

    def _scenario(self, entry: Mapping[str, Any]) -> Scenario:
        document = self._document | {"calls": [dict(entry)]}
        return Scenario.model_validate(document, context=FileContext(document=document))

    def close(self) -> None:
        """Take it down."""
        try:
            self._background.leave(self._lab)
        finally:
            self._end_background()

    def _end_background(self) -> None:
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Header lines are kept of calls that are held to some.
_SHOW_ALL = Expect.model_construct(caller_sees=("*",), phone_sees=("*",))
_ANY_CALL = {"call": "any", "from": "+6591234567", "to": "+442079460123", "trunk": "domestic", "truth": "legit"}
