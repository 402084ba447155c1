"""Recorded calls -> the calls to place, as the records tell of them; an outcome that they leave open rings in vain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Subscriber
from simulator.scenario.calls import Behaviour, TrunkName
from simulator.scenario.records import RECORDED, Records
from simulator.traffic.call_records import Reading, RecordedCall, read_records
from simulator.traffic.planned_call import PlannedCall

Truth = Literal["scam", "legit", "attack", "unknown"]
_SHORTEST = 0.05  # seconds that a phone rings, however fast the pace
_RINGS = 10.0  # seconds, where the record does not tell


def replayed(
    records: Records, numbering: Numbering, subscribers: Mapping[str, Subscriber], reading: Reading | None = None
) -> Iterator[PlannedCall]:
    """The calls of the records, from the first of them on; calls that began before it begin with it.

    Callees are in E.164 form where they are numbers at home. Raises FileErrors where it is no file of such records.
    """
    reading = reading or Reading()
    names = {each.number: name for name, each in subscribers.items()}
    first: float | None = None
    for call in read_records(records, reading):
        first = call.start if first is None else first
        called = numbering.understand(call.callee)
        callee = called.e164 if called.e164 and called.region == numbering.home else call.callee
        start = round(max(0.0, call.start - first) / records.pace, 6)
        yield _planned(replace(call, callee=callee), records, names.get(callee), start, reading)


def _planned(
    call: RecordedCall, records: Records, callee_name: str | None, start: float, reading: Reading
) -> PlannedCall:
    behaviour: Behaviour = "ring_only" if call.outcome == "unknown" else call.outcome
    talk = call.talk or 0.0
    rings = call.lasts - talk if call.lasts is not None else _RINGS
    ring = round(max(_SHORTEST, rings / records.pace), 6)
    is_text = call.method == "MESSAGE"
    family = call.family or RECORDED
    return PlannedCall(
        id=f"{RECORDED}.{call.line}",
        campaign=family,
        family=family,
        trunk=_trunk(call, records, reading),
        caller=call.caller or "anonymous",
        caller_name=None,
        callee=call.callee,
        callee_name=callee_name,
        start=start,
        ring=0.0 if is_text else ring,
        talk=None if is_text else round(talk / records.pace, 6),
        behaviour="answer" if is_text else behaviour,
        cancel_after=ring if behaviour == "ring_only" and not is_text else None,
        agent="wire",
        truth=_truth(call, records),
        expect=None,
        display_name=call.display_name,
        method="MESSAGE" if is_text else "INVITE",
        body="(not recorded)" if is_text else None,
    )


def _trunk(call: RecordedCall, records: Records, reading: Reading) -> TrunkName:
    if isinstance(records.trunk, str):
        return records.trunk
    named = next((trunk for begins, trunk in records.trunk.items() if call.trunk.startswith(begins)), None)
    if named is None:
        reading.trunks[call.trunk] += 1
    return named or "international"


def recorded(call: PlannedCall) -> bool:
    """True for a call of records."""
    return call.id.startswith(f"{RECORDED}.")


def _truth(call: RecordedCall, records: Records) -> Truth:
    if isinstance(records.truth, str):
        return records.truth
    return next((truth for begins, truth in records.truth.items() if call.truth.startswith(begins)), "unknown")
