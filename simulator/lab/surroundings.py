"""The surroundings of a scenario's proxy, as the lab and a load both need them: softswitch, phones, remote sources."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

from proxy.numbers.numbering import Numbering
from proxy.presets import preset
from simulator.addresses import Address
from simulator.agents.registration import WirePhone
from simulator.lab.lab_spec import LOCALHOST, LabSpec, digest_user
from simulator.lab.reputation_source import ReputationSource
from simulator.softswitch.embedded.softswitch import Account
from simulator.softswitch.kinds import Kind, Softswitch, softswitch


def switch_of(spec: LabSpec, kind: Kind, folder: Path, outside: Address, **more: Any) -> Softswitch:
    """The softswitch with the scenario's subscribers; calls to others go to `outside`. Enter it to bring it up."""

    @cache
    def numbering() -> Numbering:  # when the first call comes: a preset that there is not is the proxy's to tell of
        return preset.numbering(spec.home, preset.load(spec.preset))

    accounts = [Account(each.number, digest_user(name, each), each.password) for name, each in spec.subscribers.items()]
    return softswitch(kind)(
        (LOCALHOST, 0),
        accounts,
        folder=folder,
        resolve=lambda dialled: numbering().understand(dialled).e164,
        outside=outside,
        **more,
    )


def phone_of(spec: LabSpec, name: str) -> WirePhone:
    """The phone of a subscriber, as it registers."""
    own = spec.subscribers[name]
    return WirePhone(own.number, digest_user(name, own), own.password)


async def sources_of(spec: LabSpec, stack: AsyncExitStack) -> dict[str, str]:
    """The address of each remote source, by name, once it is up; `stack` takes them down."""
    return {name: (await stack.enter_async_context(ReputationSource(one))).url for name, one in spec.reputation.items()}
