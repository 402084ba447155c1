"""The metrics of the process beside its core: the files in force, and how it is asked for all of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxy.core.proxy_core import ProxyCore
from proxy.files.last_good import Extent
from proxy.observability.health import Page, alive, readiness
from proxy.observability.metrics import CONTENT_TYPE, DataFile, Looks, Metrics
from proxy.process.loading import Loaded
from proxy.subscribers.storage import path_of


class Inventory:
    """The files of data in force, of which `loaded` gives the last reading. Names are relative to `folder`."""

    def __init__(self, folder: Path, loaded: Callable[[], Loaded]) -> None:
        self._folder = folder
        self._loaded = loaded
        self._of: tuple[Extent, ...] | None = None
        self._files: tuple[DataFile, ...] = ()
        self._at = 0.0
        self.files()

    def files(self) -> tuple[DataFile, ...]:
        """The files, as they were when first looked at after they were read."""
        loaded = self._loaded()
        extents = loaded.contents.extents
        if extents is not self._of:
            before = {file.name: file.modified for file in self._files}
            names = {each.file: os.path.relpath(each.file, self._folder) for each in extents}
            self._of, self._at = extents, time.time()
            kept = {each.last_good.file for each in loaded.contents.kept}
            people = loaded.config.subscribers and str(path_of(loaded.config.subscribers))
            self._files = tuple(
                DataFile(
                    names[each.file],
                    "subscribers" if each.file == people else "scam_list",
                    each.entries,
                    before.get(names[each.file]) if each.file in kept else _modified(each.file),
                    each.file in kept,
                )
                for each in extents
            )
        return self._files

    def loaded_at(self) -> float:
        """The time at which they were read, in seconds since 1970."""
        self.files()
        return self._at


def _modified(file: str) -> float | None:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return None


def new_metrics(core: ProxyCore) -> Metrics:
    """Metrics of a core: a listener of its events."""
    try:
        release = version("ringfence")
    except PackageNotFoundError:  # run from a folder
        release = "unknown"
    return Metrics(core, release)


def pages(
    metrics: Metrics,
    core: ProxyCore,
    inventory: Inventory,
    connections: Callable[[], int],
    datagrams_lost: Callable[[], int],
) -> dict[str, Callable[[], Page]]:
    """The pages that are served, by path."""
    metrics.looks = Looks(connections, datagrams_lost, inventory.files, inventory.loaded_at)
    return {
        "/metrics": lambda: Page(HTTPStatus.OK, metrics.text(), CONTENT_TYPE),
        "/healthz": alive,
        "/readyz": lambda: readiness(core),
    }
