"""One line of JSON for each call that the policy judged: what was decided, why, and what became of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from proxy.numbers import Number
from proxy.policy.call import Call
from proxy.policy.verdict import Verdict

_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class CallRecord:
    """Holds on to the verdict until the call's final response is known."""

    __slots__ = ("_call", "_call_id", "_elapsed", "_verdict")

    def __init__(self, call: Call, call_id: str, verdict: Verdict, elapsed: float) -> None:
        self._call = call
        self._call_id = call_id
        self._verdict = verdict
        self._elapsed = elapsed

    def line(self, final: int | None) -> str:
        """The record as JSON. `final` is the status sent to the caller, None where none was; times are in
        microseconds, the timestamp is when the request arrived (UTC)."""
        call, verdict = self._call, self._verdict
        record: dict[str, Any] = {
            "event": "call",
            "timestamp": datetime.fromtimestamp(call.arrival, UTC).isoformat(timespec="microseconds"),
            "call_id": self._call_id,
            "method": call.method,
            "trunk": call.trunk,
            "caller": shown(call.caller),
            "callee": shown(call.callee),
            "action": verdict.action,
            "status": verdict.status,
            "rule": verdict.rule,
            "detail": verdict.detail,
            "trace": [[step.rule, step.mode, step.outcome, step.detail] for step in verdict.trace],
            "final": final,
            "elapsed_us": round(self._elapsed * 1e6),
        }
        return _encode(record)


def shown(number: Number) -> str:
    """A number as E.164, or as it was presented where it is none; JSON can carry any of it."""
    text = number.e164 or number.presented
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
