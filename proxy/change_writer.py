"""Saves subscribers' own changes beside the calls: no call waits for a disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable

import structlog

from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change, Overlay

log = structlog.get_logger()


class ChangeWriter:
    """Takes changes in the event loop and saves them in a thread, in their order. Needs a running event loop."""

    def __init__(self, store: ChangeStore, overlay: Overlay) -> None:
        self._store = store
        self._overlay = overlay
        self._unsaved: dict[tuple[str, str], Change] = {}  # the latest of each field
        self._one_at_a_time = asyncio.Lock()
        self._saving: asyncio.Task[None] | None = None

    def write(self, changes: Iterable[Change]) -> None:
        """Save these soon. What cannot be saved is kept for the next time."""
        self._unsaved |= {(change.number, change.field): change for change in changes}
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._save())

    async def read_again(self) -> None:
        """Have in force what is saved, which the operator may have changed, and what is not saved yet.

        Raises FileErrors, and leaves the overlay as it was.
        """
        async with self._one_at_a_time:
            saved = await asyncio.to_thread(self._store.load)
            self._overlay.reset(saved, self._unsaved.values())

    async def close(self) -> None:
        """Save what is left."""
        if self._saving is not None:
            await self._saving
        await self._save()

    async def _save(self) -> None:
        async with self._one_at_a_time:
            while self._unsaved:
                batch = self._unsaved.copy()
                try:
                    await asyncio.to_thread(self._store.save, batch.values())
                except (sqlite3.Error, OSError) as error:
                    log.error("changes_not_saved", waiting=len(self._unsaved), detail=str(error))
                    return
                self._unsaved = {key: one for key, one in self._unsaved.items() if one is not batch.get(key)}
