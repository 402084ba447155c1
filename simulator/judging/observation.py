"""The evidence of one call, and what it adds up to: blocked, passed, or a fault of the lab.

A call counts as blocked only if the callee's phone saw no INVITE, the caller's side saw the refusal, and the
proxy's call record says so; it counts as passed only if all three agree on that. Anything else is a fault of
the lab: it is listed, it is never a success, and it makes the run invalid, since a lab whose three witnesses
disagree about one call cannot be believed about the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulator.judging.audio_checks import missing_sounds, one_way_audio
from simulator.judging.evidence import CallerSaw, Evidence, PhoneSaw, ProxyWrote
from simulator.judging.header_checks import missing_headers
from simulator.traffic.planned_call import PlannedCall

# What lets a call through, possibly with a mark on it; `divert` keeps the phone from ringing, and so does `challenge`
# until the caller has met it. Both are answered by the softswitch.
PASSING_ACTIONS = frozenset({"allow", "label"})
BLOCKING_ACTIONS = frozenset({"reject", "challenge", "divert"})
# What a softswitch may say before it has heard the phone: 202 to a text that it is about to deliver (RFC 3428 7).
_ACCEPTED = {"INVITE": None, "MESSAGE": 202}
_STALL = 0.5  # seconds that an agent may look at one socket later than at another
UNWANTED = frozenset({"scam", "attack"})


class Outcome(StrEnum):
    """The outcome of a call."""

    BLOCKED = "blocked"
    PASSED = "passed"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class CallObservation:
    """One played call: the plan, the evidence, and what checks of the evidence found.

    `unmet_evidence` is what the scenario wants a side to see or hear, and it did not; `one_way_audio` tells which of
    two real phones in conversation did not hear the other.
    """

    planned: PlannedCall
    evidence: Evidence
    unmet_evidence: tuple[str, ...] = ()
    one_way_audio: tuple[str, ...] = ()

    @classmethod
    def of(cls, planned: PlannedCall, evidence: Evidence) -> CallObservation:
        """Check the evidence of a call, whose recordings must be whole."""
        missing = (*missing_headers(planned.expect, evidence), *missing_sounds(planned.expect, evidence))
        return cls(planned, evidence, missing, one_way_audio(planned, evidence))

    @property
    def id(self) -> str:
        """The call's own name."""
        return self.planned.id

    @property
    def name(self) -> str:
        """The call's or its campaign's name."""
        return self.planned.campaign

    @property
    def caller_saw(self) -> CallerSaw:
        """The first witness."""
        return self.evidence.caller_saw

    @property
    def phone_saw(self) -> PhoneSaw:
        """The second witness."""
        return self.evidence.phone_saw

    @property
    def proxy_wrote(self) -> ProxyWrote | None:
        """The third witness; None where the proxy has no record of the call."""
        return self.evidence.proxy_wrote

    @property
    def timed(self) -> bool:
        """True if its setup delay counts: texts have none, and PJSIP looks at its sockets only every few
        milliseconds, which is more than what is to be measured. A star code has no counterpart without the proxy."""
        served = self.proxy_wrote is not None and self.proxy_wrote.served
        return self.planned.method == "INVITE" and self.planned.agent == "wire" and not served

    @property
    def time_to_refusal(self) -> float | None:
        """INVITE sent until the refusal came, in seconds; None of a call that was not refused, or not timed."""
        saw = self.caller_saw
        if saw.sent is None or saw.final is None or self.proxy_wrote is None or self.proxy_wrote.action != "reject":
            return None
        return saw.final - saw.sent if self.timed and self.outcome is Outcome.BLOCKED else None

    @property
    def transit_time(self) -> float | None:
        """INVITE sent until it came to the softswitch, in seconds; None where it did not, or nobody noted when."""
        came, sent = self.evidence.switch_received, self.caller_saw.sent
        return came - sent if came is not None and sent is not None and self.timed else None

    @property
    def decision_time(self) -> float | None:
        """The time that the proxy took to decide, by its own record, in seconds."""
        wrote = self.proxy_wrote
        return wrote.elapsed_us / 1e6 if wrote is not None and wrote.elapsed_us is not None else None

    @property
    def unwanted(self) -> bool:
        """True for calls that a perfect filter blocks."""
        return self.planned.truth in UNWANTED

    @property
    def disagreements(self) -> tuple[str, ...]:
        """The reasons why the three witnesses cannot all be right; empty when they agree."""
        return _disagreements(self)

    @property
    def outcome(self) -> Outcome:
        """Blocked or passed where all three witnesses agree, else a fault of the lab."""
        if self.proxy_wrote is None or self.disagreements:
            return Outcome.FAULT
        if self.proxy_wrote.served:
            return Outcome.PASSED
        blocked = self.proxy_wrote.action in BLOCKING_ACTIONS and not self.phone_saw.invites
        return Outcome.BLOCKED if blocked else Outcome.PASSED

    @property
    def rightly_judged(self) -> bool:
        """True if the outcome fits the truth: unwanted calls blocked, wanted ones passed, unknown ones either."""
        return self.planned.truth == "unknown" or self.outcome is (Outcome.BLOCKED if self.unwanted else Outcome.PASSED)

    @property
    def judged_by_truth(self) -> bool:
        """True if the scenario leaves it to the truth (or to a threshold) what should become of the call."""
        return self.planned.expect is None or not self.planned.expect.settles_outcome

    @property
    def unmet_expectations(self) -> tuple[str, ...]:
        """The differences between the call and the scenario's `expect`; empty where that says nothing."""
        expect = self.planned.expect
        if expect is None or self.proxy_wrote is None:
            return ()
        seen = {
            "action": self.proxy_wrote.action,
            "rule": self.proxy_wrote.rule,
            "status": self.caller_saw.status,
        }
        wanted = {"action": expect.action, "rule": expect.rule, "status": expect.status}
        differing = [
            f"{key} {seen[key]} instead of {value}"
            for key, value in wanted.items()
            if value is not None and seen[key] != value
        ]
        if self.unmet_evidence and not differing:  # what became of the call explains it, more often than not
            became = f"{seen['action']} by {seen['rule']}, and the caller got {seen['status']}"
            return (*self.unmet_evidence, became)
        return (*differing, *self.unmet_evidence)


def _warned(phone: PhoneSaw, record: ProxyWrote) -> bool:
    """True if the phone's own answer need not be the caller's: there was none, or whoever answered heard a warning
    first and may have hung up on it, which the switch then tells the caller."""
    return phone.status is None or (phone.status == 200 and record.service.startswith("rf*warn*"))


def _came_late(phone: PhoneSaw, caller: CallerSaw) -> bool:
    """True if the call was over for the caller, unanswered, when it came to a phone that had been away."""
    if phone.first_invite is None or caller.final is None or caller.status is None:
        return False
    return caller.status >= 300 and phone.first_invite > caller.final + _STALL


def _disagreements(call: CallObservation) -> tuple[str, ...]:
    caller, phone, record = call.caller_saw, call.phone_saw, call.proxy_wrote
    problems = []
    an_invite = "an INVITE" if call.planned.method == "INVITE" else "the text"
    if caller.error:
        problems.append(f"the caller's agent failed: {caller.error}")
    elif caller.sent is None:
        problems.append(f"the caller's agent never sent the {call.planned.method}")
    elif caller.status is None:
        problems.append("the caller saw no final answer")
    if phone.error:
        problems.append(f"the phone's agent failed: {phone.error}")
    if record is None:
        problems.append("the proxy wrote no call record")
    elif record.served:
        if phone.invites:
            problems.append(f"the proxy recorded an order but a phone saw {an_invite}")
        if caller.status not in (None, record.final):
            problems.append(f"the proxy recorded {record.final} but the caller saw {caller.status}")
    elif record.action in BLOCKING_ACTIONS:
        if phone.invites and record.action != "challenge":  # callers who meet the challenge get through
            problems.append(f"the proxy recorded {record.action} but the phone saw {an_invite}")
        gave_up = record.final == 487  # during the announcement before a refusal
        told = record.status if record.action == "reject" and not gave_up else record.final
        if caller.status is not None and caller.status != told:
            problems.append(f"the proxy recorded {told} but the caller saw {caller.status}")
    elif record.action in PASSING_ACTIONS:
        if not phone.invites:
            problems.append(f"the proxy recorded {record.action} but the phone saw no {call.planned.method}")
        elif _came_late(phone, caller):
            problems.append(f"the phone saw {an_invite} only after the caller saw {caller.status}")
        elif caller.status not in (None, phone.status, _ACCEPTED[call.planned.method]) and not _warned(phone, record):
            problems.append(f"the phone answered {phone.status} but the caller saw {caller.status}")
        if caller.status == 200:
            problems += call.one_way_audio
        if caller.status is not None and record.final is not None and caller.status != record.final:
            problems.append(f"the proxy recorded a final {record.final} but the caller saw {caller.status}")
    else:
        problems.append(f"the proxy recorded an action nobody knows: {record.action}")
    return tuple(problems)
