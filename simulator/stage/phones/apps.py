"""The apps on a phone, as it reports them where its owner lets it, and those that the trainer's list warns of.

What is on a phone stays there: only its latest report is kept, and forgotten at once when reporting is switched off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

MOST = 50  # apps on a phone, or on the list
LONGEST = 60  # characters of a name
Why = Literal["fake_bank", "fake_police", "loan", "remote_control", "other"]
REASONS: tuple[Why, ...] = get_args(Why)


class WrongApps(ValueError):
    """A list of apps is none; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An app that is warned of, and the reason."""

    name: str
    why: Why

    def to_json(self) -> dict[str, str]:
        """It by its keys."""
        return {"name": self.name, "why": self.why}


@dataclass(frozen=True, slots=True)
class Report:
    """The apps on a phone, as it reported them at that time (seconds since 1970)."""

    at: float
    apps: tuple[str, ...]


# All made up. The first four are on every phone; the others are what lectures warn of.
ON_A_PHONE = ("Messages", "Photos", "Weather", "Bus Times")
ON_THE_LIST = (
    Listed("Speedy Loan Pro", "loan"),
    Listed("SafeDesk Remote", "remote_control"),
    Listed("Harbour Bank Mobile+", "fake_bank"),
    Listed("e-Police Verify", "fake_police"),
)


class Apps:
    """The trainer's list, and the latest reports by the name of the subscriber."""

    def __init__(self) -> None:
        self.listed: tuple[Listed, ...] = ON_THE_LIST
        self._reports: dict[str, Report] = {}

    def report(self, name: str, apps: object, now: float) -> None:
        """Take a phone's report. Raises WrongApps."""
        if not isinstance(apps, list) or len(apps) > MOST:
            raise WrongApps(f"apps: expected a list of at most {MOST} names")
        self._reports[name] = Report(now, tuple(dict.fromkeys(_name(each) for each in apps)))

    def forget(self, name: str) -> None:
        """Forget what a phone reported: its owner switched it off."""
        self._reports.pop(name, None)

    def reported(self, name: str) -> Report | None:
        """The latest report of a phone, where it reports."""
        return self._reports.get(name)

    def warnings(self, name: str) -> list[Listed]:
        """The listed apps on a phone, as far as it reports them; the case of letters does not matter."""
        report = self._reports.get(name)
        there = {app.casefold() for app in report.apps} if report else frozenset[str]()
        return [each for each in self.listed if each.name.casefold() in there]

    def change_list(self, apps: object) -> None:
        """Make this the list: objects with `name` and `why`. Or change it as it is: `add` such objects, `drop` names.
        Raises WrongApps."""
        kept: tuple[Listed, ...] = ()
        if isinstance(apps, Mapping):
            if unknown := set(apps) - {"add", "drop"}:
                raise WrongApps(f"apps: found {', '.join(sorted(unknown))[:80]}, expected add, drop")
            dropped = {_name(each).casefold() for each in _few(apps.get("drop", []))}
            kept = tuple(each for each in self.listed if each.name.casefold() not in dropped)
            apps = apps.get("add", [])
        found = [*kept, *(_listed(each) for each in _few(apps))]
        self.listed = tuple(_few(list({each.name.casefold(): each for each in found}.values())))

    def to_json(self, name: str) -> dict[str, Any]:
        """A phone's side of it, as its page shows it."""
        report = self._reports.get(name)
        return {
            "reported": {"at": report.at, "apps": list(report.apps)} if report else None,
            "warnings": [each.to_json() for each in self.warnings(name)],
        }


def offered(listed: Collection[Listed]) -> list[str]:
    """The apps that a made-up phone may have on it, those that are listed among them."""
    return [*ON_A_PHONE, *(each.name for each in listed)]


def _few(apps: object) -> list[Any]:
    if not isinstance(apps, list) or len(apps) > MOST:
        raise WrongApps(f"apps: expected a list of at most {MOST} apps")
    return apps


def _listed(each: object) -> Listed:
    if not isinstance(each, Mapping) or set(each) != {"name", "why"}:
        raise WrongApps("apps: expected name and why of each")
    why = next((reason for reason in REASONS if reason == each["why"]), None)
    if why is None:
        raise WrongApps(f"why: expected one of {', '.join(REASONS)}")
    return Listed(_name(each["name"]), why)


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
        raise WrongApps(f"name: expected a text of 1 to {LONGEST} characters")
    return name.strip()
