"""The sightings of one call by each side, and what they add up to: blocked, passed, or a fault of the lab.

A call counts as blocked only if the callee's phone saw no INVITE, the caller's side saw the refusal, and the
proxy's call record says so; it counts as passed only if all three agree on that. Anything else is a fault of
the lab: it is listed, it is never a success, and it makes the run invalid, since a lab whose three witnesses
disagree about one call cannot be believed about the others.
All times are seconds on the one monotonic clock of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.self_service.desk import RULE as SELF_SERVICE

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
class CallerSaw:
    """The caller's socket: when the first INVITE left and what came back."""

    due: float
    sent: float | None = None
    ringing: float | None = None
    final: float | None = None
    status: int | None = None
    retransmissions: int | None = 0
    error: str | None = None

    @property
    def lateness(self) -> float | None:
        """How long after its planned moment the INVITE left, in seconds."""
        return None if self.sent is None else self.sent - self.due

    @property
    def setup_delay(self) -> float | None:
        """INVITE sent until the first 18x, or until the final answer where nothing rang."""
        answered = self.final if self.ringing is None else self.ringing
        return None if self.sent is None or answered is None else answered - self.sent


@dataclass(frozen=True, slots=True)
class PhoneSaw:
    """The callee's socket: INVITEs (of a text: MESSAGEs) that reached the phone, and the status it gave."""

    invites: int = 0
    first_invite: float | None = None
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProxyWrote:
    """The proxy's own record of the call (its call log, one JSON line a call)."""

    action: str
    status: int | None
    rule: str
    detail: str
    final: int | None
    elapsed_us: float | None = None
    service: str = ""

    @property
    def served(self) -> bool:
        """True if this was an order to self-service that was carried out: it reaches the proxy and no phone."""
        return self.rule == SELF_SERVICE and self.action != "reject"

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ProxyWrote:
        """Read one parsed line of the call log."""
        return cls(
            record["action"],
            record.get("status"),
            record["rule"],
            record.get("detail") or "",
            record.get("final"),
            record.get("elapsed_us"),
            record.get("service") or "",
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The outcome that the scenario's author expects; None where nothing was said."""

    action: str | None = None
    rule: str | None = None
    status: int | None = None

    @property
    def settles_outcome(self) -> bool:
        """True if anything is said of what becomes of the call, be it what its truth asks for or not."""
        return any(said is not None for said in (self.action, self.rule, self.status))


@dataclass(frozen=True, slots=True)
class CallObservation:
    """One played call: what was planned, and what the three witnesses saw."""

    id: str
    name: str
    family: str
    truth: str
    trunk: str
    caller: str
    callee: str
    agent: str
    expected: Expected | None
    caller_saw: CallerSaw
    phone_saw: PhoneSaw
    proxy_wrote: ProxyWrote | None
    method: str = "INVITE"
    call_id: str = ""  # with which it left the caller, where that is not its id
    unproven: tuple[str, ...] = ()  # what the scenario wanted a side to see or hear, and it did not
    deaf: tuple[str, ...] = ()  # who of two real phones in conversation did not hear the other

    @property
    def timed(self) -> bool:
        """True if its setup delay counts: texts have none, and PJSIP looks at its sockets only every few
        milliseconds, which is more than what is to be measured. A star code has no counterpart without the proxy."""
        served = self.proxy_wrote is not None and self.proxy_wrote.served
        return self.method == "INVITE" and self.agent == "wire" and not served

    @property
    def unwanted(self) -> bool:
        """True for calls that a perfect filter blocks."""
        return self.truth in UNWANTED

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Why the three witnesses cannot all be right; empty when they agree."""
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
        """True if the outcome fits the truth: unwanted calls blocked, wanted ones passed."""
        return self.outcome is (Outcome.BLOCKED if self.unwanted else Outcome.PASSED)

    @property
    def judged_by_truth(self) -> bool:
        """True if the scenario leaves it to the truth (or to a threshold) what should become of the call."""
        return self.expected is None or not self.expected.settles_outcome

    @property
    def unmet_expectations(self) -> tuple[str, ...]:
        """How the call differs from what the scenario's `expect` says; empty where it says nothing."""
        if self.expected is None or self.proxy_wrote is None:
            return ()
        seen = {
            "action": self.proxy_wrote.action,
            "rule": self.proxy_wrote.rule,
            "status": self.caller_saw.status,
        }
        wanted = {"action": self.expected.action, "rule": self.expected.rule, "status": self.expected.status}
        differing = [
            f"{key} {seen[key]} instead of {value}"
            for key, value in wanted.items()
            if value is not None and seen[key] != value
        ]
        if self.unproven and not differing:  # what became of the call explains it, more often than not
            became = f"{seen['action']} by {seen['rule']}, and the caller got {seen['status']}"
            return (*self.unproven, became)
        return (*differing, *self.unproven)


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
    an_invite = "an INVITE" if call.method == "INVITE" else "the text"
    if caller.error:
        problems.append(f"the caller's agent failed: {caller.error}")
    elif caller.sent is None:
        problems.append(f"the caller's agent never sent the {call.method}")
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
            problems.append(f"the proxy recorded {record.action} but the phone saw no {call.method}")
        elif _came_late(phone, caller):
            problems.append(f"the phone saw {an_invite} only after the caller saw {caller.status}")
        elif caller.status not in (None, phone.status, _ACCEPTED[call.method]) and not _warned(phone, record):
            problems.append(f"the phone answered {phone.status} but the caller saw {caller.status}")
        if caller.status == 200:
            problems += call.deaf
        if caller.status is not None and record.final is not None and caller.status != record.final:
            problems.append(f"the proxy recorded a final {record.final} but the caller saw {caller.status}")
    else:
        problems.append(f"the proxy recorded an action nobody knows: {record.action}")
    return tuple(problems)
