"""The proxy's own records of the calls, read from its call log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from simulator.judging.evidence import ProxyWrote


def read_records(path: Path) -> dict[str, ProxyWrote]:
    """Return the proxy's call records by Call-ID; none where it wrote no file."""
    if not path.exists():
        return {}
    found: dict[str, ProxyWrote] = {}
    late: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["event"] == "call":
                found[record["call_id"]] = ProxyWrote.from_json(record)
            elif record["event"] == "shadow":  # a rule in shadow mode that had to ask, and was not waited for
                late.setdefault(record["call_id"], {})[record["rule"]] = record["outcome"]
    for call, said in late.items():
        if (wrote := found.get(call)) is not None:
            shadow = tuple((rule, said.get(rule, outcome)) for rule, outcome in wrote.shadow)
            found[call] = replace(wrote, shadow=shadow)
    return found
