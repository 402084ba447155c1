"""The sources of a scenario on real sockets, asked as the proxy asks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from proxy.policy.remote import Lookup, Opinion, Reputon
from proxy.process.asking import Asker
from simulator.lab.reputation_source import ReputationSource
from simulator.scenario.reputation import LabSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

CALLER = "+23224123456"


@asynccontextmanager
async def asked(**keys: Any) -> AsyncIterator[Callable[[str], Awaitable[Opinion]]]:
    """Ask a source that was written so in a scenario."""
    source = LabSource.model_validate(keys)
    asker = Asker()
    async with ReputationSource(source) as running:
        at = source.source_at("desk", running.url)
        try:
            yield lambda number: asker.ask(Lookup(at, number))
        finally:
            await asker.close()


async def test_it_says_what_the_scenario_says() -> None:
    async with asked(rates={"+23224*": {"spam": 0.97}}, timeout_seconds=10) as ask:
        assert await ask(CALLER) == Opinion((Reputon("spam", 0.97),))
        assert await ask("+6591234567") == Opinion()


async def test_it_fails_as_the_scenario_says() -> None:
    for behaves, failure in (
        ("never", "no answer within 50 ms"),
        ("error", "HTTP 500"),
        ("closed", "connection refused"),
    ):
        timeout = 0.05 if behaves == "never" else 10
        async with asked(behaves=behaves, timeout_seconds=timeout) as ask:
            assert await ask(CALLER) == Opinion(failure=failure)


async def test_it_takes_its_time() -> None:
    async with asked(delay="10s", timeout_seconds=0.05) as ask:
        assert (await ask(CALLER)).failure == "no answer within 50 ms"
