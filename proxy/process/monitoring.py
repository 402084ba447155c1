"""Metrics and health over HTTP, at the address that the config gives."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxy.config.models import ProxyConfig
from proxy.core.proxy_core import ProxyCore
from proxy.files.last_good import Extent
from proxy.observability.metrics import CONTENT_TYPE, DataFile, Looks, Metrics
from proxy.process.loading import Loaded
from proxy.subscribers.storage import path_of
from proxy.transport.server import Server
from proxy.transport.status_server import Page, StatusServer


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


async def serve_metrics(
    config: ProxyConfig, metrics: Metrics, core: ProxyCore, server: Server, path: Path, loaded: Callable[[], Loaded]
) -> StatusServer:
    """Serve /metrics, /healthz and /readyz; `path` is that of the config. Raises OSError where that cannot be."""
    if config.metrics is None:
        raise ValueError("no address for metrics")
    inventory = Inventory(path.parent, loaded)
    metrics.looks = Looks(server.connections, server.datagrams_lost, inventory.files, inventory.loaded_at)
    pages = {
        "/metrics": lambda: Page(HTTPStatus.OK, metrics.text(), CONTENT_TYPE),
        "/healthz": lambda: Page(HTTPStatus.OK, b"alive\n"),
        "/readyz": lambda: _readiness(core),
    }
    status = StatusServer(config.metrics.host, config.metrics.port, pages)
    await status.start()
    return status


def _readiness(core: ProxyCore) -> Page:
    """200 while new calls are taken and the softswitch is there."""
    if core.draining:
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, b"draining\n")
    if not core.watch.up:
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, b"the softswitch is down\n")
    return Page(HTTPStatus.OK, b"ready\n")
