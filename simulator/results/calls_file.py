"""calls.jsonl: a line a call, with what was planned, what each side saw, and what that adds up to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.judging.evidence import CallerSaw, PhoneSaw
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result


def write_calls(path: Path, result: Result) -> None:
    """Write every call that was played to its end."""
    with path.open("w", encoding="utf-8") as file:
        for line in _lines(result):
            file.write(json.dumps(line) + "\n")


def _lines(result: Result) -> Iterator[dict[str, Any]]:
    wrong = {call.id: why for call, why in result.wrong}
    failed = result.failed
    for call in result.calls:
        twin = result.figures.direct.get(call.id)
        yield {
            **_told(call),
            "outcome": call.outcome,
            "rightly_judged": call.rightly_judged,
            "disagreements": call.disagreements,
            "unmet_expectations": call.unmet_expectations,
            "wrong": wrong.get(call.id),
            "failed": call.id in failed,
            "direct": _saw(twin) if twin else None,
        }


def _told(call: CallObservation) -> dict[str, Any]:
    """The plan and the evidence."""
    planned, evidence = call.planned, call.evidence
    expect = planned.expect
    return {
        "id": planned.id,
        "name": planned.campaign,
        "family": planned.family,
        "segment": planned.segment,
        "truth": planned.truth,
        "trunk": planned.trunk,
        "caller": planned.caller,
        "callee": planned.callee,
        "agent": planned.agent,
        "expected": expect and {"action": expect.action, "rule": expect.rule, "status": expect.status},
        "caller_saw": _saw(evidence.caller_saw),
        "phone_saw": _saw(evidence.phone_saw),
        "switch_received": evidence.switch_received,
        "proxy_wrote": evidence.proxy_wrote and asdict(evidence.proxy_wrote),
        "method": planned.method,
        "call_id": "" if evidence.call_id == planned.id else evidence.call_id,
        "unproven": call.unmet_evidence,
        "deaf": call.one_way_audio,
    }


def _saw(side: CallerSaw | PhoneSaw) -> dict[str, Any]:
    return {name: value for name, value in asdict(side).items() if name != "lines"}
