"""The proxy's own records of the calls, read from its call log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from simulator.judging.evidence import ProxyWrote
from simulator.judging.scores import with_late


def read_records(path: Path) -> dict[str, ProxyWrote]:
    """Return the proxy's call records by Call-ID; none where it wrote no file."""
    if not path.exists():
        return {}
    found: dict[str, ProxyWrote] = {}
    late: dict[str, dict[str, tuple[str, str]]] = {}
    with path.open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["event"] == "call":
                found[record["call_id"]] = ProxyWrote.from_json(record)
            elif record["event"] == "shadow":  # a rule in shadow mode that had to ask, and was not waited for
                late.setdefault(record["call_id"], {})[record["rule"]] = record["outcome"], record["detail"]
    for call, said in late.items():
        if (wrote := found.get(call)) is not None:
            shadow = tuple((rule, said[rule][0] if rule in said else outcome) for rule, outcome in wrote.shadow)
            scores = wrote.scores
            for rule, (_, detail) in said.items():
                scores = with_late(scores, rule, detail)
            found[call] = replace(wrote, shadow=shadow, scores=scores)
    return found
