"""The processes of a load: generators, proxy and far end, all on loopback, and what they tell.

generators --> proxy --> far end (in the place of softswitch and phones)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from array import array
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from simulator.addresses import Address
from simulator.errors import LabError
from simulator.lab.lab_spec import CARD_KEY, LOCALHOST, LabSpec, write_files
from simulator.lab.lifeline import end_with
from simulator.lab.proxy_forks import ENVIRONMENT, ForkedProcess, ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.lab.published_card import new_key
from simulator.lab.surroundings import sources_of
from simulator.load.frames import frames
from simulator.load.pace import Pace
from simulator.load.processor import spent, waited
from simulator.loopback import free_port
from simulator.processes import end_or_kill
from simulator.softswitch.kinds import Kind

_READY_WITHIN = 60.0  # seconds: a generator plans the scenario's calls before
_REGISTERED_WITHIN = 120.0
_LARGEST = 1 << 22  # bytes that are read at once
_STOP_WITHIN = 5.0
_READ_WITHIN = 2.0  # of one that has ended
_STOP_SWITCH_WITHIN = 20.0  # with a container to take down


@dataclass(slots=True)
class Worker:
    """A process of ours, and the latest that it told of itself."""

    name: str
    process: asyncio.subprocess.Process | ForkedProcess
    listening: asyncio.StreamReader  # to it
    speaking: asyncio.StreamWriter
    stats: dict[str, Any] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    registered: asyncio.Event = field(default_factory=asyncio.Event)
    reading: asyncio.Task[None] | None = None

    def order(self, message: Mapping[str, Any]) -> None:
        """Tell it what to do."""
        with contextlib.suppress(ConnectionError):
            self.speaking.write(json.dumps(message).encode() + b"\n")


class Rig:
    """The processes of one load; an async context manager. `on_rows` is given what generators tell of their calls.
    Without a `switch` the far end is in the place of softswitch and phones.

    Entering raises LabError where something does not come up.
    """

    def __init__(
        self,
        spec: LabSpec,
        folder: Path,
        played: Mapping[str, Any],
        processes: int,
        on_rows: Callable[[array[float]], None],
        switch: Kind | None = None,
        forks: ProxyForks | None = None,
    ) -> None:
        """`played` says what each process reads: `source`, `seed` and `select`. All of them are forked off
        `forks`, where given."""
        self._spec = spec
        self._folder = folder
        self._played = dict(played)
        self._count = processes
        self._on_rows = on_rows
        self._switch = switch
        self._forks = forks
        self._stack = AsyncExitStack()
        self._log = folder / "load.log"
        self.generators: list[Worker] = []
        self.counters: dict[str, int] | None = None  # of the proxy, once it has ended
        self.hung = False  # True of a proxy that had to be killed in the end

    async def __aenter__(self) -> Self:
        if sys.platform != "linux":
            raise LabError("a load takes Linux: only there each trunk has an address for several processes")
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        hosts = {name: f"127.0.{place}.1" for place, name in enumerate(self._spec.trunks, start=1)}
        prefix = f"load-{secrets.token_hex(4)}"
        access = next(name for name, kind in self._spec.trunks.items() if kind == "access")
        self.far_end = await self._start(
            "far_end",
            {
                "prefix": prefix,
                "switch": self._switch,
                "folder": str(self._folder.absolute()),
                "host": LOCALHOST if self._switch is None else hosts[access],
            },
        )
        orders = [{"prefix": prefix, "hosts": hosts, "first": each, "of": self._count} for each in range(self._count)]
        self.generators = list(await asyncio.gather(*(self._start("generator", order) for order in orders)))
        workers = (self.far_end, *self.generators)
        await asyncio.gather(*(self._wait(each, each.ready, _READY_WITHIN, "start") for each in workers))
        switch = (self.far_end.stats["address"][0], self.far_end.stats["address"][1])
        self.address = await self._start_proxy({name: (host, 0) for name, host in hosts.items()}, switch)
        for each in self.generators:
            each.order({"next_hop": self.address})
        if self._switch is not None:
            self.far_end.order({"next_hop": self.address})
            await self._wait(self.far_end, self.far_end.registered, _REGISTERED_WITHIN, "register its phones")
            if failures := self.far_end.stats["failures"]:
                of = len(self._spec.subscribers)
                raise LabError(f"{len(failures)} of {of} phones could not register; the first is {failures[0]}")

    async def _start_proxy(self, trunks: dict[str, Address], switch: Address) -> Address:
        address = (LOCALHOST, free_port())
        if self._spec.card is not None:
            new_key(self._folder / CARD_KEY)
        sources = await sources_of(self._spec, self._stack)
        config = write_files(self._spec, self._folder, address, switch, trunks, None, sources)
        self.proxy = await ProxyProcess.start(config, self._folder / "proxy.log", self._forks)
        self._stack.push_async_callback(self._stop_proxy)
        return address

    async def _stop_proxy(self) -> None:
        ran = self.proxy.runs
        self.counters = await self.proxy.stop()
        self.hung = ran and self.counters is None

    async def _start(self, name: str, order: Mapping[str, Any]) -> Worker:
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            process = await self._begin(f"simulator.load.{name}", theirs.fileno(), log.fileno())
        listening, speaking = await asyncio.open_unix_connection(sock=ours, limit=_LARGEST)
        worker = Worker(name, process, listening, speaking)
        within = _STOP_WITHIN if self._switch is None or name != "far_end" else _STOP_SWITCH_WITHIN
        self._stack.push_async_callback(_stop, worker, within)
        worker.reading = asyncio.create_task(self._read(worker))
        worker.order({**self._played, **order})
        return worker

    async def _begin(self, module: str, orders: int, log: int) -> asyncio.subprocess.Process | ForkedProcess:
        """Start it as a process of its own, which is spoken with by way of its standard input and output."""
        if self._forks is not None and (forked := await self._forks.fork(module, (), {0: orders, 1: orders, 2: log})):
            return forked
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a folder named simulator where the user stands is not ours
            "-m",
            module,
            stdin=orders,
            stdout=orders,
            stderr=log,
            start_new_session=True,  # Ctrl-C on the terminal is for the run, which ends them in order
            env=os.environ | ENVIRONMENT,
            preexec_fn=end_with(os.getpid()),
        )

    async def _read(self, worker: Worker) -> None:
        async for frame in frames(worker.listening):
            if isinstance(frame, array):
                self._on_rows(frame)
            else:
                worker.stats |= frame
                for event in ("ready", "registered"):
                    if frame.get(event):
                        getattr(worker, event).set()

    async def _wait(self, worker: Worker, event: asyncio.Event, within: float, what: str) -> None:
        waiting = {asyncio.create_task(event.wait()), asyncio.create_task(worker.process.wait())}
        try:
            await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if not event.is_set():
            raise LabError(f"the {worker.name.replace('_', ' ')} of the load did not {what}; see {self._log}")

    def play(self, pace: Pace) -> None:
        """Have the generators place the calls of a plateau."""
        for each in self.generators:
            each.order(asdict(pace))

    def cut(self, plateau: int) -> None:
        """Have them place no more of it."""
        for each in self.generators:
            each.order({"cut": plateau})

    def ask(self) -> None:
        """Have them tell what they know at once, not only now and then."""
        for each in self.generators:
            each.order({"tell": True})

    def placed(self, plateau: int) -> int:
        """Calls of a plateau that were placed, those of its ramp left out."""
        return sum(each.stats.get("placed", {}).get(str(plateau), 0) for each in self.generators)

    @property
    def told(self) -> float:
        """The moment by which all generators have told what they know, by the monotonic clock."""
        return min(float(each.stats.get("at", 0.0)) for each in self.generators)

    @property
    def unheard(self) -> int:
        """Calls whose callers have heard nothing yet."""
        return sum(each.stats.get("unheard", 0) for each in self.generators)

    @property
    def under_way(self) -> int:
        """Calls that have not ended."""
        return sum(each.stats.get("under_way", 0) for each in self.generators)

    def spent(self) -> dict[str, tuple[float, ...]]:
        """The seconds that each process has computed: `proxy`, `far_end`, and each of `generators`."""
        found = {
            "far_end": (float(self.far_end.stats.get("cpu", 0.0)),),
            "generators": tuple(float(each.stats.get("cpu", 0.0)) for each in self.generators),
        }
        proxy = spent(self.proxy.pid)
        return found if proxy is None else {"proxy": (proxy,), **found}

    def proxy_waited(self) -> float | None:
        """The seconds that the proxy could have computed in and found no processor; None where nobody tells."""
        return waited(self.proxy.pid)

    @property
    def broken(self) -> str:
        """The process that has ended though it was needed; empty where all run."""
        if not self.proxy.runs:
            return f"the proxy ended amid the load; see {self._folder / 'proxy.log'}"
        for each in (self.far_end, *self.generators):
            if (code := each.process.returncode) is not None:
                how = signal.Signals(-code).name if code < 0 else f"code {code}"
                which = "a generator" if each.name == "generator" else "the far end"
                return f"{which} of the load ended ({how}); see {self._log}"
        return ""


async def _stop(worker: Worker, within: float) -> None:
    """End it by closing its standard input; by force where that does not."""
    with contextlib.suppress(OSError):  # it has ended
        worker.speaking.write_eof()
    await end_or_kill(worker.process, within)
    await worker.process.wait()
    if worker.reading is not None:
        with contextlib.suppress(TimeoutError):  # a process that does nothing more may hold the other end, too
            await asyncio.wait_for(worker.reading, _READ_WITHIN)
    worker.speaking.close()
