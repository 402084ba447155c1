"""A Dask cluster of this machine: a scheduler and workers, each a process of its own on loopback."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

from simulator.loopback import free_port
from tests.plays import ROOT, forked


class DaskCluster:
    """A running cluster; `workers` are its processes, without a nurse who would bring a dead one back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun = 0  # workers
        self._begin()

    def _begin(self) -> None:
        """Start a scheduler that has no workers yet."""
        self.workers: list[forked.Started] = []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        host, _, port = self.address.removeprefix("tcp://").rpartition(":")
        self.scheduler = self._start(
            "dask_scheduler", "--host", host, "--port", port, "--no-dashboard", "--dashboard-address", f"{host}:0"
        )
        self._await_scheduler(host, int(port))

    def having(self, workers: int) -> DaskCluster:
        """Have so many workers, of whom those that a test killed are replaced, as is the scheduler."""
        if self.scheduler.poll() is not None:
            self.close()
            self._begin()
        self.workers = [each for each in self.workers if each.poll() is None]
        for each in self.workers[workers:]:
            each.kill()
            each.wait()
        del self.workers[workers:]
        self.workers += [self._start_worker() for _ in range(workers - len(self.workers))]
        return self

    def _start_worker(self) -> forked.Started:
        self._begun += 1
        host = self.address.removeprefix("tcp://").rpartition(":")[0]
        return self._start(
            "dask_worker",
            *(self.address, "--host", host, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
            *("--memory-limit", "0", "--local-directory", str(self._folder / f"worker-{self._begun}")),
        )

    def _await_scheduler(self, host: str, port: int) -> None:
        """Wait until it takes connections: a busy machine may need a while."""
        deadline = time.monotonic() + 60
        while self.scheduler.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((host, port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.scheduler.kill()
        raise AssertionError("the scheduler did not come up")

    def _start(self, command: str, *arguments: str) -> forked.Started:
        with (self._folder / f"{command}.log").open("ab") as log:
            return forked.start(
                [sys.executable, "-P", "-m", f"distributed.cli.{command}", *arguments],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=DEVNULL,
                stderr=log,
            )

    def close(self) -> None:
        """End all processes."""
        for each in (*self.workers, self.scheduler):
            each.kill()
        for each in (*self.workers, self.scheduler):
            each.wait()


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """A cluster until the end of the block."""
    cluster = DaskCluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()
