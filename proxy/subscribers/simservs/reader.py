"""Simservs XML (3GPP TS 24.611) -> what a subscriber's profile holds of it.

A service that a document holds stands for all its settings, one that it does not hold stays as it is. Operators send
more than a profile holds: other services, extensions, rules that are deactivated. That is left out, and said. What
cannot be left out without an active rule's meaning something else is refused with every place where it is.

A set of rules bars a call that matches a rule with <allow>false</allow>, unless it matches one with true as well (TS
24.611 4.9.1.2): a rule that lets through what no other one bars has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import read_pattern
from proxy.policy.profile import Subscriber
from proxy.subscribers.changes import Change
from proxy.subscribers.simservs.names import CP, INCOMING, OUTGOING, PREFIXES, READ_AS, RF, SS, SettingOf
from proxy.subscribers.simservs.xml import Element, parse

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_BARRING = {"incoming-communication-barring": INCOMING, "outgoing-communication-barring": OUTGOING}
_OURS = {SS, CP, RF, None}  # namespaces in which a name of ours is meant for ours
_DEACTIVATED = (SS, "rule-deactivated")
_NUMBERS = ((CP, "identity"), (RF, "numbers"))
_URI = re.compile(r"(?P<tel>tel):[^*\s]+|sips?:[^*\s@]+@[^\s<>]+?(?P<phone>;user=phone)?(?:;[^\s<>]*)?", re.IGNORECASE)
# A setting, and others that bar nothing beyond it.
_COVERED = {"incoming_international": frozenset({"incoming_international_texts"})}
_SHOWN = 50  # errors kept


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something of a document that no profile holds, at a line and column from 1, and why it could be left out."""

    path: Path
    line: int
    column: int
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: left out {self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the services that a document holds, by the names that a change has for them."""

    barring: dict[str, bool]
    profile: dict[str, Any]
    left_out: tuple[LeftOut, ...] = ()

    def changes(self, subscriber: Subscriber) -> list[Change]:
        """The changes that give the subscriber these settings; the order within a list is of no account."""
        return [
            Change(subscriber.number, name, wanted)
            for wishes, now in ((self.barring, subscriber.barring), (self.profile, subscriber))
            for name, wanted in wishes.items()
            if _compared(wanted) != _compared(getattr(now, name))
        ]


def _compared(value: Any) -> Any:
    return frozenset(value) if isinstance(value, tuple) else value


def read(path: Path, text: bytes, numbering: Numbering, allow: Iterable[str] = ()) -> Settings:
    """The settings in the document `text`; `path` is for messages, `numbering` reads numbers as dialled at home.

    `allow` are the numbers let through so far, which stay where it does not hold incoming barring. Raises FileErrors
    with all that would mean something else if it were left out.
    """
    reader = _Reader(path, numbering, frozenset(allow))
    settings = reader.settings(parse(path, text))
    if errors := reader.errors:
        raise FileErrors(errors[:_SHOWN], len(errors) - len(errors[:_SHOWN]))
    return settings


@dataclass(slots=True)
class _Rule:
    """An active rule: `setting` is that of its condition, or it has `numbers`; `errors` say why it cannot be read."""

    element: Element
    allow: bool = False
    setting: str | None = None
    numbers: tuple[str, ...] = ()
    errors: list[FileError] = field(default_factory=list)


@dataclass(slots=True)
class _Service:
    """The barring in force of one direction; `place` is None where the document does not hold it."""

    setting_of: SettingOf
    on: set[str] = field(default_factory=set)
    lists: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})  # those allowed, those blocked
    place: Element | None = None

    def barring(self) -> dict[str, bool]:
        """Each setting of the service, and whether it is on."""
        return {setting: setting in self.on for setting in self.setting_of.values()} if self.place else {}

    def numbers(self) -> dict[str, tuple[str, ...]]:
        """Both lists of numbers, each of them once."""
        lists = {"allow": self.lists[True], "block": self.lists[False]}
        return {name: tuple(dict.fromkeys(numbers)) for name, numbers in lists.items()} if self.place else {}


class _Reader:
    """Walks through a document and notes whatever cannot be kept."""

    def __init__(self, path: Path, numbering: Numbering, allow: frozenset[str]) -> None:
        self._path = path
        self._numbering = numbering
        self._allow = allow
        self.errors: list[FileError] = []
        self._left_out: list[LeftOut] = []

    def settings(self, root: Element) -> Settings:
        incoming, outgoing = _Service(INCOMING), _Service(OUTGOING)
        profile: dict[str, Any] = {}
        if root.name != (SS, "simservs"):
            self._refuse(root, "the element simservs of 3GPP TS 24.623")
        else:
            names = [(SS, name) for name in (*_BARRING, "extensions")]
            for element in self._known(root, names, "it is another service than barring"):
                if element.name[1] == "extensions":
                    profile |= self._notice(element)
                else:
                    self._barring(element, incoming if _BARRING[element.name[1]] is INCOMING else outgoing)
        if outgoing.place:
            self._check_outgoing_lists(outgoing.place, incoming, outgoing)
        barring = incoming.barring() | outgoing.barring()
        return Settings(barring, incoming.numbers() | profile, tuple(sorted(self._left_out)))

    def _notice(self, extensions: Element) -> dict[str, bool]:
        said = {}
        for element in self._known(extensions, [(RF, "refused-call-notice")], "it is an extension of others"):
            said["notify"] = self._active(element)
            self._known(element, [], "a notice is on or off", "active")
        return said

    def _barring(self, element: Element, service: _Service) -> None:
        service.place = element
        rulesets = self._known(element, [(CP, "ruleset")], "it is no part of barring", "active")
        if not self._active(element):
            for ruleset in filter(_children, rulesets):
                self._leave_out(ruleset, "its service is not active, and a profile keeps no rules for later")
            return
        elements = [
            rule for each in rulesets for rule in self._known(each, [(CP, "rule")], "it is no rule", once=False)
        ]
        seen: set[str] = set()
        for each in elements:
            name = each.attributes.get("id", "")
            if name in seen:
                self._note(each, f'the id "{name}"', "another rule has it, and a profile keeps none")
            seen.add(name)
        self._apply([rule for each in elements if (rule := self._rule(each, service.setting_of))], service)

    def _rule(self, element: Element, setting_of: SettingOf) -> _Rule | None:
        """A rule that is active."""
        parts = [(CP, "conditions"), (CP, "actions")]
        children = self._known(element, parts, "it does not decide who is let through", "id")
        conditions = [each for each in children if each.name[1] == "conditions"]
        tests = [each for part in conditions for each in part.children]
        if deactivated := next((each for each in tests if each.name == _DEACTIVATED), None):
            self._nothing_in(deactivated)
            self._leave_out_deactivated(element, [each for each in tests if each.name != _DEACTIVATED], setting_of)
            return None
        rule = _Rule(element)
        errors, self.errors = self.errors, rule.errors  # they count if the rule has an effect
        rule.allow = self._allows(element, [each for each in children if each.name[1] == "actions"])
        for part in conditions:
            self._refuse_text(part)
        self._read_condition(rule, tests, setting_of)
        self.errors = errors
        return rule

    def _leave_out_deactivated(self, element: Element, tests: list[Element], setting_of: SettingOf) -> None:
        if len(tests) > 1 or any(test.name not in setting_of for test in tests):
            shown = " and ".join(map(_shown, tests))
            self._leave_out(element, f"it is deactivated, and a profile keeps no {shown} for later")

    def _read_condition(self, rule: _Rule, tests: list[Element], setting_of: SettingOf) -> None:
        known = [*filter(None, setting_of), *(name for name, by in READ_AS.items() if by in setting_of), *_NUMBERS]
        for test in tests:
            if test.name not in known:
                self._refuse(test, f"{_listed(known)} in <conditions>")
            elif test.name not in _NUMBERS:
                self._nothing_in(test)
        if any(test.name not in known for test in tests):
            return
        if len(tests) > 1:
            self._refuse(rule.element, "one condition in a rule at most, besides rule-deactivated")
        elif tests and tests[0].name in _NUMBERS:
            if setting_of is OUTGOING and not rule.allow:
                self._refuse(rule.element, "no numbers to bar: a profile bars all outgoing calls, or those to abroad")
            rule.numbers = tuple(self._numbers(tests[0]))
        elif not self.errors:
            name = tests[0].name if tests else None
            rule.setting = setting_of[READ_AS.get(name, name)]  # type: ignore[arg-type]
            if name in READ_AS and not rule.allow:
                self._note(tests[0], "its difference to <international>", "a profile has one setting for calls abroad")

    def _apply(self, rules: list[_Rule], service: _Service) -> None:
        """Put the rules of a service together: what one lets through is not barred by another."""
        through = {rule.setting for rule in rules if rule.allow and rule.setting}
        for setting in tuple(through):
            through |= _COVERED.get(setting, frozenset())
        if service.setting_of[None] in through:
            through |= set(service.setting_of.values())
        everybody = service.setting_of[None] in through
        for rule in rules:
            if rule.allow:
                continue
            if everybody or rule.setting in through:
                self._leave_out(rule.element, "another rule lets the same calls through, and that counts more")
            elif rule.errors:
                self.errors += rule.errors
            elif rule.setting:
                service.on.add(rule.setting)
            service.lists[False] += () if everybody else rule.numbers
        bars = not everybody and any(not rule.allow and rule.setting not in through for rule in rules)
        for rule in rules:
            if rule.allow:
                self._let_through(rule, service, bars=bars)

    def _let_through(self, rule: _Rule, service: _Service, *, bars: bool) -> None:
        if rule.numbers and not rule.errors and (bars or service.setting_of is INCOMING):
            service.lists[True] += rule.numbers
        elif rule.setting != service.setting_of[None] and not bars:
            self._leave_out(rule.element, "no rule bars what it lets through")
        elif rule.errors:
            self.errors += rule.errors
        elif bars and rule.setting:
            self._refuse(rule.element, "<allow>false</allow>: only numbers can be let through where others are barred")

    def _check_outgoing_lists(self, element: Element, incoming: _Service, outgoing: _Service) -> None:
        allowed = set(outgoing.lists[True])
        if incoming.place is None:
            if allowed and allowed != self._allow:
                expected = "no other numbers let through than before, or incoming-communication-barring with the same"
                self._refuse(element, expected)
        elif outgoing.on and allowed != set(incoming.lists[True]):
            expected = "the numbers let through that incoming-communication-barring has: a profile has one list"
            self._refuse(element, expected)

    def _allows(self, rule: Element, actions: list[Element]) -> bool:
        why = "whether a call is let through is all that a profile says"
        allowed = [allow for each in actions for allow in self._known(each, [(SS, "allow")], why)]
        if not allowed:
            self._refuse(rule, "actions with <allow>true</allow> or <allow>false</allow>")
            return False
        value = _BOOLEANS.get(allowed[0].text.strip())
        if value is None or allowed[0].children:
            self._refuse(allowed[0], "true or false")
        return bool(value)

    def _numbers(self, condition: Element) -> Iterator[str]:
        """The numbers of an identity (RFC 4745 7.1), or of a condition of our own."""
        name = (CP, "one") if condition.name[0] == CP else (RF, "number")
        self._refuse_text(condition)
        for each in condition.children:
            if each.name != name:
                self._refuse(each, f"{_listed([name])} in <{condition.name[1]}>")
                continue
            try:
                if name[0] == CP:
                    self._nothing_in(each, "id")
                    yield self._identity(each.attributes.get("id", ""))
                else:
                    yield from read_pattern(each.text, self._numbering)
            except ValueError as error:
                self._refuse(each, str(error))

    def _identity(self, uri: str) -> str:
        """The number of a tel or SIP URI; users of other domains may have digits for a name (RFC 3261 19.1.6)."""
        number = self._numbering.understand(uri)
        match = _URI.fullmatch(uri)
        is_short = number.kind in ("short_code", "emergency") and number.digits.isdecimal()
        if match and number.e164:
            return number.e164
        if match and is_short and (match["tel"] or match["phone"]):
            return number.digits
        raise ValueError('an id with a telephone number, such as "tel:+6591234567"')

    def _active(self, element: Element) -> bool:
        said = element.attributes.get("active", element.attributes.get(f"{{{SS}}}active", "true"))
        value = _BOOLEANS.get(said.strip())
        if value is None:
            self._refuse(element, 'active="true" or active="false"')
        return bool(value)

    def _known(
        self, element: Element, names: list[tuple[str, str]], why: str, attribute: str = "", *, once: bool = True
    ) -> list[Element]:
        """The children of these names. What else there is, is left out: `why` says so of other children.

        A child that only lacks the namespace is refused, and so is what comes twice: it may be meant.
        """
        for unknown in sorted(element.attributes.keys() - {attribute, f"{{{SS}}}{attribute}"}):
            self._note(element, f"the attribute {unknown} of {_shown(element)}", "a profile does not hold it")
        if text := element.text.strip():
            self._note(element, f'the text "{text[:40]}" in {_shown(element)}', "nothing is said by text here")
        kept: list[Element] = []
        for child in element.children:
            if child.name in names:
                if once and any(child.name == other.name for other in kept):
                    self._refuse(child, "it once")
                else:
                    kept.append(child)
            elif meant := next((name for name in names if name[1] == child.name[1] and child.name[0] in _OURS), None):
                self._refuse(child, f"{_listed([meant])} of namespace {meant[0]}")
            else:
                self._leave_out(child, why)
        return kept

    def _nothing_in(self, element: Element, attribute: str = "") -> None:
        """Refuse whatever stands in an element that should be empty, but for an attribute."""
        self._refuse_text(element)
        for child in element.children:
            self._refuse(child, f"nothing in <{element.name[1]}>")
        if unknown := element.attributes.keys() - {attribute}:
            self._refuse(element, f"no {', '.join(sorted(unknown))} in it")

    def _refuse_text(self, element: Element) -> None:
        if text := element.text.strip():
            found = f'text "{text[:40]}" in {_shown(element)}'
            self.errors.append(FileError(self._path, element.line, element.column, found, "no text"))

    def _refuse(self, element: Element, expected: str) -> None:
        self.errors.append(FileError(self._path, element.line, element.column, _shown(element), expected))

    def _leave_out(self, element: Element, why: str) -> None:
        name = element.attributes.get("id") if element.name == (CP, "rule") else None
        self._note(element, f'rule "{name}"' if name else _shown(element), why)

    def _note(self, element: Element, what: str, why: str) -> None:
        self._left_out.append(LeftOut(self._path, element.line, element.column, what, why))


def _children(element: Element) -> list[Element]:
    return element.children


def _shown(element: Element) -> str:
    space, name = element.name
    shown = f"<{PREFIXES.get(space or '', '')}{name}>"
    return shown if space in PREFIXES else f"{shown} of {f'namespace {space}' if space else 'no namespace'}"


def _listed(names: Iterable[tuple[str, str]]) -> str:
    return " or ".join(f"<{PREFIXES[space]}{name}>" for space, name in names)
