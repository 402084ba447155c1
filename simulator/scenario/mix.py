"""The mix of a scenario: populations of subscribers, and the legitimate and scam traffic that reaches them.

A kind of traffic is data, in kinds.yaml beside this: how often, who calls, whom, when in the day, what becomes of it.
A scenario's mix names kinds, and may say otherwise in any of their keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from proxy.files.yaml_file import Problem, Problems, did_you_mean, load
from proxy.policy.profile_fields import BarringFields, BarringInFile, Patterns
from simulator.scenario.calls import TrunkName
from simulator.scenario.fields import Duration, Model, Name
from simulator.scenario.headers import one_line

_KINDS = Path(__file__).with_name("kinds.yaml")
_MOST = 10_000_000  # lines of a population, numbers of a pool
_LONGEST = 15  # digits (ITU-T E.164)
_BEGINS = "2026-03-02T00:00+00:00"  # a Monday

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1_000_000)]  # beside others
Truth = Literal["scam", "legit", "attack"]
Outcome = Literal["answer", "ring_only", "busy", "reject"]
Strangers = Literal["neighbours", "strangers", "subscribers", "roamers"]


def _hours(weights: tuple[float, ...]) -> tuple[float, ...]:
    if len(weights) != 24 or min(weights) < 0 or not sum(weights):
        raise ValueError("24 weights, one for each hour of the day, not all 0")
    return weights


def _moment(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError('a time with its zone, such as "2026-03-02T08:00+08:00"')
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment), Field(json_schema_extra={"default": _BEGINS})]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Range(Model):
    """Numbers that begin with `prefix` and have `length` digits; `share` is its weight beside other ranges."""

    prefix: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,13}$")]
    length: Annotated[int, Field(ge=3, le=_LONGEST)]
    share: Weight = 1.0

    @model_validator(mode="after")
    def _has_room(self) -> Range:
        if self.free_digits < 1:
            raise ValueError(f"a length of more digits than the {len(self.prefix) - 1} of {self.prefix}")
        return self

    @property
    def free_digits(self) -> int:
        """The number of digits behind the prefix."""
        return self.length - (len(self.prefix) - 1)


class Profile(Model):
    """The settings that a `share` of a population's subscribers have; `share` is a weight beside other profiles."""

    share: Weight = 1.0
    barring: BarringInFile = Field(default=BarringFields(), validate_default=True)
    roaming: bool = False
    allow: Patterns = ()
    block: Patterns = ()


class Population(Model):
    """`count` subscribers with numbers of a range, the first with its lowest. `profiles` are by segment, as reports
    name them."""

    count: Annotated[int, Field(ge=1, le=_MOST)]
    numbers: Range
    profiles: Annotated[dict[Name, Profile], Field(min_length=1)] = Field(default={"all": Profile()})

    @property
    def roams(self) -> bool:
        """True if some of them roam."""
        return any(profile.roaming for profile in self.profiles.values())

    @property
    def fills_its_range(self) -> bool:
        """True if every number of the range is a subscriber's."""
        return bool(self.count == 10**self.numbers.free_digits)

    @model_validator(mode="after")
    def _has_numbers(self) -> Population:
        if self.count > 10**self.numbers.free_digits:
            most = 10**self.numbers.free_digits
            raise Problems([Problem(("count",), f"at most {most:,}, for which there are numbers")])
        return self


Ranges = Annotated[tuple[Range, ...], Field(min_length=1)]


class Campaign(Model):
    """A campaign's mean number of calls, and the time that it takes."""

    calls: Annotated[float, Field(ge=1, le=1_000_000)]
    lasts: Duration


class Text(Model):
    """The text that goes to a callee the time `before` the call."""

    body: Annotated[str, Field(min_length=1)]
    before: Annotated[Duration, Field(json_schema_extra={"default": "3m"})] = 180.0


class Settings(Model):
    """The keys of a kind in which a mix differs; those that it leaves out are as in the kind.

    `calls_per_line` is how many calls a subscriber gets on a mean day. `from` says whose numbers callers show: ranges,
    `neighbours` (the callee's own first digits), `subscribers`, `roamers` (those of them who roam), or `strangers`
    (numbers of the callee's range that no subscriber has). Of ranges, `pool_per` says who shares numbers: each `call`
    has a new one, or each `campaign`, each `callee`, or the whole `mix` has `pool` of them. `on_allow_list` is the
    share of a callee's own callers that stand on the allow list. `to` is whom a campaign calls: `any` line, lines
    `in_sequence`, or `one`. `hours` are 24 weights, from midnight. `ring` and `talk` are medians, `gives_up` the median
    time from ringing to the caller's CANCEL. `outcomes` are shares of what the phone does. `forwarded_share` of the
    calls came by way of another subscriber (Diversion).
    """

    truth: Truth | None = None
    trunk: TrunkName | None = None
    calls_per_line: Annotated[float, Field(ge=0, le=1000)] | None = None
    from_: Annotated[
        Strangers | Ranges | None,
        BeforeValidator(_listed),
        Field(alias="from"),
    ] = None
    pool: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    pool_per: Literal["call", "campaign", "callee", "mix"] | None = None
    on_allow_list: Share | None = None
    campaign: Campaign | None = None
    to: Literal["any", "in_sequence", "one"] | None = None
    hours: Annotated[tuple[Annotated[float, Field(ge=0, le=1_000_000)], ...], AfterValidator(_hours)] | None = None
    ring: Duration | None = None
    talk: Duration | None = None
    gives_up: Duration | None = None
    outcomes: Annotated[dict[Outcome, Weight], Field(min_length=1)] | None = None
    display_name: Annotated[str, AfterValidator(one_line)] | None = None
    forwarded_share: Share | None = None
    text: Text | None = None


class Kind(Settings):
    """A kind of traffic, whole."""

    truth: Truth
    trunk: TrunkName
    calls_per_line: Annotated[float, Field(ge=0, le=1000)]
    from_: Annotated[
        Strangers | Ranges,
        BeforeValidator(_listed),
        Field(alias="from"),
    ]
    pool: int = 1
    pool_per: Literal["call", "campaign", "callee", "mix"] = "call"
    on_allow_list: float = 0.0
    to: Literal["any", "in_sequence", "one"] = "any"
    hours: Annotated[tuple[float, ...], AfterValidator(_hours)]
    ring: Duration
    talk: Duration
    outcomes: dict[Outcome, float] = Field(default={"answer": 0.65, "ring_only": 0.3, "busy": 0.05})
    display_name: str = ""
    forwarded_share: float = 0.0

    @model_validator(mode="after")
    def _fits(self) -> Kind:
        if problems := list(self.problems()):
            raise Problems(problems)
        return self

    def problems(self) -> Iterator[Problem]:
        """The keys that do not fit together."""
        campaign = "campaign: {calls: N, lasts: TIME} beside it"
        if self.campaign is None and self.pool_per == "campaign":
            yield Problem(("pool_per",), f"{campaign}, or another pool_per")
        if self.campaign is None and self.to != "any":
            yield Problem(("to",), f"{campaign}, or any")
        if self.on_allow_list and (self.pool_per != "callee" or not isinstance(self.from_, tuple)):
            yield Problem(("on_allow_list",), "pool_per: callee beside it, and ranges that they call from")

    def but(self, settings: Settings) -> Kind:
        """The same kind with what a mix says otherwise."""
        return self.model_copy(update={name: getattr(settings, name) for name in settings.model_fields_set})


_NEEDED = frozenset(Kind.__annotations__)  # keys that no kind can do without


class Kinds(Model):
    """The kinds of traffic that there are, by name."""

    kinds: dict[Name, Kind]


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds that Ringfence brings along."""
    return load(_KINDS, Kinds).kinds


class Mix(Model):
    """A mix of traffic: `lasts` that long from `begins`. `pace` plays so many of its seconds in one, the ringing and
    talking included.
    """

    begins: Moment = datetime.fromisoformat(_BEGINS)
    lasts: Annotated[Duration, Field(json_schema_extra={"default": "1d"})] = 86400.0
    pace: Annotated[float, Field(ge=1, le=100_000)] = 1.0
    subscribers: Annotated[dict[Name, Population], Field(min_length=1)]
    traffic: Annotated[dict[Name, Settings], Field(min_length=1)]

    @field_validator("traffic")
    @classmethod
    def _known(cls, traffic: dict[str, Settings]) -> dict[str, Settings]:
        problems = []
        for name, settings in traffic.items():
            if name not in kinds():
                problems.append(Problem((name, "[key]"), f"a kind of traffic: {did_you_mean(name, kinds())}"))
                continue
            if missing := [
                key for key in sorted(settings.model_fields_set & _NEEDED) if getattr(settings, key) is None
            ]:
                problems += [Problem((name, key.rstrip("_")), "a value, or no such key") for key in missing]
                continue
            kind = kinds()[name].but(settings)
            problems += [Problem((name, *each.where), each.expected) for each in kind.problems()]
        if problems:
            raise Problems(problems)
        return traffic

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Its kinds of traffic by name, with what this mix says otherwise."""
        return {name: kinds()[name].but(settings) for name, settings in self.traffic.items()}
