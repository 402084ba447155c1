"""All that the rules look things up in, at one moment; a reload makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from proxy.numbers.dialled import Dialling
from proxy.numbers.numbering import Number, Numbering
from proxy.policy.answers import Treatment
from proxy.policy.profile import Subscriber
from proxy.policy.remote import RemoteSource
from proxy.policy.ruleset import Ruleset
from proxy.policy.verdict import Mode


class SubscriberDirectory(Protocol):
    """Finds subscribers by their E.164 number, and by their digest user name."""

    def find(self, number: str, /) -> Subscriber | None: ...
    def find_user(self, user: str, /) -> Subscriber | None: ...


class ListedNumber(Protocol):
    """An entry of a scam list; `pattern` is a number, or a prefix that ends in `*`; `confidence` is 0 to 1."""

    @property
    def pattern(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def source(self) -> str: ...


class ScamNumbers(Protocol):
    """Finds the entry with the longest pattern that fits an E.164 number and has not expired at an epoch time."""

    def find(self, number: str, at: float, /) -> ListedNumber | None: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Immutable; `modes` holds every rule that is not simply enforced, `home_regions` the ISO 3166 regions of home,
    `treatments` what is done about the calls of a rule where not what the rule says, `service_numbers` the operator's
    numbers that subscribers can always reach, as they are dialled; `dialling` reads what stands behind dialled codes;
    for `callback_seconds` from their emergency call subscribers can be called back; `sources` are asked about callers.
    """

    numbering: Numbering
    subscribers: SubscriberDirectory
    scam_list: ScamNumbers
    modes: Mapping[str, Mode]
    preset: Ruleset
    home_regions: frozenset[str]
    treatments: Mapping[str, Treatment]
    service_numbers: frozenset[str]
    dialling: Dialling
    callback_seconds: float = 0.0
    sources: tuple[RemoteSource, ...] = ()

    def subscriber(self, number: Number) -> Subscriber | None:
        """The subscriber of a number or user name: the user of that name first, as softswitches do."""
        plain = number.presented
        by_user = self.subscribers.find_user(plain) if plain[:1] != "+" else None
        return by_user or (self.subscribers.find(number.e164) if number.e164 else None)
