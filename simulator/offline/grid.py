"""The file of a sweep: the parameters of a policy, and the values that each takes -> the points to try.

All combinations are tried, or with `samples` so many that are drawn at random, from the seed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from proxy.config.fields import lists_beside
from proxy.files.yaml_file import Problem, Problems
from simulator.scenario.fields import Model, Name
from simulator.scenario.policies import BARRED, MIN_CONFIDENCE, PolicyFile, Variant, variant_of

MOST_POINTS = 1_000_000
NUMBERS = (MIN_CONFIDENCE, *BARRED)  # the parameters that are numbers
_LISTS = "scam_lists"


class Span(Model):
    """Numbers between two: `steps` of them, the ends included, or any where points are drawn at random."""

    from_: Annotated[float, Field(alias="from")]
    to: float
    steps: Annotated[int, Field(ge=2, le=10_000)] | None = None

    def values(self) -> tuple[float, ...]:
        """The numbers that a grid tries."""
        steps = self.steps or 2
        return tuple(round(self.from_ + (self.to - self.from_) * place / (steps - 1), 9) for place in range(steps))


def _values(parameters: Any, info: ValidationInfo) -> Any:
    """Lists of scam lists become files; what else there is, pydantic reads."""
    if isinstance(parameters, dict) and isinstance(given := parameters.get(_LISTS), list):
        found = []
        for place, patterns in enumerate(given):
            try:
                found.append([str(path) for path in lists_beside(patterns, info)])
            except Problems as error:
                raise Problems(
                    Problem((_LISTS, place, *each.where), each.expected) for each in error.problems
                ) from None
            except ValueError as error:
                raise Problems([Problem((_LISTS, place), str(error))]) from None
        return {**parameters, _LISTS: found}
    return parameters


_Values = Annotated[list[str], Field(min_length=1)] | Annotated[list[list[str]], Field(min_length=1)] | Span


class Grid(Model):
    """A sweep: `policy` goes over the scenarios' own, and `parameters` over that, by name: `preset`, a rule (modes),
    `scam_list.min_confidence`, `scam_lists` (a list of files each), and `barred.SERVICE` (shares of the subscribers).
    Numbers are listed, or `{from: 0.1, to: 0.9, steps: 9}`. With `samples`, so many points are drawn from `seed`."""

    name: Annotated[Name, Field(alias="sweep")]
    seed: int = 1
    samples: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None
    policy: PolicyFile = PolicyFile()
    parameters: Annotated[dict[str, _Values], BeforeValidator(_values), Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_set(self) -> Grid:
        problems: list[Problem] = []
        size = 1
        for key, values in self.parameters.items():
            problems += _problems(key, values, drawn=self.samples is not None)
            size *= len(values.values() if isinstance(values, Span) else values)
        if not problems and self.samples is None and size > MOST_POINTS:
            problems.append(Problem(("parameters",), f"at most {MOST_POINTS:,} points, not {size:,}, or samples: N"))
        if problems:
            raise Problems(problems)
        return self

    @property
    def size(self) -> int:
        """The number of its points."""
        if self.samples is not None:
            return self.samples
        size = 1
        for values in self.parameters.values():
            size *= len(values.values() if isinstance(values, Span) else values)
        return size

    def points(self) -> Iterator[Point]:
        """The points, in order; the same for the same file."""
        base = variant_of(self.name, self.policy)
        for number, chosen in enumerate(self._chosen()):
            variant = base
            for key, value in chosen.items():
                variant = variant.changed(key, value)
            yield Point(number, chosen, variant)

    def _chosen(self) -> Iterator[dict[str, Any]]:
        keys = list(self.parameters)
        if self.samples is None:
            for values in product(*(_listed(key, self.parameters[key]) for key in keys)):
                yield dict(zip(keys, values, strict=True))
            return
        for number in range(self.samples):
            random = Random(f"{self.seed}/{number}")
            yield {key: _drawn(key, self.parameters[key], random) for key in keys}


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its place, its parameters, and the policy that they make."""

    number: int
    parameters: Mapping[str, Any]
    variant: Variant


def _listed(key: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, Span):
        return values.values()
    return tuple(_read(key, value) for value in values)


def _drawn(key: str, values: Any, random: Random) -> Any:
    if isinstance(values, Span) and values.steps is None:
        return round(random.uniform(values.from_, values.to), 6)
    return random.choice(_listed(key, values))


def _read(key: str, value: Any) -> Any:
    return float(value) if key in NUMBERS else tuple(value) if isinstance(value, list) else value


def _problems(key: str, values: Any, *, drawn: bool) -> Iterator[Problem]:
    """The values that the parameter cannot be set to."""
    where = ("parameters", key)
    if isinstance(values, Span):
        if key not in NUMBERS:
            yield Problem(where, "a list of values: only numbers have a from and a to")
        elif values.steps is None and not drawn:
            yield Problem(where, "steps: N beside from and to, or samples: N for the sweep")
        elif not 0 <= values.from_ <= values.to <= 1:
            yield Problem(where, "0 <= from <= to <= 1")
        return
    for place, value in enumerate(values):
        is_list = isinstance(value, list)
        if is_list is not (key == _LISTS):
            yield Problem((*where, place), 'a list of files, such as ["lists/*.csv"]' if key == _LISTS else "one value")
            continue
        try:
            Variant("").changed(key, value)
        except ValueError as error:
            is_key = str(error).startswith("a rule, preset")
            yield Problem((*where, "[key]") if is_key else (*where, place), str(error))
            if is_key:
                return
