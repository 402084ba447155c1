"""A proxy as its own process, for tests that talk to it over sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.fork_server import ForkedProcess, ForkServer

PROXY_HOST = "127.0.0.31"
INTERNATIONAL, DOMESTIC, PHONES, SWITCH, STRANGER = (
    "127.0.1.31",
    "127.0.2.31",
    "127.0.3.31",
    "127.0.4.31",
    "127.0.9.31",
)
TRUNKS: dict[str, dict[str, object]] = {
    "international": {"match": ["127.0.1.0/24"], "kind": "international", "trust_identity": True},
    "domestic": {"match": ["127.0.2.0/24"], "kind": "domestic", "trust_identity": True},
    "phones": {"match": ["127.0.3.0/24"], "kind": "access", "auth": "none"},
}

T = TypeVar("T")


def eventually(look: Callable[[], T], patience: float = 30.0) -> T:
    """Return what `look` returns as soon as that is true; AssertionError when it never is.

    It looks less and less often, down to twenty times a second, as a look may cost as much as what it waits for.
    """
    begun = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - begun
        assert waited < patience, f"not within {patience} s"
        time.sleep(min(0.05, 0.01 + waited / 20))
    return found


class ProxyProcess:
    """A proxy that listens on `host`:`port` over UDP and TCP (and, with `tls`, on `tls_port` over TLS).

    `stderr` is where its log goes instead of `log`. It is forked off `forks`, where given. `config` goes over the
    defaults of this test bed, key by key; it is written as JSON, which is YAML too.
    """

    def __init__(
        self,
        folder: Path,
        switch_port: int,
        *,
        transport: str = "udp",
        stderr: int | None = None,
        forks: ForkServer | None = None,
        **config: Any,
    ) -> None:
        self.host, self.port = PROXY_HOST, free_port(PROXY_HOST)
        self.tls_port = free_port(PROXY_HOST)
        listen = [f"udp:{self.host}:{self.port}", f"tcp:{self.host}:{self.port}"]
        if "tls" in config:
            listen.append(f"tls:{self.host}:{self.tls_port}")
        self.folder = folder
        self.config = folder / "proxy.yaml"
        self._log = folder / "proxy.log"
        self._records = folder / "calls.jsonl"
        self.write_config(
            {
                "listen": listen,
                "softswitch": f"{transport}:{SWITCH}:{switch_port}",
                "home": "CN",
                "preset": "cn",
                "trunks": TRUNKS,
                "call_log": self._records.name,
                **config,
                "limits": {"drain_seconds": 0.2, **config.get("limits", {})},
            }
        )
        self._stderr = stderr
        self._forks = forks
        self.process: subprocess.Popen[bytes] | ForkedProcess
        self.start()

    def start(self, *, elsewhere: bool = False) -> None:
        """Run it; its log begins anew. One that is started `elsewhere` hashes texts otherwise than the others."""
        with self._log.open("wb") as log:
            if self._forks is not None:
                forks = self._forks.elsewhere if elsewhere else self._forks
                self.process = forks.start(self.config, log.fileno() if self._stderr is None else self._stderr)
                return
            self.process = subprocess.Popen(
                [sys.executable, "-m", "proxy", str(self.config)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stderr=log if self._stderr is None else self._stderr,
            )

    def restart(self, end: signal.Signals = signal.SIGTERM, *, elsewhere: bool = False) -> None:
        """Stop it or kill it, and run it again with the config that lies there, with hashes of its own where that is
        asked for."""
        self.process.send_signal(end)
        assert self.process.wait(15) in (0, -end)
        self.start(elsewhere=elsewhere)
        self.wait_for("ready")

    @property
    def address(self) -> str:
        """host:port of UDP and TCP."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """The text on its stderr so far."""
        return self._log.read_text()

    def write_config(self, config: Mapping[str, Any]) -> None:
        """(Re)write the config file."""
        self.config.write_text(json.dumps(config))

    def change_config(self, **config: Any) -> None:
        """Put keys over those of the config file."""
        self.write_config({**json.loads(self.config.read_text()), **config})

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event; lines that are not JSON are none."""
        found = []
        for line in self.log.splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [event for event in found if event.get("event") == name]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first log line of an event, as soon as it is there."""

        def look() -> dict[str, Any] | None:
            if found := self.events(event):
                return found[0]
            assert event == "stopped" or self.process.poll() is None, self.log
            return None

        found = eventually(look)
        assert found is not None
        return found

    def wait_for_all(self, event: str, count: int) -> list[dict[str, Any]]:
        """The log lines of an event, once there are `count` of them; more than that is an error."""
        eventually(lambda: len(self.events(event)) >= count)
        found = self.events(event)
        assert len(found) == count
        return found

    def records(self, count: int) -> list[dict[str, Any]]:
        """The call records, once there are `count` of them; more than that is an error."""

        def look() -> list[dict[str, Any]]:
            lines = self._records.read_text().splitlines() if self._records.exists() else []
            calls = [record for record in map(json.loads, lines) if record["event"] == "call"]
            return calls if len(calls) >= count else []

        found = eventually(look)
        assert len(found) == count
        return found

    def reload(self) -> None:
        """SIGHUP, and wait until the new lists are in force."""
        before = len(self.events("reloaded"))
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(self.events("reloaded")) > before)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
