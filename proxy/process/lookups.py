"""Lookups at remote sources, for the server to have asked; without any source nothing of it is ever imported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING

from proxy.policy.remote import Lookup, Opinion, RemoteSource

if TYPE_CHECKING:
    from proxy.process.asking import Asker


def prepare(sources: Collection[RemoteSource]) -> None:
    """Import what asking them takes, which is slow: before calls come, or beside them in a thread."""
    if sources:
        import_module("proxy.process.asking")


class Lookups:
    """Asks sources that were prepared for. Needs a running event loop."""

    def __init__(self) -> None:
        self._asker: Asker | None = None

    async def ask(self, lookup: Lookup) -> Opinion:
        """Return the opinion of a source, or why it has none."""
        if self._asker is None:
            from proxy.process.asking import Asker

            self._asker = Asker()
        return await self._asker.ask(lookup)

    def keep(self, sources: Collection[RemoteSource]) -> None:
        """Part with all other sources."""
        if self._asker is not None:
            self._asker.keep(sources)

    async def close(self) -> None:
        """Close all connections."""
        if self._asker is not None:
            await self._asker.close()


def ask_once(lookups: Collection[Lookup]) -> dict[Lookup, Opinion]:
    """Ask sources side by side, as a proxy would, where no event loop is running."""
    if not lookups:
        return {}
    from proxy.process.asking import Asker

    async def opinion(asker: Asker, lookup: Lookup) -> Opinion:
        started = time.perf_counter()
        return (await asker.ask(lookup))._replace(waited=time.perf_counter() - started)

    async def opinions() -> list[Opinion]:
        asker = Asker()
        try:
            return await asyncio.gather(*(opinion(asker, lookup) for lookup in lookups))
        finally:
            await asker.close()

    return dict(zip(lookups, asyncio.run(opinions()), strict=True))
