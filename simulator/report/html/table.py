"""The table of calls as data: columns of a JSON document, of which the page draws the rows that are looked at."""

from __future__ import annotations

import json
from collections.abc import Collection
from math import isnan
from typing import Any

from simulator.report.html.reading import Calls

_CODED = ("scenario", "name", "family", "truth", "caller", "callee", "outcome", "action", "rule", "why")


def document(calls: Calls, with_ladder: Collection[int]) -> str:
    """All rows. Texts that repeat are in `words`, with their numbers in `codes`; delays are in 10 µs."""
    coded = {name: calls.words[name] for name in _CODED if len(calls.words[name].values) > 1 or name != "scenario"}
    data: dict[str, Any] = {
        "ids": [_short(name, of) for name, of in zip(calls.ids, calls.words["name"], strict=True)],
        "words": {name: column.values for name, column in coded.items()},
        "codes": {name: list(column.codes) for name, column in coded.items()},
        "status": list(calls.status),
        "setup": [_whole(delay * 1e5) for delay in calls.setup],
        "added": [
            _whole((through - straight) * 1e5) for through, straight in zip(calls.setup, calls.direct, strict=True)
        ],
        "at": [_whole(at * 1e3) for at in calls.at],
        "right": "".join(map(str, calls.right)),
        "failed": "".join(map(str, calls.failed)),
        "ladders": sorted(with_ladder),
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    # In a script element nothing may look like its end, or like the begin of a comment.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _short(name: str, campaign: str) -> str:
    """The id of a call without the name of its campaign, with which nearly all begin; others whole behind a `=`."""
    rest = name.removeprefix(campaign)
    return f"={name}" if (rest == name and campaign) or rest.startswith("=") else rest


def _whole(value: float) -> int | None:
    return None if isnan(value) else round(value)
