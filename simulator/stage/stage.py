"""The stage itself: a lab that stands, what the trainer does with it, and the hub that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from proxy.policy.precedence import PRECEDENCE
from proxy.policy.profile import Subscriber
from proxy.policy.treatments import written
from proxy.presets import preset
from simulator.lab.lab_spec import LabSpec
from simulator.scenario.model import Scenario
from simulator.softswitch.kinds import Kind
from simulator.stage.families import FAMILIES
from simulator.stage.hand import Hand
from simulator.stage.hub import Hub
from simulator.stage.standing import Standing
from simulator.stage.state import IDLE, State

DEFAULT = Path(__file__).with_name("default.yaml")
_SHOWN = 12  # subscribers that have a place on the stage


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choices for a stage: a scenario and its file, the softswitch, and where the lab's files and finished
    runs lie."""

    scenario: Scenario
    source: Path
    softswitch: Kind
    folder: Path
    runs: Path


class Stage:
    """Sets the lab up and takes it down, as an async context manager; pages do the rest through its parts."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.hub = Hub(_beginning(chosen))
        self.hand = Hand(chosen.scenario)
        self.standing = Standing(LabSpec.of(chosen.scenario), chosen.folder, self.hub, switch=chosen.softswitch)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.standing)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hub.close()
        await self._stack.aclose()

    def call(self, chosen: Mapping[str, Any]) -> str:
        """Place a call or text of the trainer's choice; returns its id. Raises Unplaceable."""
        planned = self.hand.call(chosen)
        self.standing.place(planned)
        return planned.id

    def family(self, name: str, to: str) -> str:
        """Place a call of a family; returns its id. Raises Unplaceable."""
        planned = self.hand.family(name, to)
        self.standing.place(planned)
        return planned.id


def _beginning(chosen: Chosen) -> State:
    scenario = chosen.scenario
    modes = {**preset.load(scenario.preset).modes, **scenario.rules}
    subscribers = list(scenario.subscribers.items())[:_SHOWN]
    return State(
        scenario=scenario.name,
        home=scenario.home,
        preset=scenario.preset,
        softswitch=chosen.softswitch,
        subscribers=tuple(
            {"name": name, "number": each.number, "settings": settings_of(each), "phone": {**IDLE, "texts": ()}}
            for name, each in subscribers
        ),
        trunks=tuple({"name": name, "kind": kind} for name, kind in scenario.trunks.items()),
        rules=tuple(
            {"name": rule, "mode": modes.get(rule, "enforce"), "enforced": 0, "shadowed": 0} for rule in PRECEDENCE
        ),
        families=tuple(family.to_json(name) for name, family in FAMILIES.items()),
        lab={"proxy": "starting", "softswitch": "starting"},
    )


def settings_of(subscriber: Subscriber) -> dict[str, Any]:
    """The choices of a subscriber, as the page shows them."""
    return {
        "barring": asdict(subscriber.barring),
        "allow": list(subscriber.allow),
        "block": list(subscriber.block),
        "notify": subscriber.notify,
        "roaming": subscriber.roaming,
        "treatment": written(subscriber.treatment),
    }
