"""Copies of what a run was played from, in its folder: the scenario, its scam lists, its records of calls.

`inputs/scenario.yaml` names the others by paths relative to itself; nothing else in it differs, line for line. So the
folder can be taken elsewhere and played again (`ringfence run RUN`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proxy.config.fields import lists_named
from proxy.files.yaml_file import read_text
from simulator.results.manifest import file_hashes
from simulator.scenario.model import Scenario

INPUTS = "inputs"
SCENARIO = f"{INPUTS}/scenario.yaml"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to copy: `text` is the scenario's, `files` are the others, by path relative to the run's folder."""

    source: Path
    text: str
    files: Mapping[str, Path]

    @classmethod
    def of(cls, scenario: Scenario, source: Path) -> Inputs:
        """Those of a scenario that was read from `source`. Raises FileErrors where that cannot be read any more."""
        text = read_text(source)
        copies: dict[Path, str] = {}  # of each original, relative to the inputs
        pieces, end = [], 0
        for node, into, originals in sorted(_named(text, scenario, source), key=lambda each: each[0].start_mark.index):
            fresh = [each for each in originals if each not in copies]
            for each in fresh:
                copies[each] = _free(f"{into}/{each.name}", copies.values())
            name = copies[(*fresh, *originals)[0]]
            globs = into != "records"  # what names lists may be one
            named = f"{into}/*" if len(fresh) > 1 else escape(name) if globs else name
            pieces += [text[end : node.start_mark.index], json.dumps(named, ensure_ascii=False)]
            end = node.end_mark.index
        for each in scenario.scam_lists:  # those of another policy than the file's own
            if each not in copies:
                copies[each] = _free(f"lists/0/{each.name}", copies.values())
        files = {f"{INPUTS}/{name}": original for original, name in copies.items()}
        return cls(source, "".join((*pieces, text[end:])), files)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each original, by the path of its copy."""
        found = file_hashes([self.source, *self.files.values()])
        return {name: found[str(path)] for name, path in [(SCENARIO, self.source), *self.files.items()]}

    def write(self, folder: Path) -> None:
        """Copy them into the folder of a run. Raises OSError."""
        (folder / INPUTS).mkdir()
        (folder / SCENARIO).write_text(self.text, encoding="utf-8")
        for name, original in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, folder / name)

    def lists_in(self, folder: Path, scenario: Scenario) -> tuple[Path, ...]:
        """The copies of the scenario's scam lists, in their order."""
        copies = {original: name for name, original in self.files.items()}
        return tuple(folder / copies[each] for each in scenario.scam_lists)


def _named(text: str, scenario: Scenario, source: Path) -> Iterator[tuple[Node, str, list[Path]]]:
    """The places that name files: the node, the folder for their copies, and the files."""
    members = _members(yaml.compose(text, yaml.CBaseLoader))
    lists = members.get("scam_lists")
    for place, node in enumerate(lists.value if isinstance(lists, SequenceNode) else (), start=1):
        yield node, f"lists/{place}", sorted(lists_named(source.parent / node.value))
    if scenario.records is not None:
        yield _members(members["records"])["file"], "records", [scenario.records.file]


def _members(node: Node | None) -> dict[str, Any]:
    members = node.value if isinstance(node, MappingNode) else ()
    return {key.value: value for key, value in members if isinstance(key, ScalarNode)}


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or one like it where another file has it."""
    path, number = Path(name), 1
    while path.as_posix() in taken:
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return path.as_posix()


def link(run: Path, target: Path) -> None:
    """Have the inputs of a run in another folder, too, without taking room for them twice where that can be."""
    for path in sorted((run / INPUTS).rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(run / INPUTS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, copy)
            except OSError:
                shutil.copyfile(path, copy)
