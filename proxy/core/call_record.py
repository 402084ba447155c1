"""One line of JSON for each call that the policy judged: what was decided, why, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import ClassVar, Final

from proxy.core.events import Answered, Ended, Event, Judged, Shadowed, SoftswitchSaid, Unanswered
from proxy.numbers.numbering import Number
from proxy.policy.answers import Answer, reference
from proxy.policy.verdict import Step, Verdict

# One line for every call: the frame is written out here, and the encoder of the json module quotes the texts.
_text: Final = encode_basestring_ascii


class CallRecords:
    """A listener that writes a line when a call or text gets its final response, or never will, another one at the end
    of each call that was answered, and one for what a source in shadow mode said. `write` takes a line, without its
    end."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset((Answered, Unanswered, Ended, Shadowed))

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __call__(self, event: Event) -> None:
        if line := record_line(event):
            self._write(line)


def record_line(event: Event) -> str:
    """The line for one event; empty for those that leave no record."""
    if isinstance(event, Ended):
        return ended_line(event)
    if isinstance(event, (Answered, Unanswered)):  # quicker than a union
        return call_line(event)
    return shadow_line(event) if isinstance(event, Shadowed) else ""


def call_line(event: Answered | Unanswered) -> str:
    """The record of what was decided and what came of it.

    `final` is the status sent to the caller, None where none was; `elapsed_us` is in microseconds, the timestamp is
    when the request arrived (UTC). Of a call with a treatment `label` is what the phone shows, `service` what the
    switch was asked for, `reference` what a 603+ told the caller. Of a call that the switch refused `reason` and
    `retry_after` are what it said, `switch_status` its status where the caller got another one. `rang` and `answered`
    tell when it did, `ended` and `by` when a call without an answer was over and who ended it, `legs` holds the
    Call-IDs of the softswitch's own legs, as far as the proxy knows. `waited_ms` is how long remote sources were
    waited for, in milliseconds.
    """
    judged = event.judged
    arrived = timestamp(judged.call.arrival)
    more = _treated(judged.call_id, judged.verdict, arrived)
    if isinstance(event, Answered):
        over = f'"answered":"{timestamp(event.at)}",'
    else:
        over = f'"ended":"{timestamp(event.at)}","by":"{event.by}",'
        if event.said is not None:
            more += _said(event.said, event.status)
    rang = f'"rang":"{timestamp(event.rang)}",' if event.rang is not None else ""
    return (
        f'{_decided("call", judged, arrived)},"final":{_number(event.status)},'
        f"{more}{_waited(judged)}{rang}{over}{_legs(event.legs)}{_elapsed(judged)}}}"
    )


def judged_line(event: Judged) -> str:
    """The verdict alone, as it was taken: the members of its record that are known by then."""
    arrived = timestamp(event.call.arrival)
    more = _treated(event.call_id, event.verdict, arrived)
    return f"{_decided('judged', event, arrived)},{more}{_waited(event)}{_elapsed(event)}}}"


def _decided(kind: str, judged: Judged, arrived: str) -> str:
    """The beginning of both: which call it is, and what was decided."""
    call, verdict = judged.call, judged.verdict
    return (
        f'{{"event":"{kind}","timestamp":"{arrived}","call_id":{_text(judged.call_id)},"method":{_text(call.method)},'
        f'"trunk":{_text(call.trunk)},"caller":{_text(shown(call.caller))},"callee":{_text(shown(call.callee))},'
        f'"action":"{verdict.action}","status":{_number(verdict.status)},"rule":"{verdict.rule}",'
        f'"detail":{_text(verdict.detail)},"trace":{_trace(verdict.trace)}'
    )


def _elapsed(judged: Judged) -> str:
    return f'"elapsed_us":{int(judged.elapsed * 1e6 + 0.5)}'


def _waited(judged: Judged) -> str:
    return f'"waited_ms":{judged.waited * 1000:.0f},' if judged.waited else ""


def ended_line(event: Ended) -> str:
    """The end of a call that was answered; it has its record already. `seconds` is how long it stood."""
    rang = f'"rang":"{timestamp(event.rang)}",' if event.rang is not None else ""
    return (
        f'{{"event":"ended","timestamp":"{timestamp(event.at)}","call_id":{_text(event.call_id)},'
        f'{rang}"answered":"{timestamp(event.answered)}",{_legs(event.legs)}"by":"{event.by}",'
        f'"seconds":{_seconds(event.at - event.answered)}}}'
    )


def shadow_line(event: Shadowed) -> str:
    """The answer of a rule in shadow mode that had to ask first, and was not waited for."""
    rule, mode, outcome, detail = event.step
    return (
        f'{{"event":"shadow","timestamp":"{timestamp(event.at)}","call_id":{_text(event.call_id)},'
        f'"rule":"{rule}","mode":"{mode}","outcome":"{outcome}","detail":{_text(detail)}}}'
    )


def _legs(legs: tuple[str, ...]) -> str:
    return f'"legs":[{",".join(map(_text, legs))}],' if legs else ""


def _said(said: SoftswitchSaid, final: int | None) -> str:
    changed = f'"switch_status":{said.status},' if said.status != final else ""
    texts = (("reason", said.reason), ("retry_after", said.retry_after))
    return changed + "".join(f'"{name}":{_text(value)},' for name, value in texts if value)


def _treated(call_id: str, verdict: Verdict, arrived: str) -> str:
    if not verdict.service and verdict.treatment is None:
        return ""
    told = isinstance(verdict.treatment, Answer) and verdict.treatment.reject == "603+"
    fields = {
        "label": verdict.label,
        "service": verdict.service,
        "reference": reference(call_id, arrived) if told else "",
    }
    return "".join(f'"{name}":{_text(value)},' for name, value in fields.items() if value)


def timestamp(arrival: float) -> str:
    """An epoch time as it stands in the record, and in all logs: UTC, with a Z."""
    microseconds = int(arrival * 1e6 + 0.5)
    seconds = microseconds // 1_000_000
    to_the_second = _SECONDS.get(seconds)
    if to_the_second is None:  # calls come many a second
        if len(_SECONDS) >= _MOST_SECONDS:
            _SECONDS.clear()
        to_the_second = _SECONDS[seconds] = datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]
    return f"{to_the_second}.{_padded(microseconds - seconds * 1_000_000, 1_000_000)}Z"


_MOST_SECONDS: Final = 256
_SECONDS: Final[dict[int, str]] = {}


def _padded(value: int, limit: int) -> str:
    """The digits of a number below a power of ten, with zeros in front: mypyc makes slow code of formats."""
    return str(limit + value)[1:]


def _seconds(value: float) -> str:
    """Seconds, to the millisecond."""
    milliseconds = int(max(value, 0.0) * 1e3 + 0.5)
    seconds = milliseconds // 1000
    return f"{seconds}.{_padded(milliseconds - seconds * 1000, 1000)}"


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


@lru_cache(maxsize=1024)
def _trace(trace: tuple[Step, ...]) -> str:
    return json.dumps(trace, separators=(",", ":"))


def shown(number: Number) -> str:
    """A number as E.164, or as it was presented where it is none; JSON can carry any of it."""
    text = number.e164 or number.presented
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
