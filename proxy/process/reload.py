"""SIGHUP: the files are read again beside the calls, and what they say is put in force in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from proxy.config.models import ProxyConfig, load_config
from proxy.core.proxy_core import ProxyCore
from proxy.files.shelf import Shelf
from proxy.files.yaml_file import FileErrors
from proxy.observability.log import set_level
from proxy.policy.engine import Policy
from proxy.process.apart import Apart
from proxy.process.change_writer import ChangeWriter
from proxy.process.loading import Loaded, load, load_service, understood
from proxy.process.lookups import Lookups, prepare
from proxy.self_service.control import SelfService
from proxy.subscribers.changes import Overlay

log = structlog.get_logger()

_RELOADED = frozenset(
    "home preset scam_lists scam_list safeguards reputation rules treatments self_service dialling emergency".split()  # noqa: SIM905
) | {"log_level"}
_IN_FORCE = "what was read before"
_WAITS = 300  # seconds


class Reloader:
    """Reads the files of one config again, one reading at a time. `loaded` is what is in force."""

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        core: ProxyCore,
        overlay: Overlay,
        changes: ChangeWriter | None,
        lookups: Lookups,
    ) -> None:
        self.loaded = loaded
        self.when_loaded: Callable[[Loaded], None] = lambda _: None  # hears of each reading that is put in force
        self._path = path
        self._started_with = loaded.config
        self._core = core
        self._overlay = overlay
        self._changes = changes
        self._lookups = lookups
        self._apart = Apart()
        self._stopped = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def reload_soon(self) -> None:
        """Reload as soon as no other reload is under way. Needs a running event loop."""
        self._begin(self._reload())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Give up what is being read: nobody needs it any more."""
        self._stopped.set()
        self._apart.stop()

    async def _reload(self) -> None:
        """Read the files beside the calls, then swap: every call sees the old lists or the new ones, and none waits.

        What subscribers changed meanwhile stays in force; what the operator took back of it goes.
        """
        async with self._one_at_a_time:
            if self._stopped.is_set():
                return
            try:
                loaded, service = await asyncio.to_thread(self._read)
                if self._changes is not None:
                    read = partial(understood, config=loaded.config)
                    may_be_gone = not loaded.config.safeguards.least_share
                    await self._changes.read_again(read, may_be_gone=may_be_gone)
            except (FileErrors, OSError) as error:
                if self._stopped.is_set():
                    return
                self._failed()
                log.error("reload_failed", detail=str(error), in_force=_IN_FORCE)
            except Exception:  # whatever is wrong with the files, calls go on under the old ones
                self._failed()
                log.exception("reload_failed", in_force=_IN_FORCE)
            else:
                self._take(loaded, service)

    def _failed(self) -> None:
        self._core.counters["reload_failed"] += 1

    def _read(self) -> tuple[Loaded, SelfService]:
        config = load_config(self._path, self.loaded.known)
        loaded = load(config, self._overlay, self.loaded, self._apart)
        prepare(loaded.snapshot.sources)
        return loaded, load_service(config)

    async def _let_go(self, shelf: Shelf) -> None:
        """Give the memory of former tables back, beside the calls: it takes long enough to be heard.

        Calls that were begun under them may need them for a while yet.
        """
        for _ in range(_WAITS):
            if await asyncio.to_thread(shelf.close):
                return
            await asyncio.sleep(1)

    def _take(self, loaded: Loaded, service: SelfService) -> None:
        before, self.loaded = self.loaded, loaded
        self.when_loaded(loaded)
        for shelf in (before.contents.people, before.contents.lists):
            if shelf is not None and shelf not in (loaded.contents.people, loaded.contents.lists):
                self._begin(self._let_go(shelf))
        self._core.policy = Policy(loaded.snapshot)
        self._core.sources.keep(loaded.snapshot.sources)
        self._lookups.keep(loaded.snapshot.sources)
        set_level(loaded.config.log_level, self._core.refusals)
        if self._core.desk is not None:
            self._core.desk.service = service
        self._core.counters["reloaded"] += 1
        self._core.counters["reload_kept"] += len(loaded.contents.kept)
        warn(loaded)
        now = counts(loaded)
        said = now | {f"fewer_{name}": max(0, was - now[name]) for name, was in counts(before).items()}
        if waiting := _only_at_start(self._started_with, loaded.config):
            log.warning("reloaded", **said, needs_restart=waiting)
        else:
            log.info("reloaded", **said)


def counts(loaded: Loaded) -> dict[str, int]:
    """Count what is in force, for the log."""
    return {"subscribers": len(loaded.directory), "entries": len(loaded.scam_list)}


def warn(loaded: Loaded) -> None:
    """Say in the log which files were not taken as they are, and which look as if something were missing."""
    for one in loaded.contents.kept:
        file, was = one.last_good.file, one.last_good.entries
        log.error("reload_kept", file=file, was=was, now=one.now, detail=one.why, in_force=_IN_FORCE)
    kept = {one.last_good.file for one in loaded.contents.kept}
    for each in loaded.contents.extents:
        if each.file in kept:
            continue
        if not each.exists:
            log.warning("file_gone", file=each.file)
        elif not each.entries:
            log.warning("file_empty", file=each.file, detail="not one entry in it")
        elif not each.ended:
            log.warning("file_not_ended", file=each.file, detail="its last line has no end: was it cut?")


def _only_at_start(before: ProxyConfig, now: ProxyConfig) -> list[str]:
    """The keys that were changed and that a reload does not touch."""
    keys = [
        key for key in ProxyConfig.model_fields if key not in _RELOADED and getattr(before, key) != getattr(now, key)
    ]
    keys += [
        f"self_service.{key}"
        for key in ("enabled", "notices_per_hour")
        if getattr(before.self_service, key) != getattr(now.self_service, key)
    ]
    return keys
