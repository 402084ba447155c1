"""Subscribers and what they asked for, as files say it: fields that pydantic reads, checks and describes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, ValidationInfo, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from proxy.files.yaml_file import FileContext, Problem, Problems
from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import compact, read_pattern
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Treatments
from proxy.sip.value import Value

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


class _Fields:
    """Tells pydantic to read a value by the fields of a dataclass, which have its names."""

    def __init__(self, fields: type) -> None:
        self._fields = fields

    def __get_pydantic_core_schema__(self, source: type[Value], handler: GetCoreSchemaHandler) -> CoreSchema:
        def made(said: Any, validated: core_schema.ValidatorFunctionWrapHandler) -> Value:
            if isinstance(said, source):
                return said
            fields = validated(said)
            return source(*[getattr(fields, name) for name in source.__match_args__])

        schema, written = handler.generate_schema(self._fields), core_schema.plain_serializer_function_ser_schema
        return core_schema.no_info_wrap_validator_function(made, schema, serialization=written(_by_name))


def _by_name(value: Value) -> dict[str, Any]:
    """The fields of a value by name, and of the values in it likewise."""
    return {name: _by_name(said) if isinstance(said, Value) else said for name, said in value.as_dict().items()}


@dataclass(frozen=True, slots=True)
class BarringFields:
    """The barring services a subscriber turned on (3GPP TS 22.088 and 24.611; from abroad is our own addition).

    All are for calls and texts alike, but `incoming_international_texts`, which is for texts from abroad alone.
    `all_outgoing` is BAOC of the standard, `all_incoming` BAIC, `incoming_when_roaming` BIC-Roam.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", title="Barring")

    incoming_international: OnOff = False
    outgoing_international: OnOff = False
    anonymous: OnOff = False
    incoming_international_texts: OnOff = False
    all_incoming: OnOff = False
    all_outgoing: OnOff = False
    incoming_when_roaming: OnOff = False


BarringInFile = Annotated[Barring, _Fields(BarringFields)]


@dataclass(frozen=True, slots=True)
class SubscriberFields:
    """One line: `number` is E.164, `user` and `password` are for digest, `pin` for star codes. Nobody changes one.

    `allow` and `block` hold numbers, or prefixes that end in `*`, in international form or as dialled at home; once
    read from a file whose home is known, or by `at_home`, they are what these stand for. `notify`: a text tells of
    calls that were refused. `treatment` says by rule what is done about their calls, over what the config says.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", title="Subscriber")

    number: E164
    user: Annotated[str, AfterValidator(_plain)] = ""
    password: Annotated[str, AfterValidator(_plain)] = ""
    pin: Annotated[str, AfterValidator(_pin)] | None = None
    roaming: OnOff = False
    barring: BarringInFile = Field(default=BarringFields(), validate_default=True)  # noqa: RUF009  # no change reaches it
    allow: Patterns = ()
    block: Patterns = ()
    notify: OnOff = False
    treatment: Treatments = field(default_factory=dict)


SubscriberInFile = Annotated[Subscriber, _Fields(SubscriberFields)]


def at_home(subscriber: Subscriber, numbering: Numbering) -> Subscriber:
    """The subscriber with lists of what their patterns stand for; raises Problems for those that stand for nothing."""
    lists: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name, patterns in (("allow", subscriber.allow), ("block", subscriber.block)):
        try:
            lists[name] = _read(patterns, numbering)
        except Problems as wrong:
            problems += [Problem((name, *problem.where), problem.expected) for problem in wrong.problems]
    if problems:
        raise Problems(problems)
    return subscriber.but(**lists)
