"""Places in scenario and lesson files, such as those where they say what is expected of calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode


def lines_of_calls(path: Path) -> dict[str, int]:
    """The line, from 1, of what each call, campaign or kind of a mix is expected to come to: of its `expect`, or else
    of itself.

    "[thresholds]" is that of the thresholds, where there are any, "[thresholds] FIGURE" that of those of a figure, and
    "[records]" that of the records.
    """
    root = yaml.compose(path.read_text(encoding="utf-8"), yaml.CBaseLoader)
    return {name: line + 1 for key, value in _members(root) for name, line in _places(key, value)}


def place_in(path: Path, where: Iterable[str | int]) -> tuple[int, int]:
    """The line and column, from 1, of the value that these steps lead to, as far as they do."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), yaml.CBaseLoader)
    for step in where:
        below: dict[str | int, Node] = dict(_members(node)) if isinstance(step, str) else dict(enumerate(node.value))
        if step not in below:
            break
        node = below[step]
    return node.start_mark.line + 1, node.start_mark.column + 1


def _places(key: str, value: Node) -> Iterator[tuple[str, int]]:
    """The places below a key at the top, with lines from 0."""
    if key in ("thresholds", "records"):
        yield f"[{key}]", value.start_mark.line
    if key == "thresholds":
        yield from ((f"[thresholds] {figure}", limits.start_mark.line) for figure, limits in _members(value))
    if key == "mix":
        yield from ((name, each.start_mark.line) for name, each in _members(dict(_members(value)).get("traffic")))
    for entry in value.value if key == "calls" and isinstance(value, SequenceNode) else ():
        members = dict(_members(entry))
        name = members.get("call") or members.get("campaign")
        if name is not None:
            yield str(name.value), members.get("expect", entry).start_mark.line


def _members(node: Node | None) -> list[tuple[str, Node]]:
    return [(str(key.value), value) for key, value in node.value] if isinstance(node, MappingNode) else []
