"""Subscribers' orders, one after the other: each is in force and answered once it is saved, and not before. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from proxy.core.calls import Calls
from proxy.core.deciding import Decision
from proxy.core.events import Judged
from proxy.core.questions import Questions, Save
from proxy.core.response_context import ResponseContext
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from proxy.self_service.desk import Served, ServiceDesk
from proxy.sip.flow import Flow
from proxy.sip.message import Request

# Seconds after which the subscriber is told that a change could not be saved: who texts waits for 32 (timer F).
_SAVED_WITHIN = 10.0


class Parked:
    """An order that waits, with all that is needed to go on with it. `done`: it did, and was answered."""

    __slots__ = ("context", "decision", "done", "fingerprint", "flow", "request", "served", "trunk")

    def __init__(
        self,
        context: ResponseContext,
        request: Request,
        fingerprint: str,
        flow: Flow,
        trunk: Trunk,
        decision: Decision,
        served: Served,
    ) -> None:
        self.context = context
        self.request = request
        self.fingerprint = fingerprint
        self.flow = flow
        self.trunk = trunk
        self.decision = decision
        self.served = served
        self.done = False


class Core(Protocol):
    """The core, as far as it carries orders out."""

    desk: ServiceDesk | None
    policy: Policy

    def carry_on(self, parked: Parked, served: Served, now: float) -> None:
        """Answer it."""


class Orders:
    """Those that wait until they are saved, and those of the same subscriber that wait for these. `send_text` tells a
    subscriber what became of an order that was answered already."""

    def __init__(
        self, core: Core, calls: Calls, questions: Questions, send_text: Callable[[Request, float], None]
    ) -> None:
        self._core = core
        self._calls = calls
        self._questions = questions
        self._send_text = send_text
        self._behind: dict[str, list[Parked]] = {}  # by subscriber of whom an order is being saved, what comes next
        self._late: set[str] = set()  # subscribers whose order is still being saved past the deadline

    def wait(self, parked: Parked, now: float) -> None:
        """Have an order saved, or wait for its turn."""
        served, call, verdict = parked.served, parked.decision.call, parked.served.verdict
        if call is not None and parked.context.final is None:  # a record, should the caller give up
            judged = Judged(parked.request.call_id, call, verdict, parked.decision.elapsed)
            parked.context.call = self._calls.waits(judged, parked.request)
        if served.changes:
            if (desk := self._core.desk) is not None:
                desk.begin(served)
            self._behind[served.number] = []
            self._questions.ask(Save(served.changes), _SAVED_WITHIN, partial(self._known, parked), now)
        elif served.number in self._late:
            self._go_on(parked, None, now)
        else:
            self._behind[served.number].append(parked)

    def _known(self, parked: Parked, saved: bool | None, now: float) -> None:
        """It is saved, or cannot be; None: that takes too long."""
        number = parked.served.number
        behind = self._behind.pop(number)
        if saved is None:
            self._late.add(number)
            self._behind[number] = []
            for one in (parked, *behind):
                self._go_on(one, None, now)
            return
        self._late.discard(number)
        if (desk := self._core.desk) is not None:
            desk.settle(parked.served, saved)
            if saved:
                self._calls.changed(parked.served.changes, now)
        self._go_on(parked, parked.served if saved else None, now)
        for one in behind:
            if number in self._behind:  # the one before it is being saved now
                self._behind[number].append(one)
            else:
                self._take_turn(one, now)

    def _take_turn(self, parked: Parked, now: float) -> None:
        """Ask the desk once more: the order before it may have changed the answer."""
        core, call, served = self._core, parked.decision.call, None
        if core.desk is not None and call is not None:
            served = core.desk.serve(call, core.policy.snapshot)
        if served is not None and served.waits:
            parked.served = served
            self.wait(parked, now)
        else:
            self._go_on(parked, served, now)

    def _go_on(self, parked: Parked, served: Served | None, now: float) -> None:
        """Answer an order as what it turned out to be; None: it was not carried out."""
        otherwise = parked.served.otherwise
        if (served := served or otherwise) is None:
            return
        news = otherwise is None or served.verdict.detail != otherwise.verdict.detail
        if parked.context.final is None and not parked.done:
            parked.done = True
            self._core.carry_on(parked, served, now)
        elif served.text is not None and (news or not parked.done):
            parked.done = True
            self._send_text(served.text, now)  # the caller gave up, or was told that it could not be saved
