"""The subscribers of a whole town without keeping them: each is made when it is asked for."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping

from proxy.policy.profile import Subscriber
from simulator.scenario.model import Scenario
from simulator.traffic.plan import populated
from simulator.traffic.population import People


class _Items(ItemsView[str, Subscriber]):
    """All of them in one go, which is much quicker than one by one."""

    def __init__(self, lines: Lines, named: Mapping[str, Subscriber], people: People) -> None:
        super().__init__(lines)
        self._named = named
        self._people = people

    def __iter__(self) -> Iterator[tuple[str, Subscriber]]:
        yield from self._named.items()
        yield from self._people


class Lines(Mapping[str, Subscriber]):
    """Named subscribers and the lines of a mix, by name; the named go first."""

    def __init__(self, named: Mapping[str, Subscriber], people: People) -> None:
        self._named = named
        self._people = people

    def __len__(self) -> int:
        return len(self._named) + self._people.lines

    def __iter__(self) -> Iterator[str]:
        yield from self._named
        yield from map(self._people.name, range(self._people.lines))

    def items(self) -> ItemsView[str, Subscriber]:
        """Each name with its subscriber."""
        return _Items(self, self._named, self._people)

    def __getitem__(self, name: str) -> Subscriber:
        if (found := self._named.get(name)) is not None:
            return found
        part_name, _, number = name.rpartition("-")
        for part in self._people.parts:
            if part.name == part_name and number.isdecimal() and 1 <= int(number) <= part.population.count:
                return self._people.line(part.first + int(number) - 1)[1]
        raise KeyError(name)


def inhabited(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with the subscribers of its mix and records, as `populated` has it; those of the mix are made when
    they are asked for."""
    whole = populated(scenario.model_copy(update={"mix": None}), seed)
    if scenario.mix is None:
        return whole
    lines = Lines(whole.subscribers, People(scenario.mix, seed))
    return whole.model_copy(update={"mix": scenario.mix, "subscribers": lines})
