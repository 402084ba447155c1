"""The scenario file: who subscribes, which calls are played, what is true of them and what is expected.

YAML -> frozen models; all errors of a file are told at once. Durations become seconds, rates calls per second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from proxy.config.fields import Home, PresetName, RuleModes, ScamLists, some
from proxy.files.yaml_file import FileError, FileErrors, Problem, Problems, did_you_mean, load
from proxy.numbers.numbering import Written
from proxy.policy.answers import Card
from proxy.policy.profile import Subscriber
from proxy.policy.profile_fields import SubscriberInFile
from proxy.policy.ruleset import ScamListRules
from proxy.policy.treatments import Treatments, prompts_of
from proxy.presets import preset
from proxy.process.reading import covering
from proxy.reputation.scam_list import ScamList
from proxy.subscribers.storage import read_at_home, unique
from simulator.media.prompts import PROMPTS
from simulator.scenario.calls import TRUNKS, Calls, Pool, TrunkName
from simulator.scenario.checks import senseless
from simulator.scenario.fields import Model, Name, Texts, Thresholds
from simulator.scenario.file_kinds import FileKind, files_in, kind_by, kind_of, named_twice, once
from simulator.scenario.mix import Mix
from simulator.scenario.records import RECORDED, Records
from simulator.scenario.reputation import LabSource

_INSTEAD = {
    FileKind.CONFIG: ": run it with `ringfence proxy`, or check it with `ringfence lint`",
    FileKind.SUBSCRIBERS: ": name it in a proxy config, or check it with `ringfence lint`",
    FileKind.PRESET: ": scenarios and proxy configs choose it with `preset: NAME`",
    FileKind.POLICY: ": compare it with another one by `ringfence compare`, or check it with `ringfence lint`",
    FileKind.SWEEP: ": try its points with `ringfence sweep`",
    FileKind.LESSON: ": play it on the stage of `ringfence serve`, or check it with `ringfence lint`",
    FileKind.FOREIGN: ": a scenario has at least the keys scenario, subscribers and calls",
}

_MOST_AT_ONCE = 3.0  # calls of a campaign that a real phone takes at a time


class TrunkSettings(Model):
    """A scenario's settings for one of the lab's trunks. `auth: digest`: phones must prove who they are; `numbers`: how
    callers there write numbers without a plus, as in a proxy config."""

    kind: Literal["international", "domestic", "access"] | None = None
    auth: Literal["none", "digest"] = "none"
    numbers: Written = "either"


class Scenario(Model):
    """A scenario file. `subscribers` are by name, `thresholds` in the file's order.

    `others` are numbers at home, of no subscriber, that calls from trunks may go to all the same. `mix` brings
    populations of subscribers beside those named here, and traffic beside `calls`; `records` are calls to play again.
    `prevalence` is the share of unwanted calls among all calls of real life, for the precision there: a sample half of
    which is scam flatters it. `reputation` are remote sources that the lab plays, for the proxy to ask about
    callers. `scam_list` says which entries of lists count, as in a proxy config. `card` is what the proxy signs for 608
    (RFC 8688), with a key made for the run; the signature is checked.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["subscribers", "calls"]}, {"required": ["mix"]}, {"required": ["records"]}]
        }
    )

    name: Annotated[Name, Field(alias="scenario")]
    home: Home = "CN"
    preset: PresetName = "default"
    seed: int = 1
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None = None
    rules: RuleModes = Field(default={})
    treatments: Treatments = Field(default={})
    card: Card | None = None
    trunk_settings: dict[TrunkName, TrunkSettings] = Field(default={}, alias="trunks")
    subscribers: dict[Name, SubscriberInFile] = Field(default={})
    others: Texts = ()
    scam_lists: ScamLists = ()
    scam_list: ScamListRules | None = None
    reputation: dict[Name, LabSource] = Field(default={})
    calls: Annotated[tuple[Calls, ...], AfterValidator(some)] = ()
    mix: Mix | None = None
    records: Records | None = None
    thresholds: Annotated[Thresholds, Field(json_schema_extra={"default": {}})] = ()

    @property
    def trunks(self) -> Mapping[str, str]:
        """The trunks of the lab by name, and their kinds."""
        return TRUNKS

    @property
    def digest_trunks(self) -> frozenset[str]:
        """Those whose callers must prove who they are."""
        return frozenset(name for name, said in self.trunk_settings.items() if said.auth == "digest")

    @property
    def written(self) -> Mapping[str, Written]:
        """The writing of numbers on the trunks that the file names."""
        return {name: said.numbers for name, said in self.trunk_settings.items()}

    @model_validator(mode="after")
    def _has_calls(self) -> Scenario:
        if self.mix is None:
            missing = [name for name in ("subscribers", "calls") if not getattr(self, name)]
            if missing and self.records is None:
                raise ValueError(f"{' and '.join(missing)}, or a mix, or records")
            return self
        wanting = [name for name, kind in self.mix.kinds.items() if kind.from_ == "roamers"]
        problems = []
        if wanting and not any(each.roams for each in self.mix.subscribers.values()):
            expected = "a population with a profile that has roaming: on, or without this kind"
            problems += [Problem(("mix", "traffic", name, "[key]"), expected) for name in wanting]
        for name in (name for name, kind in self.mix.kinds.items() if kind.from_ == "strangers"):
            full = [each for each, people in self.mix.subscribers.items() if people.fills_its_range]
            expected = f"a population with numbers to spare for strangers: all of {', '.join(full)} are subscribers'"
            problems += [Problem(("mix", "traffic", name, "[key]"), expected)] if full else []
        if problems:
            raise Problems(problems)
        return self

    @field_validator("trunk_settings")
    @classmethod
    def _fits_the_lab(cls, settings: dict[str, TrunkSettings]) -> dict[str, TrunkSettings]:
        problems = [
            Problem((name, "kind"), f"{TRUNKS[name]}, as in every lab")
            for name, said in settings.items()
            if said.kind not in (None, TRUNKS[name])
        ]
        problems += [
            Problem((name, "auth"), "none; digest is for phones")
            for name, said in settings.items()
            if said.auth == "digest" and TRUNKS[name] != "access"
        ]
        if problems:
            raise Problems(problems)
        return settings

    @field_validator("subscribers")
    @classmethod
    def _unique_numbers(cls, subscribers: dict[str, Subscriber]) -> dict[str, Subscriber]:
        unique(subscribers.items())
        return subscribers

    @field_validator("subscribers")
    @classmethod
    def _lists_as_dialled_at_home(
        cls, subscribers: dict[str, Subscriber], info: ValidationInfo
    ) -> dict[str, Subscriber]:
        home, named = info.data.get("home"), info.data.get("preset")
        if home is None or named is None:  # wrong, and said
            return subscribers
        numbering = preset.numbering(home, preset.load(named))
        return dict(zip(subscribers, read_at_home(subscribers.items(), numbering), strict=True))

    @field_validator("calls")
    @classmethod
    def _unique_names(cls, calls: tuple[Calls, ...]) -> tuple[Calls, ...]:
        names = [each.name for each in calls]
        twice = [index for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise Problems(
                Problem((index, "campaign" if calls[index].campaign else "call"), "a name not used before")
                for index in twice
            )
        return calls

    @field_validator("calls")
    @classmethod
    def _wait_for_those_before(cls, calls: tuple[Calls, ...]) -> tuple[Calls, ...]:
        names = [each.name for each in calls]
        problems = [
            Problem(
                (index, "after", place),
                f"a call or campaign that stands before it: {did_you_mean(name, names[:index])}",
            )
            for index, each in enumerate(calls)
            for place, name in enumerate(each.after)
            if name not in names[:index]
        ]
        if problems:
            raise Problems(problems)
        return calls

    @model_validator(mode="after")
    def _names_of_their_own(self) -> Scenario:
        """Calls of one name are waited for, chosen and reported as one, and may have the same Call-ID."""
        taken = dict.fromkeys(self.mix.kinds if self.mix else (), "a kind of the mix")
        taken |= {RECORDED: "what calls of records are called"} if self.records else {}
        problems = [
            Problem(
                ("calls", index, "campaign" if each.campaign else "call"),
                f"another name: {each.name} is {taken[each.name]}",
            )
            for index, each in enumerate(self.calls)
            if each.name in taken
        ]
        if problems:
            raise Problems(problems)
        return self

    @model_validator(mode="after")
    def _switches_know_the_prompts(self) -> Scenario:
        """A proxy's softswitch may have prompts of its own; those of a lab have ours."""
        places: list[tuple[tuple[str, ...], Treatments]] = [(("treatments",), self.treatments)]
        places += [(("subscribers", name, "treatment"), each.treatment) for name, each in self.subscribers.items()]
        problems = [
            Problem((*path, rule, *where), f"an announcement: {did_you_mean(prompt, PROMPTS)}")
            for path, treatments in places
            for rule, treatment in treatments.items()
            for where, prompt in prompts_of(treatment)
            if prompt not in PROMPTS
        ]
        if problems:
            raise Problems(problems)
        return self

    def _with_real_phones(self) -> list[str]:
        """Subscribers whose own phone is a real one, for all calls; over other trunks than theirs another one calls."""
        named = {name for each in self.calls if each.agent == "pjsua" for name in each.own_phones}
        return sorted(named & set(self.subscribers))

    @model_validator(mode="after")
    def _real_phones_are_asked_what_they_can(self) -> Scenario:
        """PJSIP holds four calls in a process: who has a real phone is no target for a campaign at a high rate. Nor
        does it show the header lines that came to it."""
        problems = []
        with_real_phones, understand = (
            self._with_real_phones(),
            preset.numbering(self.home, preset.load(self.preset)).understand,
        )
        for index, each in enumerate(self.calls):
            called = {*each.to, *(understand(callee).e164 for callee in each.to)}
            if not (real := [name for name in with_real_phones if {name, self.subscribers[name].number} & called]):
                continue
            if each.at_once > _MOST_AT_ONCE:
                expected = f"a lower rate: {real[0]} has a real phone, which holds few calls"
                problems.append(Problem(("calls", index, "to"), expected))
            if each.agent == "wire" and each.expect and each.expect.phone_sees:
                expected = f"a callee without a real phone: that of {real[0]} does not show it"
                problems.append(Problem(("calls", index, "expect", "phone_sees"), expected))
        if problems:
            raise Problems(problems)
        return self

    @model_validator(mode="after")
    def _callers_can_prove_themselves(self) -> Scenario:
        calls = [each for each in self.calls if each.trunk in self.digest_trunks]
        callers = {name for each in calls if not isinstance(each.from_, Pool) for name in each.from_}
        without = [name for name, each in self.subscribers.items() if name in callers and not each.password]
        if without:
            raise Problems(Problem(("subscribers", name), "a password: its phone is asked for it") for name in without)
        return self

    @model_validator(mode="after")
    def _can_be_meant(self) -> Scenario:
        if problems := list(senseless(self)):
            raise Problems(problems)
        return self


def load_scenarios(paths: Iterable[Path]) -> list[tuple[Scenario, Path]]:
    """Read scenario files, and all that lie in folders; raises FileErrors with all that is wrong in any of them."""
    files = [file for path in paths for file in (_scenarios_in(path) if path.is_dir() else [path])]
    scenarios: list[tuple[Scenario, Path]] = []
    errors: list[FileError] = []
    more = 0
    for file in once(files):
        try:
            scenarios.append((load(file, Scenario, fits=_is_scenario), file))
        except FileErrors as wrong:
            errors += wrong.errors
            more += wrong.more
    if errors := errors + same_names(scenarios):
        raise FileErrors(errors, more)
    return scenarios


def _is_scenario(file: Path, keys: frozenset[str]) -> None:
    if (kind := kind_by(keys)) is not FileKind.SCENARIO:
        raise FileErrors([FileError.whole(file, f"this is {kind}{_INSTEAD.get(kind, '')}")])


def same_names(scenarios: Iterable[tuple[Scenario, Path]]) -> list[FileError]:
    """Say which scenarios have the name of one before: reports could not tell the two apart."""
    return named_twice(((scenario.name, file) for scenario, file in scenarios), "scenario")


def check_lists(scenarios: Iterable[Scenario]) -> None:
    """Read the scam lists that scenarios name, each once for every home; raises FileErrors with all that is wrong."""
    homes = dict.fromkeys((path, scenario.home) for scenario in scenarios for path in scenario.scam_lists)
    errors: dict[FileError, None] = {}
    more = 0
    for path, home in homes:
        try:
            ScamList.load([path], covering(home))
        except FileErrors as wrong:
            errors |= dict.fromkeys(wrong.errors)
            more += wrong.more
    if errors:
        raise FileErrors(errors, more)


def _scenarios_in(folder: Path) -> list[Path]:
    return [file for file in files_in(folder, ".yaml") if kind_of(file) is FileKind.SCENARIO]
