"""Policies that scenarios are played with in the place of their own: `cn,anonymous.reject=shadow`, or a file.

What a policy does not say stays as the scenario has it.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, get_args
from zlib import crc32

from pydantic import AfterValidator, Field

from proxy.config.fields import PresetName, RuleModes, ScamLists
from proxy.config.models import ProxyConfig
from proxy.files.yaml_file import FileError, FileErrors, did_you_mean, load
from proxy.policy.precedence import SETTABLE
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.ruleset import ScamListRules
from proxy.policy.treatments import Treatments
from proxy.policy.verdict import Mode
from proxy.presets import preset
from simulator.scenario.fields import Model
from simulator.scenario.file_kinds import FileKind, kind_of
from simulator.scenario.model import Scenario, load_scenarios

MIN_CONFIDENCE = "scam_list.min_confidence"
OWN = "own"  # the policy of the scenario itself
BARRED = tuple(f"barred.{name}" for name in Barring.__match_args__)
_MODES = get_args(Mode)
_Share = Annotated[float, Field(ge=0, le=1)]


def _service(name: str) -> str:
    if name not in Barring.__match_args__:
        raise ValueError(f"a barring service: {did_you_mean(name, Barring.__match_args__)}")
    return name


class PolicyFile(Model):
    """A policy for `ringfence compare` and `ringfence sweep`; what it leaves out stays as the scenario has it.

    `rules` and `treatments` go over the scenario's, by rule; `scam_lists` stand in the place of its lists, and
    `scam_list` says which entries count. `barred` is the share of the subscribers with each barring service turned on:
    it is drawn by their numbers, and whoever is in a small share is in each larger one too.
    """

    preset: PresetName | None = None
    rules: RuleModes = Field(default={})
    treatments: Treatments = Field(default={})
    scam_lists: ScamLists | None = None
    scam_list: ScamListRules | None = None
    barred: dict[Annotated[str, AfterValidator(_service)], _Share] = Field(default={})


@dataclass(frozen=True, slots=True)
class Variant:
    """A policy over that of a scenario; `name` is how it was written. With `whole`, its rules and treatments stand in
    the place of the scenario's."""

    name: str
    preset: str | None = None
    rules: Mapping[str, Mode] = field(default_factory=dict)
    treatments: Treatments = field(default_factory=dict)
    scam_lists: tuple[Path, ...] | None = None
    scam_list: ScamListRules | None = None
    min_confidence: float | None = None
    barred: Mapping[str, float] = field(default_factory=dict)
    whole: bool = False

    def over(self, scenario: Scenario) -> Scenario:
        """The scenario with this policy in the place of its own."""
        changes: dict[str, Any] = {
            "rules": dict(self.rules) if self.whole else {**scenario.rules, **self.rules},
            "treatments": dict(self.treatments) if self.whole else {**scenario.treatments, **self.treatments},
        }
        if self.preset is not None:
            changes["preset"] = self.preset
        if self.scam_lists is not None:
            changes["scam_lists"] = self.scam_lists
        if self.scam_list is not None or self.whole:
            changes["scam_list"] = self.scam_list
        if self.min_confidence is not None:
            said = changes.get("scam_list", scenario.scam_list)
            base = said or preset.load(changes.get("preset", scenario.preset)).scam_list
            changes["scam_list"] = replace(base, min_confidence=self.min_confidence)
        if self.barred:
            changes["subscribers"] = _Changed(scenario.subscribers, self._barring)
        return scenario.model_copy(update=changes)

    @property
    def unbarred(self) -> Variant:
        """The same policy, which leaves the subscribers as they are."""
        return replace(self, barred={})

    def changed(self, key: str, value: Any) -> Variant:
        """The same with one parameter changed. Raises ValueError that says what was expected."""
        if key == "preset":
            if value not in preset.names():
                raise ValueError(f"a preset: {did_you_mean(str(value), preset.names())}")
            return replace(self, preset=value)
        if key == "scam_lists":
            return replace(self, scam_lists=tuple(map(Path, value)))
        if key == MIN_CONFIDENCE:
            return replace(self, min_confidence=_share(value))
        if key in BARRED:
            return replace(self, barred={**self.barred, key.removeprefix("barred."): _share(value)})
        if key not in SETTABLE:
            known = (*SETTABLE, "preset", MIN_CONFIDENCE, *BARRED)
            raise ValueError(f"a rule, preset, {MIN_CONFIDENCE} or barred.SERVICE: {did_you_mean(key, known)}")
        if value not in _MODES:
            raise ValueError(f"{key}={' or '.join(_MODES)}")
        return replace(self, rules={**self.rules, key: value})

    def _barring(self, one: Subscriber) -> Subscriber:
        chosen: dict[str, Any] = {name: _draw(name, one.number) < share for name, share in self.barred.items()}
        return one.but(barring=one.barring.but(**chosen))


def read_variant(text: str) -> Variant:
    """A policy as the command line writes it: a preset, a file or `own`, then changes, all parted by commas.

    Raises ValueError that says what was expected, FileErrors where a file is wrong.
    """
    base, *changes = text.split(",")
    if "=" in base and not Path(base).exists():
        base, changes = OWN, [base, *changes]
    variant = replace(_base(base.strip()), name=text)
    for change in changes:
        key, sign, value = change.strip().partition("=")
        if not sign:
            raise ValueError(f'found "{change}", expected RULE=MODE, preset=NAME or barred.SERVICE=SHARE')
        try:
            variant = variant.changed(key.strip(), value.strip())
        except ValueError as error:
            raise ValueError(f'found "{change}", expected {error}') from None
    return variant


def _base(text: str) -> Variant:
    if text == OWN:
        return Variant(text)
    if text in preset.names():
        return Variant(text, preset=text)
    path = Path(text)
    if not path.exists():
        known = (OWN, *preset.names())
        raise ValueError(f'found "{text}", expected a file that exists, or {did_you_mean(text, known)}')
    return variant_of_file(path)


def variant_of_file(path: Path) -> Variant:
    """The policy of a file: one of its own, a proxy config, or a scenario. Raises FileErrors."""
    kind = kind_of(path)
    if kind is FileKind.POLICY:
        said = load(path, PolicyFile)
        return variant_of(str(path), said)
    if kind is FileKind.CONFIG:
        config = load(path, ProxyConfig)
        return Variant(
            str(path), config.preset, config.rules, config.treatments, config.scam_lists, config.scam_list, whole=True
        )
    if kind is FileKind.SCENARIO:
        ((scenario, _),) = load_scenarios([path])
        own = scenario
        return Variant(str(path), own.preset, own.rules, own.treatments, own.scam_lists, own.scam_list, whole=True)
    raise FileErrors([FileError.whole(path, f"this is {kind}; a policy has keys such as preset, rules and scam_lists")])


def variant_of(name: str, said: PolicyFile) -> Variant:
    """A policy as it was read."""
    return Variant(name, said.preset, said.rules, said.treatments, said.scam_lists, said.scam_list, barred=said.barred)


class _Items(ItemsView[str, Subscriber]):
    """All of them in one go: subscribers of a mix are made quicker so."""

    def __init__(
        self,
        whole: Mapping[str, Subscriber],
        subscribers: Mapping[str, Subscriber],
        change: Callable[[Subscriber], Subscriber],
    ) -> None:
        super().__init__(whole)
        self._subscribers = subscribers
        self._change = change

    def __iter__(self) -> Iterator[tuple[str, Subscriber]]:
        return ((name, self._change(one)) for name, one in self._subscribers.items())


class _Changed(Mapping[str, Subscriber]):
    """Subscribers, each changed when it is asked for: there may be millions."""

    def __init__(self, subscribers: Mapping[str, Subscriber], change: Callable[[Subscriber], Subscriber]) -> None:
        self._subscribers = subscribers
        self._change = change

    def __len__(self) -> int:
        return len(self._subscribers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._subscribers)

    def items(self) -> ItemsView[str, Subscriber]:
        """Each name with its subscriber."""
        return _Items(self, self._subscribers, self._change)

    def __getitem__(self, name: str) -> Subscriber:
        return self._change(self._subscribers[name])


def _draw(service: str, number: str) -> float:
    """A number from 0 to below 1 that is always the same for a subscriber and a service."""
    return crc32(number.encode(), crc32(service.encode())) / 2**32


def _share(value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("a share from 0 to 1")
    return share
