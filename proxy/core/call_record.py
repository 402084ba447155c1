"""One line of JSON for each call that the policy judged: what was decided, why, and what became of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii

from proxy.numbers.numbering import Number
from proxy.policy.answers import Answer, reference
from proxy.policy.call import Call
from proxy.policy.verdict import Step, Verdict
from proxy.sip.message import Response

# One line for every call: the frame is written out here, and the encoder of the json module quotes the texts.
_text = encode_basestring_ascii
_SHOWN = 200  # characters of what a switch may write at any length


class CallRecord:
    """Holds on to the verdict until the call's final response is known."""

    __slots__ = ("_answer", "_call", "_call_id", "_elapsed", "_verdict")

    def __init__(self, call: Call, call_id: str, verdict: Verdict, elapsed: float) -> None:
        self._call = call
        self._call_id = call_id
        self._verdict = verdict
        self._elapsed = elapsed
        self._answer: tuple[int, str, str] | None = None  # what the switch refused with: status, Reason, Retry-After

    def note_answer(self, response: Response) -> None:
        """Keep what a final response of the switch says of its reason (RFC 3326, RFC 3261 20.33)."""
        reasons = ", ".join(response.headers("reason"))
        self._answer = (response.status, reasons[:_SHOWN], (response.header("retry-after") or "")[:_SHOWN])

    def line(self, final: int | None) -> str:
        """The record as JSON. `final` is the status sent to the caller, None where none was; times are in
        microseconds, the timestamp is when the request arrived (UTC). Of a call with a treatment `label` is what the
        phone shows, `service` what the switch was asked for, `reference` what a 603+ told the caller. Of a call that
        the switch refused `reason` and `retry_after` are what it said, `switch_status` its status where the caller got
        another one."""
        call, verdict = self._call, self._verdict
        arrived = timestamp(call.arrival)
        treated = self._treated(arrived) if verdict.service or verdict.treatment is not None else ""
        if self._answer is not None:
            treated += self._refused(self._answer, final)
        return (
            f'{{"event":"call","timestamp":"{arrived}","call_id":{_text(self._call_id)},"method":{_text(call.method)},'
            f'"trunk":{_text(call.trunk)},"caller":{_text(shown(call.caller))},"callee":{_text(shown(call.callee))},'
            f'"action":"{verdict.action}","status":{_number(verdict.status)},"rule":"{verdict.rule}",'
            f'"detail":{_text(verdict.detail)},"trace":{_trace(verdict.trace)},"final":{_number(final)},'
            f'{treated}"elapsed_us":{round(self._elapsed * 1e6)}}}'
        )

    @staticmethod
    def _refused(answer: tuple[int, str, str], final: int | None) -> str:
        status, reason, retry_after = answer
        changed = f'"switch_status":{status},' if status != final else ""
        texts = (("reason", reason), ("retry_after", retry_after))
        return changed + "".join(f'"{name}":{_text(value)},' for name, value in texts if value)

    def _treated(self, arrived: str) -> str:
        verdict = self._verdict
        told = isinstance(verdict.treatment, Answer) and verdict.treatment.reject == "603+"
        fields = {
            "label": verdict.label,
            "service": verdict.service,
            "reference": reference(self._call_id, arrived) if told else "",
        }
        return "".join(f'"{name}":{_text(value)},' for name, value in fields.items() if value)


def timestamp(arrival: float) -> str:
    """An epoch time as it stands in the record, and in all logs: UTC, with a Z."""
    seconds, microseconds = divmod(round(arrival * 1e6), 1_000_000)
    return f"{_to_the_second(seconds)}.{microseconds:06}Z"


@lru_cache(maxsize=16)  # calls come many a second
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


@lru_cache(maxsize=1024)
def _trace(trace: tuple[Step, ...]) -> str:
    return json.dumps(trace, separators=(",", ":"))


def shown(number: Number) -> str:
    """A number as E.164, or as it was presented where it is none; JSON can carry any of it."""
    text = number.e164 or number.presented
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
