"""Lines of a scenario file: the places where it says what is expected of its calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
