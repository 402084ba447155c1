"""The differences between countries in the rules, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field

from proxy.policy.treatments import Treatments
from proxy.policy.verdict import Mode

_WORD_OR_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[^\W\d_][^\d+]*")


def _withheld(text: str) -> str:
    if not _WORD_OR_NUMBER.fullmatch(text):
        raise ValueError("a word such as Restricted, or a number in E.164 such as +266696687")
    return text


@dataclass(frozen=True, slots=True)
class FromAbroad:
    """The kinds of home number that may call in on an international trunk; all others count as spoofed.

    `when_roaming`: if their owner is a subscriber who is roaming; `unless_at_home`: but for subscribers who are not.
    `mobile_prefixes` are E.164 beginnings of mobile numbers, for ranges that the numbering data does not know.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    always: frozenset[str] = frozenset()
    when_roaming: frozenset[str] = frozenset(("mobile", "fixed_or_mobile"))
    unless_at_home: frozenset[str] = frozenset()
    mobile_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScamListRules:
    """The list entries that count: those of at least this confidence (0 to 1), in these categories (none: in all)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    categories: frozenset[str] = frozenset()


_Kind = Literal[
    "fixed", "mobile", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "pager", "uan", "unknown",
    "short_code", "local",
]  # fmt: skip


def _numbers(text: str) -> str:
    try:
        is_pattern = re.fullmatch(r"[0-9\[\](){}|,?:-]+", text) is not None and re.compile(text) is not None
    except re.error:
        is_pattern = False
    if not is_pattern:
        raise ValueError("a regular expression of digits, such as 14[689][0-9]{8}")
    return text


@dataclass(frozen=True, slots=True)
class HomeNumbers:
    """Numbers of the home country that the numbering data lacks: a regular expression of all digits after the country
    code, or of all that is dialled of a short_code and of a local number, which has no area code.

    `source` says who publishes the range, and `as_of` when that was so.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: _Kind
    numbers: Annotated[str, AfterValidator(_numbers)]
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One rule set.

    `home_regions` are the ISO 3166 regions that count as home (none: the home country alone), `numbers` are those of
    the home country that the numbering data lacks, `emergency` adds to its emergency numbers, `callbacks` are numbers
    never blocked when a trusted domestic trunk presents them, `modes` the modes of rules that are not enforced,
    `treatments` what is done about the calls that a rule decides. `withheld` holds words and numbers by which networks
    say that a caller withheld theirs.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    description: str
    home_regions: frozenset[str] = frozenset()
    numbers: tuple[HomeNumbers, ...] = ()
    emergency: frozenset[str] = frozenset()
    callbacks: frozenset[str] = frozenset()
    home_numbers_from_abroad: FromAbroad = FromAbroad()
    withheld: frozenset[Annotated[str, AfterValidator(_withheld)]] = frozenset()
    scam_list: ScamListRules = ScamListRules()
    modes: dict[str, Mode] = field(default_factory=dict)
    treatments: Treatments = field(default_factory=dict)
