"""The lesson file: what a trainer says and does on the stage, step by step, and what must be seen then.

YAML -> frozen models, in English and Simplified Chinese; all errors of a file are told at once. A lesson is played on
the stage that a scenario describes, and what it names must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from proxy.config.fields import ExistingFile, some
from proxy.files.yaml_file import FileContext, FileError, FileErrors, Problem, Problems, did_you_mean, load
from proxy.policy.precedence import SETTABLE, Action
from proxy.policy.profile_fields import E164, OnOff
from proxy.policy.verdict import Mode
from proxy.subscribers.changes import BARRINGS
from simulator.scenario.calls import TRUNKS, TrunkName
from simulator.scenario.fields import Duration, Model, Name, RuleName
from simulator.scenario.file_kinds import FileKind, files_in, kind_by, named_twice, once
from simulator.scenario.headers import is_presentable, one_line
from simulator.scenario.model import Scenario, load_scenarios

LANGUAGES = ("en", "zh")
Kind = Literal["call", "text", "set", "allow", "rule", "apps"]

_DIALLED = re.compile(r"[+*#0-9][*#0-9]*")
_Said = Annotated[str, Field(min_length=1, max_length=600)]
SETTINGS = (*sorted(BARRINGS), "notify")  # that subscribers switch on and off
_Numbers = Annotated[tuple[E164, ...], Field(min_length=1)]
_Pattern = Annotated[str, Field(min_length=1)]
_AppName = Annotated[str, Field(min_length=1, max_length=60)]


def _setting(name: str) -> str:
    if name not in SETTINGS:
        raise ValueError(f"a setting: {did_you_mean(name, SETTINGS)}")
    return name


_Settings = Annotated[dict[Annotated[str, AfterValidator(_setting)], OnOff], Field(min_length=1)]


class Words(Model):
    """The same thing said in English (`en`) and in Simplified Chinese (`zh`)."""

    en: _Said
    zh: _Said


class _Request(Model):
    """The part that calls and texts have in common. `from` and `to` are subscribers or numbers; on the trunk `phones`
    `from` is a subscriber, who does it at their own phone. `family` is the kind of call that the score counts it under.
    """

    from_: Annotated[str, Field(alias="from")]
    to: str
    trunk: TrunkName
    display_name: Annotated[str, AfterValidator(one_line)] = ""
    truth: Literal["scam", "legit", "attack"]
    family: Name = "lesson"

    @property
    def by(self) -> str:
        """The subscriber who does it at their own phone; "" where it comes from outside."""
        return self.from_ if TRUNKS[self.trunk] == "access" else ""


class PlacedCall(_Request):
    """A call to place. With `ring` it is a missed call, which the caller gives up after that time; `diversion` is the
    subscriber who forwards it (RFC 5806)."""

    method: Literal["INVITE"] = Field(default="INVITE", exclude=True)
    ring: Duration | None = None
    diversion: str | None = None


class SentText(_Request):
    """A text to send, with the words `body`."""

    method: Literal["MESSAGE"] = Field(default="MESSAGE", exclude=True)
    body: Annotated[str, Field(min_length=1)]


class Switched(Model):
    """Settings of a subscriber to switch on or off."""

    subscriber: str
    settings: _Settings


class Allowed(Model):
    """The caller who was refused last, whom the subscriber puts on their allow list with one tap on the notice."""

    subscriber: str


class RuleSet(Model):
    """A rule's mode to set."""

    name: str
    mode: Mode


class ReportedApps(Model):
    """The made-up apps on a subscriber's phone, which it reports; or, with `reports: off`, nothing any more."""

    subscriber: str
    installed: Annotated[tuple[_AppName, ...], Field(max_length=50)] = ()
    reports: OnOff = True


class Deed(Model):
    """The one thing to do on the stage in a step."""

    call: PlacedCall | None = None
    text: SentText | None = None
    set_: Annotated[Switched | None, Field(alias="set")] = None
    allow: Allowed | None = None
    rule: RuleSet | None = None
    apps: ReportedApps | None = None

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def _is_one(self) -> Deed:
        if len(self.model_fields_set) != 1:
            raise ValueError("one thing to do: call, text, set, allow, rule or apps")
        return self

    @property
    def kind(self) -> Kind:
        """The sort of deed."""
        kinds: tuple[Kind, ...] = ("call", "text", "allow", "rule", "apps")
        return next((kind for kind in kinds if getattr(self, kind) is not None), "set")

    @property
    def request(self) -> PlacedCall | SentText | None:
        """The call or text, where it is one."""
        return self.call or self.text

    @property
    def subscriber(self) -> str:
        """The subscriber whose own settings it may change; "" for none."""
        if self.request is not None:
            return self.request.by
        if self.set_ is not None:
            return self.set_.subscriber
        other = self.allow or self.apps
        return other.subscriber if other is not None else ""


class See(Model):
    """The things that must be seen once it is done.

    Of a call or text: the verdict's `action` and `rule`, the `status` that the caller got, the callee's `phone`, which
    `rings`, `receives` the text or stays `silent`, and the `label` that it shows (* stands for anything).
    Of an order to self-service: the `reply` that the subscriber's phone gets. Of the subscriber who does something: the
    `settings` afterwards, numbers that are then on their `allow` or `block` list, and the apps on their phone that they
    are `warned` of.
    """

    action: Action | None = None
    rule: RuleName | None = None
    status: Annotated[int, Field(ge=200, le=699)] | None = None
    phone: Literal["rings", "receives", "silent"] | None = None
    label: _Pattern | None = None
    reply: _Pattern | None = None
    settings: _Settings | None = None
    allow: _Numbers | None = None
    block: _Numbers | None = None
    warned: tuple[_AppName, ...] | None = None

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _says_something(self) -> See:
        if not self.said:
            raise ValueError("something to be seen, such as {phone: silent}, or no see")
        return self

    @property
    def said(self) -> frozenset[str]:
        """The keys that say something."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name) is not None)


# What can be seen of the deeds of each kind.
_OF_REQUESTS = frozenset(("action", "rule", "status", "phone", "label"))
_OF_ORDERS = frozenset(("reply", "settings", "allow", "block"))
_SEEN: Mapping[Kind, frozenset[str]] = {
    "call": _OF_REQUESTS | _OF_ORDERS,
    "text": _OF_REQUESTS | _OF_ORDERS,
    "set": frozenset(("settings",)),
    "allow": frozenset(("settings", "allow")),
    "rule": frozenset(),
    "apps": frozenset(("warned",)),
}


class Step(Model):
    """One step: its title, what to `say` before, the thing to `do`, what must be seen (`see`), what to say `then`.

    A step with nothing to do is only said. Settings and rules that are set are checked without a word.
    """

    step: Words
    say: Words
    do: Deed | None = None
    see: See | None = None
    then: Words | None = None

    @model_validator(mode="after")
    def _fits(self) -> Step:
        if self.do is None:
            if self.see is not None:
                raise Problems([Problem(("see", "[key]"), "something to do beside it")])
            return self
        kind, said = self.do.kind, self.see.said if self.see else frozenset()
        if kind in ("call", "text", "allow") and not said:
            raise Problems([Problem(("do",), "see: {...} beside it, for what must be seen then")])
        can = _SEEN[kind] if self.do.subscriber else _SEEN[kind] - _OF_ORDERS
        wrong = [name for name in type(self.see).model_fields if name in said - can] if self.see else []
        problems = [Problem(("see", name), f"nothing here: of this {kind} it cannot be seen") for name in wrong]
        if self.see is not None and self.see.phone in {"call": ("receives",), "text": ("rings",)}.get(kind, ()):
            problems.append(Problem(("see", "phone"), f"{'rings' if kind == 'call' else 'receives'} or silent"))
        if problems:
            raise Problems(problems)
        return self


class Profile(Model):
    """A subscriber's settings as the lesson begins; what is not said is as the stage's scenario has it."""

    settings: _Settings | None = None
    allow: tuple[E164, ...] | None = None
    block: tuple[E164, ...] | None = None


class Lesson(Model):
    """A lesson file. `stage` is the scenario that the lab stands with, relative to this file; `about` says what people
    will know afterwards, `remember` is what they take home, on the hand-out; `minutes` is how long it takes. `begins`
    has settings of subscribers at first, by name."""

    name: Annotated[Name, Field(alias="lesson")]
    stage: ExistingFile
    title: Words
    about: Words
    remember: Words
    minutes: Annotated[int, Field(ge=1, le=180)] = 10
    begins: dict[Name, Profile] = Field(default={})
    steps: Annotated[tuple[Step, ...], AfterValidator(some)]

    _scenario: Scenario = PrivateAttr()

    @property
    def scenario(self) -> Scenario:
        """The stage's scenario."""
        return self._scenario

    @model_validator(mode="after")
    def _fits_the_stage(self, info: ValidationInfo) -> Lesson:
        try:
            self._scenario = _stage(self.stage, FileContext.of(info).given)
            problems = list(_misfits(self))
        except FileErrors as wrong:
            raise Problems([Problem(("stage",), f"a scenario without mistakes: {wrong.errors[0]}")]) from None
        if problems:
            raise Problems(problems)
        return self


def _stage(file: Path, read: dict[Path, Scenario] | None) -> Scenario:
    """The scenario in a file, where it was not `read` before. Raises FileErrors."""
    known = {} if read is None else read
    if (key := file.resolve()) not in known:
        ((known[key], _),) = load_scenarios([file])
    return known[key]


def _misfits(lesson: Lesson) -> Iterator[Problem]:
    """The names in a lesson that nobody on its stage has."""
    scenario = lesson.scenario
    people = scenario.subscribers
    for name in lesson.begins:
        if name not in people:
            yield Problem(("begins", name, "[key]"), f"a subscriber: {did_you_mean(name, people)}")
    for index, step in enumerate(lesson.steps):
        if step.do is None:
            continue
        for problem in _misfits_of(step.do, scenario):
            yield Problem(("steps", index, "do", *problem.where), problem.expected)


def _misfits_of(deed: Deed, scenario: Scenario) -> Iterator[Problem]:
    people = scenario.subscribers
    if (request := deed.request) is not None:
        kind = deed.kind
        if request.by and request.from_ not in people:
            yield Problem((kind, "from"), f"a subscriber: {did_you_mean(request.from_, people)}")
        elif not request.by and request.from_ not in people and not is_presentable(request.from_):
            yield Problem((kind, "from"), "a number, a subscriber, anonymous, or a URI")
        if request.to not in people and not _DIALLED.fullmatch(request.to):
            known = did_you_mean(request.to, people)
            yield Problem((kind, "to"), f"a number to dial, or a subscriber: {known}")
        if deed.call is not None and deed.call.diversion is not None and deed.call.diversion not in people:
            yield Problem((kind, "diversion"), f"a subscriber: {did_you_mean(deed.call.diversion, people)}")
    elif deed.rule is not None:
        if deed.rule.name not in SETTABLE:
            yield Problem(("rule", "name"), f"a rule: {did_you_mean(deed.rule.name, SETTABLE)}")
    elif deed.subscriber not in people:
        yield Problem((deed.kind, "subscriber"), f"a subscriber: {did_you_mean(deed.subscriber, people)}")


def load_lesson(path: Path, stages: dict[Path, Scenario] | None = None) -> Lesson:
    """Read a lesson file; raises FileErrors with all that is wrong in it. `stages` has the scenarios that those before
    named, by file, and gets that of this one."""
    return load(path, Lesson, given=stages, fits=_is_lesson)


def _is_lesson(path: Path, keys: frozenset[str]) -> None:
    if (kind := kind_by(keys)) is not FileKind.LESSON:
        raise FileErrors([FileError.whole(path, f"this is {kind}; a lesson has the keys lesson, stage and steps")])


def lessons_of(scenario: Path, *folders: Path) -> list[Lesson]:
    """The lessons that are played on a scenario, of those in the folder `lessons` beside it and in further folders, in
    the order of their files' names. Raises FileErrors with all that is wrong in any file there."""
    found: list[tuple[Lesson, Path]] = []
    errors: list[FileError] = []
    stages: dict[Path, Scenario] = {}
    for path in once(path for folder in (scenario.parent / "lessons", *folders) for path in files_in(folder, ".yaml")):
        try:
            found.append((load_lesson(path, stages), path))
        except FileErrors as wrong:
            errors += wrong.errors
    if errors := errors + same_lessons(found):
        raise FileErrors(errors)
    return [lesson for lesson, _ in found if lesson.stage.resolve() == scenario.resolve()]


def same_lessons(lessons: Iterable[tuple[Lesson, Path]]) -> list[FileError]:
    """Say which lessons have the name of one before."""
    return named_twice(((lesson.name, path) for lesson, path in lessons), "lesson")
