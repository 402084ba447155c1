"""Named rule sets: what differs from country to country, as data in presets/*.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from proxy.files import yaml_file
from proxy.numbers.dialled import OUTSIDE_LINES, Dialling
from proxy.numbers.numbering import Numbering, WrittenAtHome
from proxy.policy.answers import Treatment
from proxy.policy.remote import RemoteSource
from proxy.policy.ruleset import Ruleset, ScamListRules
from proxy.policy.snapshot import ScamNumbers, Snapshot, SubscriberDirectory
from proxy.policy.verdict import Mode
from proxy.self_service.vocabulary import Vocabulary

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Preset(Ruleset):
    """A rule set, and what its subscribers can ask for by text and star code."""

    self_service: Vocabulary | None = None

    @property
    def withheld_by(self) -> frozenset[str]:
        """Its own words and numbers for a withheld number, and those of the default preset."""
        return load("default").withheld | self.withheld

    @property
    def vocabulary(self) -> Vocabulary:
        """The orders that subscribers can give by text and star code: the default preset's where this one is silent."""
        shared = load("default").self_service
        assert shared is not None  # noqa: S101  # a test holds the file to it
        own = self.self_service or shared
        return own.model_copy(update={"codes": shared.codes | own.codes})


@cache  # one value
def names() -> tuple[str, ...]:
    """The presets there are."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache  # as many as there are files
def load(name: str) -> Preset:
    """The preset of that name. Raises ValueError where there is none, FileErrors where its file is broken."""
    if name not in names():
        raise ValueError(f"one of the presets {', '.join(names())}, not {name!r}")
    return yaml_file.load(_FOLDER / f"{name}.yaml", Preset)


def weighing(name: str, scam_list: ScamListRules | None) -> Preset:
    """The preset of that name, in which other entries of scam lists count, where these are given."""
    chosen = load(name)
    return chosen if scam_list is None else replace(chosen, scam_list=scam_list)


def numbering(home: str, chosen: Preset) -> Numbering:
    """Understands numbers as people of the home country write them. Raises ValueError for an unknown home."""
    return Numbering(*written_at_home(home, chosen))


def written_at_home(home: str, chosen: Preset) -> WrittenAtHome:
    """The arguments of `Numbering` for a home country: with the emergency numbers of the chosen preset, and with all
    ranges that any preset knows of that country."""
    presets = [preset for preset in map(load, names()) if home in preset.home_regions]
    ranges = tuple((each.kind, each.numbers) for preset in presets for each in preset.numbers)
    return home, tuple(sorted(chosen.emergency)), chosen.withheld_by, ranges


def build_snapshot(
    home: str,
    preset: Preset,
    subscribers: SubscriberDirectory,
    scam_list: ScamNumbers,
    modes: Mapping[str, Mode] | None = None,
    treatments: Mapping[str, Treatment] | None = None,
    service_numbers: Iterable[str] = (),
    outside_lines: Iterable[str] = OUTSIDE_LINES,
    dialling_codes: Iterable[str] = (),
    callback_seconds: float = 1800.0,
    sources: tuple[RemoteSource, ...] = (),
) -> Snapshot:
    """A snapshot for a home country; `modes` and `treatments`, both by rule, go over the preset's.

    `service_numbers` stand in for those of the preset; `outside_lines` and `dialling_codes` are what a switch
    may cut off in front of a number (see `Dialling`); `sources` can be asked about callers.

    Raises ValueError for an unknown home.
    """
    reads = numbering(home, preset)
    home_regions = preset.home_regions or frozenset((home,))
    return Snapshot(
        reads,
        subscribers,
        scam_list,
        {**preset.modes, **(modes or {})},
        preset,
        home_regions,
        {**preset.treatments, **(treatments or {})},
        frozenset(service_numbers or preset.vocabulary.numbers),
        Dialling(reads, home_regions, outside_lines, dialling_codes),
        callback_seconds,
        sources,
    )
