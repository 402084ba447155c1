"""The proxy's own records of the calls, read from its call log."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.judging.evidence import ProxyWrote


def read_records(path: Path) -> dict[str, ProxyWrote]:
    """Return the proxy's call records by Call-ID; none where it wrote no file."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as lines:
        records = map(json.loads, lines)
        return {record["call_id"]: ProxyWrote.from_json(record) for record in records if record["event"] == "call"}
