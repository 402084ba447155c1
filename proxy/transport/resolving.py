"""The core's questions are answered here, each in a task of its own, while calls go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from proxy.core.events import Event
from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Answer, Ask, Save
from proxy.policy.remote import Lookup, Opinion
from proxy.subscribers.changes import Change

log = structlog.get_logger()

SaveChanges = Callable[[Iterable[Change]], Awaitable[bool]]
LookUp = Callable[[Lookup], Awaitable[Opinion]]


class Resolver:
    """A listener that has questions answered by `save` and `look_up`, tells the core, and calls `flush`."""

    hears = frozenset((Ask,))

    def __init__(
        self, core: ProxyCore, now: Callable[[], float], flush: Callable[[float], None],
        save: SaveChanges | None, look_up: LookUp | None,
    ) -> None:  # fmt: skip
        self._core = core
        self._now = now
        self._flush = flush
        self._save = save
        self._look_up = look_up
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, ask: Event) -> None:
        if isinstance(ask, Ask):
            task = asyncio.get_running_loop().create_task(self._resolve(ask))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _resolve(self, ask: Ask) -> None:
        question = ask.question
        answer: Answer = False if isinstance(question, Save) else Opinion(failure="it could not be asked")
        try:
            if isinstance(question, Save):
                answer = self._save is not None and await self._save(question.changes)
            elif self._look_up is not None:
                answer = await self._look_up(question)
        except Exception:
            self._core.counters["internal_error"] += 1
            log.exception("internal_error")
        now = self._now()
        try:
            self._core.resolved(ask, answer, now)
        except Exception:
            self._core.counters["internal_error"] += 1
            log.exception("internal_error")
        self._flush(now)

    def close(self) -> None:
        """Leave open what is open."""
        for task in self._tasks:
            task.cancel()
