"""The hand: the calls and texts that a trainer can place, of their own choice or of a family of scams, as planned."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from proxy.files.expected import expected_by
from proxy.files.yaml_file import FileContext, Problem, Problems
from simulator.scenario.calls import Calls
from simulator.scenario.model import Scenario
from simulator.stage.families import families_of
from simulator.traffic.plan import plan
from simulator.traffic.planned_call import PlannedCall

_KEYS = {
    "from",
    "to",
    "trunk",
    "display_name",
    "method",
    "body",
    "family",
    "truth",
    "ring",
    "talk",
    "answer",
    "diversion",
}
_LONGEST = 500  # characters of a text
_SHOWN = 80  # of what was found instead
_LONGEST_CALL = 600.0  # seconds that it may ring, or last
_RINGS, _TALKS = "3s", "3s"


class Unplaceable(ValueError):
    """A call cannot be placed as it was chosen; says what is wrong."""


class Hand:
    """Plans calls in the lab of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario.model_copy(update={"mix": None, "records": None})
        self._known = FileContext(document={"subscribers": dict.fromkeys(scenario.subscribers)})
        self._numbers = itertools.count(1)
        self._turns: Counter[str] = Counter()  # calls of each family so far
        neighbour = next((each.number for each in scenario.subscribers.values()), "")
        self.families = families_of(scenario.home, neighbour)

    def family(self, name: str, to: str) -> PlannedCall:
        """A call of a family to a subscriber. Raises Unplaceable."""
        chosen = self.families.get(name)
        if chosen is None:
            raise Unplaceable(f"found no family {name[:_SHOWN]!r}, expected one of {', '.join(self.families)}")
        self._turns[name] += 1
        called = self._scenario.subscribers.get(to)
        keys = chosen.call(self._turns[name], to if called is None else called.number)
        return self._planned(f"{name}-{next(self._numbers)}", {**keys, "family": name, "to": to})

    def call(self, chosen: Mapping[str, Any]) -> PlannedCall:
        """The call or text that was chosen, by the keys of `/api/call`. Raises Unplaceable, with what is wrong."""
        if unknown := set(chosen) - _KEYS:
            raise Unplaceable(f"found {', '.join(sorted(unknown))[:_SHOWN]}, expected {', '.join(sorted(_KEYS))}")
        if wrong := [name for name, value in chosen.items() if not isinstance(value, str) or len(value) > _LONGEST]:
            raise Unplaceable(f"{', '.join(sorted(wrong))}: expected a text of at most {_LONGEST} characters")
        return self._planned(f"call-{next(self._numbers)}", {name: value for name, value in chosen.items() if value})

    def _planned(self, name: str, chosen: Mapping[str, str]) -> PlannedCall:
        entry = {"trunk": "international", "truth": "legit", **chosen, "call": name}
        if entry.get("method") != "MESSAGE":
            entry = {"ring": _RINGS} | ({} if "ring" in entry and "family" in entry else {"talk": _TALKS}) | entry
        try:
            calls = Calls.model_validate(entry, context=self._known)
        except ValidationError as invalid:
            raise Unplaceable("; ".join(_said(invalid))) from None
        [planned] = plan(self._scenario.model_copy(update={"calls": (calls,)}))
        if max(planned.ring, planned.talk or 0.0, planned.cancel_after or 0.0) > _LONGEST_CALL:
            raise Unplaceable(f"ring, talk: expected at most {_LONGEST_CALL:.0f} s")
        return planned


def _said(invalid: ValidationError) -> list[str]:
    """Say what is wrong with the call, by its keys."""
    said = []
    for details in invalid.errors():
        problems = details.get("ctx", {}).get("error")
        expected = "a value, found none" if details["type"] == "missing" else expected_by(details)
        several = problems.problems if isinstance(problems, Problems) else [Problem((), expected)]
        for problem in several:
            key = next((str(step) for step in reversed((*details["loc"], *problem.where)) if step in _KEYS), "")
            said.append(f"{key}: expected {problem.expected}" if key else f"expected {problem.expected}")
    return said
