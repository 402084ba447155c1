"""The subscribers' own changes: laid over the profiles that the operator gave them.

Pure: whoever takes a `Change` hands it to a `ChangeStore`, which keeps it, then to the one `Overlay`, where the very
next call finds it. A change counts more than the operator's file, field by field, until the operator takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from proxy.policy.profile import Barring, Subscriber

Value = bool | int | float | tuple[str, ...]

BARRINGS = frozenset(Barring.__match_args__)
PROFILE_FIELDS = frozenset(("notify", "allow", "block"))  # besides the barrings
WRONG_PINS, LAST_WRONG_PIN = "wrong_pins", "last_wrong_pin"
AT_ONCE = frozenset((WRONG_PINS, LAST_WRONG_PIN))  # in force before they are saved: who guesses does not wait


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one subscriber (E.164) has a new value.

    Fields are those of `Barring`, `notify`, `allow`, `block`, and what is known of wrong PINs: `wrong_pins`, how many
    in a row, and `last_wrong_pin`, in epoch seconds.
    """

    number: str
    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class WrongPins:
    """The number of wrong PINs in a row, and the time of the last one (epoch seconds)."""

    count: int = 0
    at: float = 0.0


class Profiles(Protocol):
    """The directory of subscribers without their changes."""

    def find(self, number: str, /) -> Subscriber | None: ...
    def find_user(self, user: str, /) -> Subscriber | None: ...


class Overlay:
    """All changes in force, by subscriber. The one mutable thing behind a snapshot; a reload keeps it."""

    def __init__(self, saved: Iterable[Change] = ()) -> None:
        self._fields: dict[str, dict[str, Value]] = {}
        self.reset(saved)

    def apply(self, change: Change) -> None:
        """Have it in force from now on."""
        self._fields.setdefault(change.number, {})[change.field] = change.value

    def reset(self, *changes: Iterable[Change]) -> None:
        """Forget what there was for these changes, in their order: those that were saved, then those that were not."""
        self._fields.clear()
        for each in changes:
            for change in each:
                self.apply(change)

    @property
    def count(self) -> int:
        """The number of subscribers' fields that are changed."""
        return sum(map(len, self._fields.values()))

    def over(self, subscriber: Subscriber) -> Subscriber:
        """The profile as it is now."""
        fields = self._fields.get(subscriber.number)
        return subscriber if fields is None else _changed(subscriber, fields)

    def wrong_pins(self, number: str) -> WrongPins:
        """Of the subscriber with that number."""
        fields = self._fields.get(number, {})
        return WrongPins(int(_number(fields, WRONG_PINS)), _number(fields, LAST_WRONG_PIN))


class ChangedDirectory:
    """A directory with the overlay over it."""

    def __init__(self, profiles: Profiles, overlay: Overlay) -> None:
        self._profiles = profiles
        self._overlay = overlay

    def find(self, number: str, /) -> Subscriber | None:
        """The subscriber with this E.164 number, as they are now."""
        found = self._profiles.find(number)
        return None if found is None else self._overlay.over(found)

    def find_user(self, user: str, /) -> Subscriber | None:
        """The subscriber with this digest user name, as they are now."""
        found = self._profiles.find_user(user)
        return None if found is None else self._overlay.over(found)


def _changed(subscriber: Subscriber, fields: dict[str, Value]) -> Subscriber:
    barring = {name: value for name, value in fields.items() if name in BARRINGS}
    others = {name: value for name, value in fields.items() if name in PROFILE_FIELDS}
    return subscriber.but(barring=subscriber.barring.but(**barring), **others)


def _number(fields: dict[str, Value], name: str) -> float:
    value = fields.get(name, 0)
    return 0.0 if isinstance(value, tuple) else value
