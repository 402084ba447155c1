"""Subscribers' orders, one after the other: each is in force and answered once it is saved, and not before. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from proxy.core.calls import Calls
from proxy.core.deciding import Decision
from proxy.core.events import Judged
from proxy.core.parked import Parked
from proxy.core.questions import Questions, Save
from proxy.policy.engine import Policy
from proxy.self_service.desk import Served, ServiceDesk
from proxy.sip.message import Request

# Seconds after which the subscriber is told that a change could not be saved: who texts waits for 32 (timer F).
_SAVED_WITHIN = 10.0


class _Order:
    """An order that waits: `served` is what becomes of it, should it be saved."""

    __slots__ = ("parked", "served")

    def __init__(self, parked: Parked, served: Served) -> None:
        self.parked = parked
        self.served = served


class Core(Protocol):
    """The core, as far as it carries orders out."""

    desk: ServiceDesk | None
    policy: Policy

    def carry_on(self, parked: Parked, decision: Decision, now: float) -> None:
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
        self._behind: dict[str, list[_Order]] = {}  # by subscriber of whom an order is being saved, what comes next
        self._late: set[str] = set()  # subscribers whose order is still being saved past the deadline

    def wait(self, parked: Parked, served: Served, now: float) -> None:
        """Have an order saved, or wait for its turn."""
        self._wait(_Order(parked, served), now)

    def _wait(self, order: _Order, now: float) -> None:
        parked, served = order.parked, order.served
        call, verdict = parked.decision.call, served.verdict
        if call is not None and parked.context.final is None:  # a record, should the caller give up
            judged = Judged(parked.request.call_id, call, verdict, parked.decision.elapsed)
            parked.context.call = self._calls.waits(judged, parked.request)
        if served.changes:
            if (desk := self._core.desk) is not None:
                desk.begin(served)
            self._behind[served.number] = []
            self._questions.ask(Save(served.changes), _SAVED_WITHIN, partial(self._known, order), now)
        elif served.number in self._late:
            self._go_on(order, None, now)
        else:
            self._behind[served.number].append(order)

    def _known(self, order: _Order, saved: bool | None, now: float) -> None:
        """It is saved, or cannot be; None: that takes too long."""
        number = order.served.number
        behind = self._behind.pop(number)
        if saved is None:
            self._late.add(number)
            self._behind[number] = []
            for one in (order, *behind):
                self._go_on(one, None, now)
            return
        self._late.discard(number)
        if (desk := self._core.desk) is not None:
            desk.settle(order.served, saved)
            if saved:
                self._calls.changed(order.served.changes, now)
        self._go_on(order, order.served if saved else None, now)
        for place, one in enumerate(behind):
            if number in self._behind:  # the one before it is being saved now
                self._behind[number] += behind[place:]
                break
            self._take_turn(one, now)

    def _take_turn(self, order: _Order, now: float) -> None:
        """Ask the desk once more: the order before it may have changed the answer."""
        core, call, served = self._core, order.parked.decision.call, None
        if core.desk is not None and call is not None:
            served = core.desk.serve(call, core.policy.snapshot)
        if served is not None and served.waits:
            order.served = served
            self._wait(order, now)
        else:
            self._go_on(order, served, now)

    def _go_on(self, order: _Order, served: Served | None, now: float) -> None:
        """Answer an order as what it turned out to be; None: it was not carried out."""
        parked, otherwise = order.parked, order.served.otherwise
        if (served := served or otherwise) is None:
            return
        news = otherwise is None or served.verdict.detail != otherwise.verdict.detail
        if parked.context.final is None and not parked.done:
            parked.done = True
            decision = parked.decision.but(served=served, verdict=served.verdict)
            self._core.carry_on(parked, decision, now)
        elif served.text is not None and (news or not parked.done):
            parked.done = True
            self._send_text(served.text, now)  # the caller gave up, or was told that it could not be saved
