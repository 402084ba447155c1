"""Brings the chain up and down: softswitch, proxy, phones and trunk agents, all on loopback.

    caller agents --> proxy --> softswitch --> callee agents (phones register, and are called, through the proxy)

A direct lab is the same without the proxy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from proxy.sip.digest import ALGORITHMS
from simulator.addresses import Address
from simulator.agents.tap import Tap
from simulator.errors import LabError
from simulator.judging.evidence import Evidence, ProxyWrote
from simulator.judging.records import read_records
from simulator.lab.cast import Cast, MixedCast, OnEnded
from simulator.lab.handed_over import handed_over
from simulator.lab.lab_spec import CARD_KEY, LOCALHOST, MESSAGE_LOG, LabSpec, write_files
from simulator.lab.loopback_tap import LoopbackTap
from simulator.lab.proxy_forks import ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.lab.published_card import new_key, whose
from simulator.lab.real_cast import RealCast
from simulator.lab.surroundings import sources_of, switch_of
from simulator.lab.wire_cast import WireCast
from simulator.loopback import free_port
from simulator.media.recordings import RECORDING_SERVICES, recording_path
from simulator.softswitch.kinds import Kind
from simulator.traffic.planned_call import PlannedCall

if TYPE_CHECKING:
    from proxy.signing.jws import Key

_WORRYING = {
    "overload": "calls that the proxy turned away because it held too many",
    "too_many_connections": "connections that the proxy turned away because it held too many",
    "internal_error": "messages that the proxy could not handle (a defect; see proxy.log)",
    "unknown_source": "messages from an address that the proxy knows no trunk for",
    "socket_error": "datagrams that the proxy could not send or receive",
}


class Lab:
    """One pass of a scenario. Use it as an async context manager; it comes down in all cases.

    `on_ended` is told of each call once nothing more will happen to it. Once the lab is down, `evidence`
    and `problems` are complete. A `tap` hears the messages of wire agents and embedded softswitch; with one, the proxy
    records in `proxy-messages.jsonl` what these cannot see. With `verdicts` the proxy writes each verdict down
    when it is taken, for those who watch. At the port `softphones`, where it is given, others on this machine may
    register as well.
    """

    cast: Cast
    wire: WireCast
    proxy: ProxyProcess  # in a lab with one
    next_hop: Address  # of all agents

    def __init__(
        self,
        spec: LabSpec,
        calls: Iterable[PlannedCall],
        folder: Path,
        *,
        proxied: bool,
        on_ended: OnEnded,
        switch: Kind = "embedded",
        forks: ProxyForks | None = None,
        tap: Tap | None = None,
        verdicts: bool = False,
        softphones: int | None = None,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.proxied = proxied
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._calls = tuple(calls)
        self._switch_kind = switch
        self._forks = forks
        self._tap = tap
        self._verdicts = verdicts
        self._softphones = softphones
        self._on_ended = on_ended
        self._arrivals: dict[str, float] = {}  # at the softswitch
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except OSError as error:
            await self._stack.aclose()
            raise LabError(f"cannot open a socket on loopback: {error.strerror or error}") from error
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _tap_loopback(self, tap: Tap) -> None:
        """Hear also what real phones say to one another, where this process may."""
        if (hear := tap.hear_media) is None:
            return
        try:
            await self._stack.enter_async_context(LoopbackTap(hear))
        except OSError as error:
            why = error.strerror or str(error)
            self.notes.append(f"what real phones say to one another is in no capture: it takes CAP_NET_RAW ({why})")
        else:
            tap.hear_media = None  # ports need not tell what is heard there

    async def _open(self) -> None:
        enter = self._stack.enter_async_context
        if self._with_real_phones and self._tap is not None:
            await self._tap_loopback(self._tap)
        wire = await enter(WireCast(self.spec, self._on_ended, self._tap))
        self.switch = await enter(
            switch_of(
                self.spec,
                self._switch_kind,
                self.folder if self.proxied else self.folder / "direct",
                wire.outside,
                tap=self._tap,
                arrivals=self._arrivals if self.proxied else None,
                # Many a softphone knows MD5 alone, and gives up where another algorithm is offered before it.
                algorithms=tuple(ALGORITHMS) if self._softphones is None else ("MD5",),
            )
        )
        self.next_hop = next_hop = await self._start_proxy(wire.trunks) if self.proxied else self.switch.address
        if self._with_real_phones:
            real = RealCast(self.spec, self._calls, next_hop, wire.trunks, self._on_ended, self.folder)
            self.cast = MixedCast(wire, await enter(real))
            await wire.begin(next_hop, elsewhere=real.names)
        else:
            self.cast = wire
            await wire.begin(next_hop)
        self.wire = wire

    @property
    def _with_real_phones(self) -> bool:
        return any(call.agent == "pjsua" for call in self._calls)

    async def _start_proxy(self, trunks: dict[str, Address]) -> Address:
        address = (LOCALHOST, self._softphones or free_port())
        key = new_key(self.folder / CARD_KEY) if self.spec.card else None
        sources = await sources_of(self.spec, self._stack)
        config = write_files(
            self.spec,
            self.folder,
            address,
            self.switch.address,
            trunks,
            self._heard_elsewhere(),
            sources,
            verdicts=self._verdicts,
            softphones=self._softphones is not None,
        )
        self.proxy = proxy = await ProxyProcess.start(config, self.folder / "proxy.log", self._forks)
        self._stack.push_async_callback(self._stop_proxy, proxy)
        if key is not None:
            self._check_card(key)
        return address

    def _heard_elsewhere(self) -> Collection[Address] | None:
        """The peers whose messages are heard at their own sockets; None where all are, or where nobody listens."""
        strangers = self._with_real_phones or self._softphones is not None
        if self._tap is None or (self.switch.address in self._tap.addresses and not strangers):
            return None
        return self._tap.addresses

    def _check_card(self, key: Key) -> None:
        """Look at the card as whoever is refused with 608 would."""
        try:
            name = whose(self.folder / "card.jws", key)
        except ValueError as error:
            raise LabError(str(error)) from error
        if self.spec.card is None or name != self.spec.card.name:
            raise LabError(f"the proxy signed a card of {name!r}")

    @property
    def stands(self) -> bool:
        """True as long as its proxy runs, if it has one."""
        return not self.proxied or self.proxy.runs

    def place(self, call: PlannedCall, due: float) -> None:
        """Place a call now; `due` is when it should have been placed."""
        self.cast.expect(call)
        self.cast.place(call, due)

    def evidence(self, call: PlannedCall) -> Evidence | None:
        """Return all that is known of a call once the lab is down; None where it was never placed."""
        seen = self.cast.saw(call)
        if seen is None:
            return None
        came = self._arrivals.get(seen.call_id)
        seen = replace(seen, proxy_wrote=self._records.get(seen.call_id), switch_received=came)
        if call.expect is not None and call.expect.switch_hears:
            return replace(seen, recordings={**seen.recordings, "switch": self._recording(seen.call_id)})
        return seen

    def forget(self) -> None:
        """Let go of all evidence, once whoever wants any has it."""
        self.cast.forget()
        self._records.clear()
        self._arrivals.clear()

    @cached_property
    def _records(self) -> dict[str, ProxyWrote]:
        """The proxy's call records by Call-ID, as they are once it has ended."""
        return read_records(self.folder / "proxy-calls.jsonl") if self.proxied else {}

    def _recording(self, call_id: str) -> Path:
        """The recording of what the switch heard: it records those whom it answers and then listens to."""
        paths = [recording_path(self.folder, service, call_id) for service in RECORDING_SERVICES]
        return next((path for path in paths if path.exists()), paths[0])

    async def close(self) -> None:
        """Take everything down; `problems` then says what went wrong meanwhile."""
        await self._stack.aclose()
        if self.proxied and self._switch_kind != "embedded":  # whose socket tells when something comes
            self._arrivals |= handed_over(self.folder / MESSAGE_LOG, self.switch.address)
        self.problems += [*self.cast.problems, *self.switch.problems]

    async def _stop_proxy(self, proxy: ProxyProcess) -> None:
        ended = not proxy.runs
        counters = await proxy.stop()
        if ended:
            self.problems.append("the proxy ended amid the run (see proxy.log)")
        elif counters is None:
            self.problems.append("the proxy did not end when and as it was told to (see proxy.log)")
        if counters is not None:
            self.problems += [
                f"{counters[name]} {meaning}" for name, meaning in _WORRYING.items() if counters.get(name)
            ]
