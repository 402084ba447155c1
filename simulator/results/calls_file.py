"""calls.jsonl: one line a call with what each side saw of it and what that adds up to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from simulator.judging.result import Result


def write_calls(path: Path, result: Result) -> None:
    """Write all calls of a played scenario."""
    direct = result.figures.direct
    wrong = {call.id: why for call, why in result.wrong}
    with path.open("w", encoding="utf-8") as file:
        for call in result.calls:
            twin = direct.get(call.id)
            line = asdict(call) | {
                "outcome": call.outcome,
                "rightly_judged": call.rightly_judged,
                "disagreements": call.disagreements,
                "unmet_expectations": call.unmet_expectations,
                "wrong": wrong.get(call.id),
                "direct": asdict(twin) if twin else None,
            }
            file.write(json.dumps(line) + "\n")
