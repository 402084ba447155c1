"""Metrics of the process beside its core: the files in force, and the pages over which all of it is asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxy.core.proxy_core import ProxyCore
from proxy.observability.health import Page, alive, readiness
from proxy.observability.metrics import CONTENT_TYPE, DataFile, Looks, Metrics
from proxy.process.loading import Loaded
from proxy.subscribers.storage import path_of


class Inventory:
    """The `files` of data in force, and the time at which they were read. Names are relative to `folder`."""

    def __init__(self, folder: Path, loaded: Loaded) -> None:
        self.files: tuple[DataFile, ...] = ()
        self.loaded_at = 0.0  # seconds since 1970
        self._folder = folder
        self.take(loaded)

    def take(self, loaded: Loaded) -> None:
        """Look at the files that were just read; of those that are kept, the time stays."""
        before = {file.name: file.modified for file in self.files}
        kept = {each.last_good.file for each in loaded.contents.kept}
        people = loaded.config.subscribers and str(path_of(loaded.config.subscribers))
        files = []
        for each in loaded.contents.extents:
            name = os.path.relpath(each.file, self._folder)
            is_kept = each.file in kept
            modified = before.get(name) if is_kept else _modified(each.file)
            kind = "subscribers" if each.file == people else "scam_list"
            files.append(DataFile(name, kind, each.entries, modified, is_kept))
        self.files, self.loaded_at = tuple(files), time.time()


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
    metrics.looks = Looks(connections, datagrams_lost, lambda: inventory.files, lambda: inventory.loaded_at)
    return {
        "/metrics": lambda: Page(HTTPStatus.OK, metrics.text(), CONTENT_TYPE),
        "/healthz": alive,
        "/readyz": lambda: readiness(core),
    }
