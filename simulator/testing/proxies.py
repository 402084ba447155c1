"""A proxy alone, and phones for it, for tests of one's own softswitch or config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.config.models import load_config
from simulator.addresses import Address
from simulator.agents.orders import Behaviour, IncomingCall, Order, OutgoingCall
from simulator.agents.wire import WirePhone, WirePhones
from simulator.lab.proxy_process import ProxyProcess
from simulator.testing.background import Background
from simulator.yaml_text import as_yaml

_STATUS = {"answer": 200, "busy": 486, "reject": 603, "ring_only": None}


class RunningProxy:
    """The proxy as a process of its own, until `close`. `address` is that of its first listener."""

    def __init__(self, background: Background, config: Path | Mapping[str, Any], folder: Path) -> None:
        """Start it by a config file, or by the keys of one. Raises FileErrors; LabError where it does not listen."""
        if isinstance(config, Mapping):
            path = folder / "proxy.yaml"
            written = as_yaml({"call_log": "proxy-calls.jsonl", **config})
            path.write_text(written, encoding="utf-8")
            config = path
        read = load_config(config)
        self.address: Address = (read.listen[0].host, read.listen[0].port)
        self.config = config
        self.log = folder / "proxy.log"
        self._call_log = read.call_log
        self._background = background
        self._process = background.run(ProxyProcess.start(config, self.log, background.forks))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Its call records so far, as proxy/README.md describes them; none without a `call_log`."""
        if self._call_log is None or not self._call_log.exists():
            return []
        lines = self._call_log.read_text(encoding="utf-8").splitlines()
        return [record for record in map(json.loads, lines) if record["event"] == "call"]

    def close(self) -> None:
        """Stop it."""
        self._background.run(self._process.stop())


class Phone:
    """A SIP phone on loopback that registers, calls and is called, until `close`."""

    def __init__(
        self,
        background: Background,
        number: str,
        server: Address,
        *,
        user: str = "",
        password: str = "",
        bind: Address = ("127.0.0.1", 0),
    ) -> None:
        """Open its socket; all that it sends goes to `server`. Raises OSError where the address is taken."""
        self.number = number
        self._account = WirePhone(number, user or number, password)
        self._background = background
        self._agent = background.run(_open(bind, server))
        self._count = 0
        self.will("answer")

    @property
    def address(self) -> Address:
        """Its own address."""
        return self._agent.address

    def register(self) -> None:
        """Register. Raises AssertionError with the status where it may not."""
        failures = self._background.run(self._agent.register([self._account]))
        assert not failures, f"{self.number} could not register: {failures[0].status or 'no answer'}"  # noqa: S101

    def will(self, answer: str, after: float = 0.1, talk: float | None = None) -> None:
        """Say what it does when called: `answer`, `busy`, `reject` or `ring_only`, after so many seconds of ringing.

        It hangs up after `talk` seconds, or leaves that to the caller.
        """
        if answer not in _STATUS:
            raise ValueError(f"one of {', '.join(_STATUS)}, not {answer!r}")
        self._agent.otherwise = Behaviour(after=after, status=_STATUS[answer], talk=talk)

    def call(self, callee: str, *, talk: float = 0.1, cancel_after: float | None = None, **more: Any) -> OutgoingCall:
        """Call, and wait for the end; the record tells status and moments. `more` are fields of an `Order`."""
        self._count += 1
        call_id = f"{self.number.lstrip('+')}-{self._count}"
        order = Order(call_id, self.number, callee, talk=talk, cancel_after=cancel_after, **more)
        return self._background.run(_placed(self._agent, order))

    @property
    def calls(self) -> list[IncomingCall]:
        """The calls and texts that came, in order."""
        return sorted((each for calls in self._agent.taken.values() for each in calls), key=lambda each: each.received)

    def close(self) -> None:
        """Close its socket."""
        self._background.run(_closed(self._agent))


async def _open(bind: Address, server: Address) -> WirePhones:
    return WirePhones(bind, server, any_number=True)


async def _placed(agent: WirePhones, order: Order) -> OutgoingCall:
    placed = agent.place(order)
    await agent.idle()
    return placed


async def _closed(agent: WirePhones) -> None:
    agent.close()
