"""The switches: what subscribers chose and how each rule is run, read from the proxy's files and changed in them.

A change is made as an operator makes it, in the store of subscribers' own changes or in the config, and the proxy reads
its files again: the next call is judged by it. What a subscriber changes by text or star code the proxy keeps itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from proxy.config.models import load_config
from proxy.counterfactual import Reconsidering
from proxy.files.yaml_file import Problems
from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import read_pattern
from proxy.policy.precedence import SETTABLE
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import written
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change
from simulator.errors import LabError
from simulator.lab.proxy_process import ProxyProcess
from simulator.stage.events import Rule, Settings
from simulator.stage.hub import Hub
from simulator.yaml_text import as_yaml, from_yaml

MODES = ("enforce", "shadow", "off")
_LISTS = ("allow", "block")
_MOST_LISTED = 100
_EDITS = {"add", "drop"}  # of a list
_OWN = {"barring", "notify", *_LISTS}  # what the store of changes holds
_OPERATORS = {"roaming"}  # what only the file of subscribers holds


class Unchangeable(ValueError):
    """A setting cannot be changed so; says what is wrong."""


class Switches:
    """Reads and changes the files of the proxy in `folder`. `names` are the subscribers' numbers by name.
    `reconsidering` decides again over calls by the files as they were read last.
    """

    reconsidering: Reconsidering | None = None

    def __init__(self, folder: Path, proxy: ProxyProcess, names: Mapping[str, str], hub: Hub) -> None:
        self._config = folder / "proxy.yaml"
        self._people = folder / "subscribers.yaml"
        self._proxy = proxy
        self._names = dict(names)
        self._hub = hub
        self._one_at_a_time = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def read(self) -> None:
        """Read the files, beside all else, and tell of each subscriber whose settings are not those that pages know."""
        async with self._reading:
            found, self.reconsidering = await asyncio.to_thread(self._read)
        known = {each["name"]: each["settings"] for each in self._hub.state.subscribers}
        for name, settings in found.items():
            if name in known and known[name] != settings:
                self._hub.publish(Settings(time.time(), name, settings))

    def _read(self) -> tuple[dict[str, dict[str, Any]], Reconsidering]:
        reconsidering = Reconsidering(load_config(self._config))
        people = {name: reconsidering.snapshot.subscribers.find(number) for name, number in self._names.items()}
        return {name: settings_of(each) for name, each in people.items() if each is not None}, reconsidering

    async def change(self, name: str, settings: Mapping[str, Any]) -> None:
        """Give a subscriber these settings; those that are not named stay. Raises Unchangeable."""
        number = self._names.get(name)
        if number is None:
            raise Unchangeable(f"found no subscriber {name[:50]!r}, expected one of {', '.join(self._names)}")
        if unknown := set(settings) - _OWN - _OPERATORS:
            raise Unchangeable(
                f"found {', '.join(sorted(unknown))[:80]}, expected {', '.join(sorted(_OWN | _OPERATORS))}"
            )
        async with self._one_at_a_time:
            edited = any(isinstance(settings.get(each), dict) for each in _LISTS)
            listed = await self._listed(number) if edited else {}
            changes = list(_changes(number, settings, await asyncio.to_thread(self._numbering), listed))
            before = self._people.read_text(encoding="utf-8")
            try:
                await asyncio.to_thread(self._save, number, changes, settings)
                await self._proxy.reload()
            except (LabError, sqlite3.Error, OSError) as error:
                _write(self._people, before)
                raise Unchangeable(str(error)) from error
            await self.read()

    async def _listed(self, number: str) -> dict[str, tuple[str, ...]]:
        """The numbers on a subscriber's lists by now."""
        await self.read()
        assert self.reconsidering is not None  # noqa: S101 - it has read
        one = self.reconsidering.snapshot.subscribers.find(number)
        return {each: getattr(one, each, ()) for each in _LISTS}

    def _numbering(self) -> Numbering:
        return load_config(self._config).numbering()

    def _save(self, number: str, changes: Iterable[Change], settings: Mapping[str, Any]) -> None:
        changes = list(changes)
        if changes:
            ChangeStore(str(self._people)).save(changes)
        if _OPERATORS & set(settings):
            document = from_yaml(self._people.read_text(encoding="utf-8"))
            for each in document["subscribers"]:
                if each["number"] == number:
                    each["roaming"] = settings["roaming"]
            _write(self._people, as_yaml(document))

    async def set_mode(self, rule: str, mode: str) -> None:
        """Enforce a rule, run it in shadow mode, or turn it off. Raises Unchangeable."""
        if rule not in SETTABLE:
            raise Unchangeable(f"{rule[:50]}: expected a rule that can be turned off")
        if mode not in MODES:
            raise Unchangeable(f"found {mode[:50]!r}, expected {', '.join(MODES)}")
        async with self._one_at_a_time:
            before = self._config.read_text(encoding="utf-8")
            document = from_yaml(before)
            document["rules"] = {**document.get("rules", {}), rule: mode}
            _write(self._config, as_yaml(document))
            try:
                await self._proxy.reload()
            except LabError as error:
                _write(self._config, before)
                raise Unchangeable(str(error)) from error
            await self.read()
        known = next(each for each in self._hub.state.rules if each["name"] == rule)
        self._hub.publish(Rule(time.time(), rule, mode, known["enforced"], known["shadowed"]))


def settings_of(subscriber: Subscriber) -> dict[str, Any]:
    """The choices of a subscriber, as the page shows them."""
    return {
        "barring": subscriber.barring.as_dict(),
        "allow": list(subscriber.allow),
        "block": list(subscriber.block),
        "notify": subscriber.notify,
        "roaming": subscriber.roaming,
        "treatment": written(subscriber.treatment),
    }


def _changes(
    number: str, settings: Mapping[str, Any], numbering: Numbering, listed: Mapping[str, tuple[str, ...]]
) -> Iterable[Change]:
    """The changes of fields that the store holds; lists are added to and dropped from as they are `listed`. Raises
    Unchangeable."""
    barring = settings.get("barring", {})
    if not isinstance(barring, dict) or set(barring) - set(Barring.__match_args__):
        raise Unchangeable(f"barring: expected some of {', '.join(Barring.__match_args__)}")
    switches = {**barring, **{name: settings[name] for name in ("notify", "roaming") if name in settings}}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise Unchangeable(f"{name}: expected true or false")
        if name not in _OPERATORS:
            yield Change(number, name, value)
    for name in _LISTS:
        if isinstance(value := settings.get(name), dict):
            yield Change(number, name, _edited(name, listed[name], value, numbering))
        elif name in settings:
            yield Change(number, name, _patterns(name, value, numbering))


def _edited(name: str, listed: tuple[str, ...], edit: Mapping[str, Any], numbering: Numbering) -> tuple[str, ...]:
    """A list with what is to be added, without what is to be dropped. What stands in it may be anything; it is dropped
    as it is shown, or by another way to dial it. Raises Unchangeable."""
    if unknown := set(edit) - _EDITS:
        raise Unchangeable(f"{name}: found {', '.join(sorted(unknown))[:80]}, expected {', '.join(sorted(_EDITS))}")
    drop = edit.get("drop", [])
    shown = set(listed).intersection(each for each in drop if isinstance(each, str)) if isinstance(drop, list) else ()
    other = [each for each in drop if each not in shown] if shown else drop
    dropped = {*shown, *_patterns(name, other, numbering)}
    kept = [each for each in listed if each not in dropped]
    found = tuple(dict.fromkeys([*kept, *_patterns(name, edit.get("add", []), numbering)]))
    if len(found) > max(_MOST_LISTED, len(listed)):
        raise Unchangeable(f"{name}: expected a list of at most {_MOST_LISTED} numbers")
    return found


def _patterns(name: str, value: Any, numbering: Numbering) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_LISTED or not all(isinstance(each, str) for each in value):
        raise Unchangeable(f"{name}: expected a list of at most {_MOST_LISTED} numbers")
    found: dict[str, None] = {}
    for each in value:
        try:
            found |= dict.fromkeys(read_pattern(each[:50], numbering))
        except (ValueError, Problems) as error:
            raise Unchangeable(f"{name}: {error}") from None
    return tuple(found)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
