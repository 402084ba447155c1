"""A subscriber's own settings as simservs XML (3GPP TS 24.611), the document that phones and operators exchange.

What stands in `ss` and `cp` is 3GPP's and RFC 4745's. They know no condition for calls from abroad (`international`
tests what was dialled), for prefixes, and for notices: those are in a namespace of our own. A service that a document
holds stands for all its settings, one that it does not hold stays as it is. What says more, or something else, than a
profile can hold is refused with every place where it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import read_pattern
from proxy.subscribers.changes import Change
from proxy.subscribers.profile import Barring, Subscriber
from proxy.subscribers.simservs_xml import Element, parse
from proxy.yaml_file import FileError, FileErrors

SS = "http://uri.etsi.org/ngn/params/xml/simservs/xcap"
CP = "urn:ietf:params:xml:ns:common-policy"
RF = "https://ringfence.example/ns/simservs"

Switches = dict[tuple[str, str] | None, str]

_PREFIXES = {SS: "", CP: "cp:", RF: "rf:"}
_URI = re.compile(r"tel:(\+[1-9][0-9().\-]{1,24})|sips?:(\+[1-9][0-9]{1,14})@[^\s<>]+;user=phone", re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", "-.()")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
# Which setting a condition with <allow>false</allow> stands for; None: a rule without one, which every call matches.
_INCOMING: Switches = {
    None: "all_incoming",
    (SS, "roaming"): "incoming_when_roaming",
    (SS, "anonymous"): "anonymous",
    (RF, "from-abroad"): "incoming_international",
    (RF, "texts-from-abroad"): "incoming_international_texts",
}
_OUTGOING: Switches = {None: "all_outgoing", (SS, "international"): "outgoing_international"}
_ATTRIBUTES: dict[tuple[str | None, str], str] = {
    (SS, "incoming-communication-barring"): "active",
    (SS, "outgoing-communication-barring"): "active",
    (RF, "refused-call-notice"): "active",
    (CP, "rule"): "id",
    (CP, "one"): "id",
}
_SHOWN = 50  # errors kept


@dataclass(frozen=True, slots=True)
class Settings:
    """What a document says: by the names that a change has for them, all settings of the services that it holds."""

    barring: dict[str, bool]
    profile: dict[str, Any]

    def changes(self, subscriber: Subscriber) -> list[Change]:
        """What has to change for the subscriber to have these settings; the order within a list is of no account."""
        return [
            Change(subscriber.number, name, wanted)
            for wishes, now in ((self.barring, subscriber.barring), (self.profile, subscriber))
            for name, wanted in wishes.items()
            if _compared(wanted) != _compared(getattr(now, name))
        ]


def _compared(value: Any) -> Any:
    return frozenset(value) if isinstance(value, tuple) else value


def document(subscriber: Subscriber) -> str:
    """The settings of a subscriber as a document; numbers and passwords of their own are not in it."""
    incoming = [
        *_list_rules("allow", subscriber.allow, allow=True),
        *_list_rules("block", subscriber.block, allow=False),
        *_switch_rules(_INCOMING, subscriber.barring),
    ]
    bars_outgoing = any(getattr(subscriber.barring, setting) for setting in _OUTGOING.values())
    outgoing = [
        *(_list_rules("allow", subscriber.allow, allow=True) if bars_outgoing else ()),
        *_switch_rules(_OUTGOING, subscriber.barring),
    ]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<simservs xmlns="{SS}" xmlns:cp="{CP}" xmlns:rf="{RF}">',
            *_barring("incoming", incoming),
            *_barring("outgoing", outgoing),
            "  <extensions>",
            f'    <rf:refused-call-notice active="{_boolean(subscriber.notify)}"/>',
            "  </extensions>",
            "</simservs>",
            "",
        ]
    )


def read(path: Path, text: bytes, numbering: Numbering, allow: Iterable[str] = ()) -> Settings:
    """What the document `text` says; `path` is for messages, `numbering` reads numbers as dialled at home.

    `allow` are the numbers let through so far, which stay where it does not hold incoming barring. Raises FileErrors
    with all that a profile cannot hold.
    """
    reader = _Reader(path, numbering, frozenset(allow))
    settings = reader.settings(parse(path, text))
    if reader.errors:
        raise FileErrors(reader.errors[:_SHOWN], len(reader.errors) - len(reader.errors[:_SHOWN]))
    return settings


def _barring(direction: str, rules: list[str]) -> Iterator[str]:
    yield f'  <{direction}-communication-barring active="true">'
    yield "    <cp:ruleset>"
    yield from rules
    yield "    </cp:ruleset>"
    yield f"  </{direction}-communication-barring>"


def _list_rules(name: str, patterns: tuple[str, ...], *, allow: bool) -> Iterator[str]:
    """Whole numbers go by identity, all else by our own condition; conditions of one rule would all have to hold."""
    numbers = [pattern for pattern in patterns if _E164.fullmatch(pattern)]
    others = [pattern for pattern in patterns if not _E164.fullmatch(pattern)]
    if numbers:
        ones = "".join(f"<cp:one id={quoteattr(f'tel:{number}')}/>" for number in numbers)
        yield _rule(name, f"<cp:identity>{ones}</cp:identity>", allow=allow)
    if others:
        ones = "".join(f"<rf:number>{escape(pattern)}</rf:number>" for pattern in others)
        yield _rule(f"{name}-patterns", f"<rf:numbers>{ones}</rf:numbers>", allow=allow)


def _switch_rules(switches: Switches, barring: Barring) -> Iterator[str]:
    """All of them, deactivated where they are off, so that a reader sees what there is."""
    for condition, setting in switches.items():
        deactivated = "" if getattr(barring, setting) else "<rule-deactivated/>"
        test = f"<{_PREFIXES[condition[0]]}{condition[1]}/>" if condition else ""
        yield _rule(setting.replace("_", "-"), f"{deactivated}{test}", allow=False)


def _rule(name: str, conditions: str, *, allow: bool) -> str:
    return (
        f'      <cp:rule id="{name}">\n'
        f"        <cp:conditions>{conditions}</cp:conditions>\n"
        f"        <cp:actions><allow>{_boolean(allow)}</allow></cp:actions>\n"
        "      </cp:rule>"
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"


class _Rules:
    """What the rules of one direction say."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.on: set[str] = set()
        self.lists: dict[bool, list[str]] = {True: [], False: []}  # those allowed, those blocked
        self.active = False  # whether any rule is
        self.place: Element | None = None  # None where the document does not hold the service

    def barring(self) -> dict[str, bool]:
        """Each setting of the service, and whether it is on."""
        return {setting: setting in self.on for setting in self.switches.values()} if self.place else {}

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

    def settings(self, root: Element) -> Settings:
        incoming, outgoing = _Rules(_INCOMING), _Rules(_OUTGOING)
        profile: dict[str, Any] = {}
        if root.name != (SS, "simservs"):
            self._refuse(root, "the element simservs of 3GPP TS 24.623")
        else:
            parts = ("incoming-communication-barring", "outgoing-communication-barring", "extensions")
            for element in self._children(root, [(SS, part) for part in parts], once=True):
                if element.name[1] == "extensions":
                    profile |= self._notify(element)
                else:
                    self._barring(element, incoming if element.name[1] == parts[0] else outgoing)
        if outgoing.place:
            self._check_outgoing_lists(outgoing.place, incoming, outgoing)
        return Settings(incoming.barring() | outgoing.barring(), incoming.numbers() | profile)

    def _notify(self, extensions: Element) -> dict[str, bool]:
        said = {}
        for element in self._children(extensions, [(RF, "refused-call-notice")], once=True):
            said["notify"] = self._active(element)
            self._children(element, [])
        return said

    def _barring(self, element: Element, rules: _Rules) -> None:
        rules.place = element
        active = self._active(element)
        for ruleset in self._children(element, [(CP, "ruleset")], once=True):
            seen: set[str] = set()
            for rule in self._children(ruleset, [(CP, "rule")]):
                name = rule.attributes.get("id")
                if not name or name in seen:
                    self._refuse(rule, "an id that no other rule of the set has")
                seen.add(name or "")
                self._rule(rule, rules)
        if not active and rules.active:
            self._refuse(
                element, "rule-deactivated in each rule: a profile keeps none for a service that is not active"
            )

    def _rule(self, rule: Element, rules: _Rules) -> None:
        parts = self._children(rule, [(CP, "conditions"), (CP, "actions")], once=True)
        allow = self._allows(rule, [part for part in parts if part.name[1] == "actions"])
        conditions = [
            condition
            for part in parts
            if part.name[1] == "conditions"
            for condition in self._children(
                part, [(SS, "rule-deactivated"), *filter(None, rules.switches), (CP, "identity"), (RF, "numbers")]
            )
        ]
        tests = [condition for condition in conditions if condition.name != (SS, "rule-deactivated")]
        deactivated = len(tests) < len(conditions)
        if len(tests) > 1 or allow is None:
            if allow is not None:
                self._refuse(rule, "one condition in a rule at most, besides rule-deactivated")
            return
        rules.active |= not deactivated
        names = [(test.name[0] or "", test.name[1]) for test in tests]
        if setting := rules.switches.get(names[0] if names else None):
            for test in tests:
                self._children(test, [])
            if allow:
                self._refuse(rule, "<allow>false</allow>: only numbers can be let through by a rule")
            elif not deactivated:
                rules.on.add(setting)
        elif deactivated:
            self._refuse(rule, "a rule that is active: a profile keeps no numbers for later")
        elif rules.switches is _OUTGOING and not allow:
            self._refuse(rule, "no numbers to bar: a profile bars all outgoing calls, or those to abroad")
        else:
            numbers = self._identities if tests[0].name[0] == CP else self._patterns
            rules.lists[allow] += numbers(tests[0])

    def _check_outgoing_lists(self, element: Element, incoming: _Rules, outgoing: _Rules) -> None:
        allowed = set(outgoing.lists[True])
        if incoming.place is None:
            if allowed and allowed != self._allow:
                expected = "no other numbers let through than before, or incoming-communication-barring with the same"
                self._refuse(element, expected)
        elif (allowed or outgoing.on) and allowed != set(incoming.lists[True]):
            expected = (
                "the numbers let through that incoming-communication-barring, before it, has: a profile has one list"
            )
            self._refuse(element, expected)

    def _allows(self, rule: Element, actions: list[Element]) -> bool | None:
        allowed = [allow for each in actions for allow in self._children(each, [(SS, "allow")], once=True)]
        if not allowed:
            self._refuse(rule, "actions with <allow>true</allow> or <allow>false</allow>")
            return None
        self._children(allowed[0], [], text=True)
        value = _BOOLEANS.get(allowed[0].text.strip())
        if value is None:
            self._refuse(allowed[0], "true or false")
        return value

    def _identities(self, identity: Element) -> Iterator[str]:
        for one in self._children(identity, [(CP, "one")]):
            self._children(one, [])
            match = _URI.fullmatch(one.attributes.get("id", ""))
            number = (match[1] or match[2]).translate(_SEPARATORS) if match else ""
            if _E164.fullmatch(number):
                yield number
            else:
                self._refuse(one, 'an id such as "tel:+6591234567"')

    def _patterns(self, numbers: Element) -> Iterator[str]:
        for number in self._children(numbers, [(RF, "number")]):
            self._children(number, [], text=True)
            try:
                yield from read_pattern(number.text, self._numbering)
            except ValueError as error:
                self._refuse(number, str(error))

    def _active(self, element: Element) -> bool:
        value = _BOOLEANS.get(element.attributes.get("active", "true"))
        if value is None:
            self._refuse(element, 'active="true" or active="false"')
        return bool(value)

    def _children(
        self, element: Element, known: Iterable[tuple[str, str]], *, once: bool = False, text: bool = False
    ) -> list[Element]:
        """The children of these names. Others are refused, and so is text where none belongs, and what comes twice."""
        if unknown := element.attributes.keys() - {_ATTRIBUTES.get(element.name)}:
            self._refuse(element, f"no {', '.join(sorted(unknown))} in it")
        names = list(known)
        shown = [f"<{_PREFIXES[space]}{name}>" for space, name in names]
        expected = " or ".join(shown) or "nothing"
        kept: list[Element] = []
        for child in element.children:
            if child.name not in names:
                self._refuse(child, f"{expected} in <{element.name[1]}>")
            elif once and any(child.name == other.name for other in kept):
                self._refuse(child, "it once")
            else:
                kept.append(child)
        if not text and element.text.strip():
            self.errors.append(
                self._error(element, f'text "{element.text.strip()[:40]}" in <{element.name[1]}>', expected)
            )
        return kept

    def _refuse(self, element: Element, expected: str) -> None:
        space, name = element.name
        shown = f"<{_PREFIXES.get(space or '', '')}{name}>" + ("" if space in _PREFIXES else f" of namespace {space}")
        self.errors.append(self._error(element, shown, expected))

    def _error(self, element: Element, found: str, expected: str) -> FileError:
        return FileError(self._path, element.line, element.column, found, expected)
