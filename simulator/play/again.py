"""Runs to be played again from their folders: the copies of their scenarios, with seeds, softswitch and selection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from proxy.files.yaml_file import FileError, FileErrors
from simulator.results.inputs import INPUTS, SCENARIO
from simulator.results.run_reader import manifest_of
from simulator.scenario.policies import OWN
from simulator.softswitch.kinds import Kind


class Again(NamedTuple):
    """A scenario that a run's folder holds, as it was played: `only` are the names of the calls that had been chosen,
    None where all were. `pseudonyms` says that numbers in it are not those that were played."""

    source: Path
    seed: int
    softswitch: Kind
    only: frozenset[str] | None
    pseudonyms: bool

    def selects(self, name: str) -> bool:
        """True for a call, SCENARIO/CALL, that was played."""
        return self.only is None or name.partition("/")[2] in self.only


def played_before(path: Path) -> tuple[Again, ...]:
    """The scenarios of a run's folder; none where it is not one. Raises FileErrors for one that cannot be played again.

    Links are resolved: `latest` is another folder as soon as a run begins.
    """
    folder = path.resolve()
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (ValueError, RecursionError):
        manifest = None  # what is wrong is told below
    if isinstance(manifest, dict) and not {"scenario", "scenarios"} & manifest.keys():
        return ()
    return tuple(_scenarios(path, folder, manifest_of(path)))


def _scenarios(path: Path, folder: Path, manifest: dict[str, Any]) -> Iterator[Again]:
    for entry in manifest.get("scenarios", [manifest]):
        if missing := {"seed"} - entry.keys() if entry is manifest else {"seed", "folder"} - entry.keys():
            found = " and ".join(f"no {name}" for name in sorted(missing))
            raise FileErrors([FileError.whole(path / "manifest.json", f"found {found}, expected one")])
        if "load" in entry:
            scenario = path / SCENARIO
            raise FileErrors([FileError.whole(path, f"it is a load: `ringfence load {scenario}` drives it again")])
        copy = SCENARIO if entry is manifest else f"{INPUTS}/{entry['folder']}/{Path(SCENARIO).name}"
        if not (folder / copy).is_file() or entry.get("softswitch") not in get_args(Kind):
            missing = f"it cannot be played again: {copy} is not in it"
            raise FileErrors([FileError.whole(path, missing)])
        if entry.get("policy", OWN) != OWN:
            found = f'it was played with the policy "{entry["policy"]}": `ringfence compare` plays it again'
            raise FileErrors([FileError.whole(path, found)])
        only = None if entry.get("only") is None else frozenset(entry["only"])
        yield Again(folder / copy, int(entry["seed"]), entry["softswitch"], only, "pseudonyms" in entry)
