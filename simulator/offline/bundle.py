"""The contents of a sweep as one value that goes to other machines: scenarios, and the files that these and the points
name. It is unpacked there into a folder of its own, so that nobody has to share a disk."""

from __future__ import annotations

import hashlib
import pickle
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from simulator.offline.grid import Point
from simulator.offline.sweep import Part, Sweep
from simulator.scenario.model import Scenario


@cache
def code() -> str:
    """A hash of Ringfence's own sources: rows of different ones are no rows of one table."""
    digest = hashlib.sha256()
    for spec in map(find_spec, ("proxy", "simulator")):
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """The scenarios of a sweep with its seed and the moment that it `begins` at, in epoch seconds, packed; `key` tells
    it from others."""

    key: str
    packed: bytes

    @classmethod
    def of(cls, scenarios: Sequence[Scenario], points: Iterable[Point], seed: int | None, begins: float) -> Bundle:
        """Read the files and pack all. Raises OSError where one cannot be read any more."""
        files = {path: path.read_bytes() for path in _files(scenarios, points)}
        packed = zlib.compress(pickle.dumps((code(), tuple(scenarios), seed, begins, files)), 1)
        return cls(hashlib.sha256(packed).hexdigest(), packed)

    def unpack(self, folder: Path) -> Unpacked:
        """Put the files into a folder. Raises ValueError where it was packed by another Ringfence."""
        made_by, scenarios, seed, begins, files = pickle.loads(zlib.decompress(self.packed))  # noqa: S301 - our own
        if made_by != code():
            raise ValueError("it has another Ringfence than the one that sweeps")
        there = {}
        for number, (path, content) in enumerate(files.items()):
            there[path] = folder / f"{number}-{path.name}"
            there[path].write_bytes(content)
        return Unpacked([_moved(each, there) for each in scenarios], seed, begins, there)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A sweep's scenarios where their files were unpacked: `files` are the copies, by the path of the original."""

    scenarios: Sequence[Scenario]
    seed: int | None
    begins: float
    files: Mapping[Path, Path]

    def sweep(self, part: Part, done: Callable[[int], None]) -> Sweep:
        """The sweep of the calls of some callers; `done` is told of how many were judged."""
        return Sweep(self.scenarios, self.seed, self.begins, done, part)

    def moved(self, point: Point) -> Point:
        """The point with the copies of its lists."""
        lists = point.variant.scam_lists
        if lists is None:
            return point
        return replace(point, variant=replace(point.variant, scam_lists=tuple(self.files[each] for each in lists)))


def _files(scenarios: Collection[Scenario], points: Iterable[Point]) -> Iterator[Path]:
    found: dict[Path, None] = {}
    for scenario in scenarios:
        found |= dict.fromkeys(scenario.scam_lists)
        if scenario.records is not None:
            found[scenario.records.file] = None
    for point in points:
        found |= dict.fromkeys(point.variant.scam_lists or ())
    yield from found


def _moved(scenario: Scenario, there: Mapping[Path, Path]) -> Scenario:
    changes: dict[str, object] = {"scam_lists": tuple(there[each] for each in scenario.scam_lists)}
    if scenario.records is not None:
        changes["records"] = scenario.records.model_copy(update={"file": there[scenario.records.file]})
    return scenario.model_copy(update=changes)
