"""Saves subscribers' own changes beside the calls: no call waits for a disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable

import structlog

from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import AT_ONCE, Change, Overlay

log = structlog.get_logger()


class ChangeWriter:
    """Takes changes in the event loop and saves them in a thread, in their order. Needs a running event loop."""

    def __init__(self, store: ChangeStore, overlay: Overlay) -> None:
        self._store = store
        self._overlay = overlay
        self._collected: list[Change] = []  # for the next saving
        self._unsaved: dict[tuple[str, str], Change] = {}  # in force all the same: the latest of each field
        self._one_at_a_time = asyncio.Lock()
        self._next: asyncio.Task[bool] | None = None

    async def save(self, changes: Iterable[Change]) -> bool:
        """True once these are on disk, False where they cannot be saved, and are given up. What comes while others are
        being saved is saved together, all or nothing."""
        changes = list(changes)
        self._collected += changes
        self._unsaved |= {(change.number, change.field): change for change in changes if change.field in AT_ONCE}
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._save())
        return await asyncio.shield(self._next)

    async def read_again(
        self, understood: Callable[[Iterable[Change]], Iterable[Change]] = iter, *, may_be_gone: bool = False
    ) -> None:
        """Have in force what is saved, which the operator may have changed, and what is not saved yet.

        `understood` says how saved changes count. A file that is gone changes nothing, and the log says so, unless it
        `may_be_gone`. Raises FileErrors, and leaves the overlay as it was.
        """
        async with self._one_at_a_time:
            path, count = self._store.path, self._overlay.count
            if count and not may_be_gone and not path.exists():
                told = {"was": count, "now": 0, "detail": "the file is gone", "in_force": "what was read before"}
                log.error("reload_kept", file=str(path), **told)
                return
            saved = await asyncio.to_thread(self._store.load)
            self._overlay.reset(understood(saved), self._unsaved.values())

    async def close(self) -> None:
        """Save what is left."""
        if self._next is not None:
            await self._next
        async with self._one_at_a_time:
            pass  # what is being saved is
        if self._unsaved:
            await self._save()

    async def _save(self) -> bool:
        async with self._one_at_a_time:
            self._next = None  # whoever comes from here on waits for the saving after this one
            collected, self._collected = self._collected, []
            earlier = [one for key, one in self._unsaved.items() if all(key != (c.number, c.field) for c in collected)]
            batch = [*earlier, *collected]
            try:
                await asyncio.to_thread(self._store.save, batch)
            except (sqlite3.Error, OSError) as error:
                log.error("changes_not_saved", count=len(batch), detail=str(error))
                return False
            self._unsaved = {key: one for key, one in self._unsaved.items() if not any(one is each for each in batch)}
            return True
