"""Subscribers as configs name them: in a YAML file or an SQLite database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict

from proxy.files.yaml_file import Problem, Problems, load
from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Subscriber
from proxy.policy.profile_fields import SubscriberInFile, at_home
from proxy.subscribers.directory import Directory
from proxy.subscribers.sqlite import read_database

_DATABASE = "sqlite:///"


def read_directory(location: str | None, numbering: Numbering) -> Directory:
    """Read the subscribers at a location as configs name it, none for None; raises FileErrors with all that is wrong
    with them. `numbering` reads the numbers on their lists."""
    if location is None:
        return Directory()
    path = path_of(location)
    if is_database(location):
        return read_database(path, numbering)
    return Directory(load(path, SubscribersFile, given=numbering).subscribers)


def is_database(location: str) -> bool:
    """True if subscribers lie in an SQLite database; else it is a YAML file."""
    return location.startswith(_DATABASE)


def path_of(location: str) -> Path:
    """The file that subscribers lie in."""
    return Path(location.removeprefix(_DATABASE))


def unique(subscribers: Iterable[tuple[int | str, Subscriber]]) -> None:
    """Raise Problems where two subscribers, given with their keys, share a number or a user name."""
    seen: set[str] = set()
    problems = []
    for key, subscriber in subscribers:
        for name in ("number", "user"):
            value = f"{name} {getattr(subscriber, name)}"
            if value in seen:
                problems.append(Problem((key, name), f"a {name} that no subscriber before it has"))
            elif getattr(subscriber, name):
                seen.add(value)
    if problems:
        raise Problems(problems)


def read_at_home(subscribers: Iterable[tuple[int | str, Subscriber]], numbering: Numbering) -> list[Subscriber]:
    """Subscribers, given with their keys, with lists of what their patterns stand for. Raises Problems."""
    read: list[Subscriber] = []
    problems: list[Problem] = []
    for key, subscriber in subscribers:
        try:
            read.append(at_home(subscriber, numbering))
        except Problems as wrong:
            problems += [Problem((key, *problem.where), problem.expected) for problem in wrong.problems]
    if problems:
        raise Problems(problems)
    return read


def _unique_in_list(subscribers: list[Subscriber]) -> list[Subscriber]:
    unique(enumerate(subscribers))
    return subscribers


@dataclass(frozen=True, slots=True)
class SubscribersFile:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    subscribers: Annotated[list[SubscriberInFile], AfterValidator(_unique_in_list)]
