"""Lines of a scenario file: where it says what is expected of its calls."""

from __future__ import annotations

from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode


def lines_of_calls(path: Path) -> dict[str, int]:
    """The line, from 1, of what each call or campaign is expected to come to: of its `expect`, or else of itself.

    "[thresholds]" is that of the thresholds, where there are any.
    """
    root = yaml.compose(path.read_text(encoding="utf-8"), yaml.CBaseLoader)
    found: dict[str, int] = {}
    for key, value in _members(root):
        if key == "thresholds":
            found["[thresholds]"] = value.start_mark.line + 1
        for entry in value.value if key == "calls" and isinstance(value, SequenceNode) else ():
            members = dict(_members(entry))
            name = members.get("call") or members.get("campaign")
            if name is not None:
                found[str(name.value)] = members.get("expect", entry).start_mark.line + 1
    return found


def _members(node: Node | None) -> list[tuple[str, Node]]:
    return [(str(key.value), value) for key, value in node.value] if isinstance(node, MappingNode) else []
