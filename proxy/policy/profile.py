"""A subscriber and what they asked for: who may ring them, whom they may call.

Frozen values, validated where they enter (YAML, SQLite, a scenario), so that everything behind trusts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, ValidationInfo, WithJsonSchema

from proxy.files.yaml_file import FileContext, Problem, Problems
from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import compact, read_pattern
from proxy.policy.treatments import Treatments

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_PIN = re.compile(r"[0-9]{4,8}")
_SECRET = re.compile(r"[^\x00-\x1f\x7f]*")

_ON_OFF = ("on", "off", "yes", "no", "true", "false", True, False)


def e164(text: str) -> str:
    """Check one number in E.164 form: `+`, country code, subscriber number, at most 15 digits."""
    if not _E164.fullmatch(text):
        raise ValueError('an E.164 number: "+", the country code, digits only, such as "+8613800138001"')
    return text


def _read(patterns: tuple[str, ...], numbering: Numbering | None) -> tuple[str, ...]:
    """The meaning of a list's patterns, each once; without a home, the patterns as they are written.

    Raises Problems for those that stand for nothing.
    """
    found: dict[str, None] = {}
    problems = []
    for index, pattern in enumerate(patterns):
        try:
            found |= dict.fromkeys(read_pattern(pattern, numbering) if numbering else (compact(pattern),))
        except ValueError as error:
            problems.append(Problem((index,), str(error)))
    if problems:
        raise Problems(problems)
    return tuple(found)


def _patterns(patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Read them where whoever reads the file knows its home."""
    given = FileContext.of(info).given
    return _read(patterns, given if isinstance(given, Numbering) else None) if patterns else ()


def _pin(text: str) -> str:
    if not _PIN.fullmatch(text):
        raise ValueError("a PIN of 4 to 8 digits")
    return text


def _plain(text: str) -> str:
    if not _SECRET.fullmatch(text):
        raise ValueError("text without control characters")
    return text


E164 = Annotated[str, AfterValidator(e164)]
Patterns = Annotated[tuple[str, ...], AfterValidator(_patterns)]
OnOff = Annotated[bool, WithJsonSchema({"enum": list(_ON_OFF)})]


@dataclass(frozen=True, slots=True)
class Barring:
    """The barring services a subscriber turned on (3GPP TS 22.088 and 24.611; from abroad is our own addition).

    All are for calls and texts alike, but `incoming_international_texts`, which is for texts from abroad alone.
    `all_outgoing` is BAOC of the standard, `all_incoming` BAIC, `incoming_when_roaming` BIC-Roam.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    incoming_international: OnOff = False
    outgoing_international: OnOff = False
    anonymous: OnOff = False
    incoming_international_texts: OnOff = False
    all_incoming: OnOff = False
    all_outgoing: OnOff = False
    incoming_when_roaming: OnOff = False


@dataclass(slots=True, unsafe_hash=True)  # one is made for each call, and frozen it would take three times as long
class Subscriber:
    """One line: `number` is E.164, `user` and `password` are for digest, `pin` for star codes. Nobody changes one.

    `allow` and `block` hold numbers, or prefixes that end in `*`, in international form or as dialled at home; once
    read from a file whose home is known, or by `at_home`, they are what these stand for. `notify`: a text tells of
    calls that were refused. `treatment` says by rule what is done about their calls, over what the config says.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    number: E164
    user: Annotated[str, AfterValidator(_plain)] = ""
    password: Annotated[str, AfterValidator(_plain)] = ""
    pin: Annotated[str, AfterValidator(_pin)] | None = None
    roaming: OnOff = False
    barring: Barring = Barring()
    allow: Patterns = ()
    block: Patterns = ()
    notify: OnOff = False
    treatment: Treatments = field(default_factory=dict, hash=False)


def at_home(subscriber: Subscriber, numbering: Numbering) -> Subscriber:
    """The subscriber with lists of what their patterns stand for; raises Problems for those that stand for nothing."""
    lists: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name in ("allow", "block"):
        try:
            lists[name] = _read(getattr(subscriber, name), numbering)
        except Problems as wrong:
            problems += [Problem((name, *problem.where), problem.expected) for problem in wrong.problems]
    if problems:
        raise Problems(problems)
    return replace(subscriber, allow=lists["allow"], block=lists["block"])
