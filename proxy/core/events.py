"""Events, for all who want to hear of them: the core puts them into its `outputs`, in order, and knows no listener.

A listener takes one event at a time (call records, the log and metrics do; a capture and a console can); with an
attribute `hears`, a set of their classes, it gets these only. Events are frozen and say all that there is to say: no
listener has to ask the core. `at` and all other times are in seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from proxy.core.questions import Ask
from proxy.policy.call import Call
from proxy.policy.verdict import Step, Verdict
from proxy.reputation.sources import SourceDown, SourceFailed, SourceUp
from proxy.sip.flow import Flow
from proxy.subscribers.changes import Change

# Who ended a call: the far side, the policy or an error of ours, the softswitch itself, or nobody in time.
Party = Literal["caller", "callee", "proxy", "softswitch", "timeout"]


class SoftswitchSaid(NamedTuple):
    """The refusal of a call by the switch: its status, Reason (RFC 3326) and Retry-After (RFC 3261 20.33)."""

    status: int
    reason: str
    retry_after: str


class Judged(NamedTuple):
    """A call, text or transfer was decided over. `elapsed` is how long that took, `waited` how long remote sources were
    waited for before, in seconds."""

    call_id: str
    call: Call
    verdict: Verdict
    elapsed: float
    waited: float = 0.0


class Shadowed(NamedTuple):
    """A rule in shadow mode, which had to ask first, would have said this of a call that went on meanwhile."""

    call_id: str
    at: float
    step: Step


class Rang(NamedTuple):
    """The caller was told that it rings: by 180, or by 183 where that is no announcement of a refusal."""

    judged: Judged
    at: float


class Cancelled(NamedTuple):
    """A call that still rang was given up, by its caller, or by the proxy because nobody answered in time."""

    judged: Judged
    at: float
    by: Party


class Answered(NamedTuple):
    """A call or text got its 2xx. `legs` are the Call-IDs of the softswitch's legs to whom it rang, where known."""

    judged: Judged
    at: float
    status: int
    rang: float | None
    legs: tuple[str, ...]


class Unanswered(NamedTuple):
    """A call or text is over without having been answered. `status` is what its sender got, None where nobody waited
    for an answer any more; `said` is what the switch refused with, where it did."""

    judged: Judged
    at: float
    status: int | None
    rang: float | None
    legs: tuple[str, ...]
    by: Party
    said: SoftswitchSaid | None


class Ended(NamedTuple):
    """A call that was answered is over. By timeout: nothing was heard of its end for so long that it is given up."""

    call_id: str
    at: float
    rang: float | None
    answered: float
    legs: tuple[str, ...]
    by: Party


class ProfileChanged(NamedTuple):
    """A subscriber's order is in force, and saved."""

    at: float
    changes: tuple[Change, ...]


class Refused(NamedTuple):
    """A request went no further. `status` is what it was answered with; 0: an ACK, which gets no answer."""

    status: int
    reason: str
    method: str
    call_id: str
    peer: Flow


# What peers cause, and operators should hear of.
PeerFault = Literal[
    "unknown_source",
    "softswitch_unreachable",
    "too_many_connections",
    "accept_failed",
    "connection_failed",
    "stream_unusable",
]


class PeerNoticed(NamedTuple):
    """A peer did, or caused, what operators should hear of: at any rate, so that listeners count rather than tell."""

    fault: PeerFault
    peer: Flow


class SoftswitchDown(NamedTuple):
    """The softswitch went away: `cause` says how that was noticed, `failed` how many requests were answered for it."""

    cause: str
    failed: int


class SoftswitchUp(NamedTuple):
    """The softswitch is back after so many `seconds`, in which so many requests were `refused`."""

    seconds: float
    refused: int


Event = (
    Judged
    | Shadowed
    | Rang
    | Cancelled
    | Answered
    | Unanswered
    | Ended
    | ProfileChanged
    | Refused
    | PeerNoticed
    | SoftswitchDown
    | SoftswitchUp
    | SourceFailed
    | SourceDown
    | SourceUp
    | Ask
)
EventListener = Callable[[Event], None]


def hears(listener: EventListener, kind: type[Event]) -> bool:
    """True for a listener that is to get events of that class."""
    wanted = getattr(listener, "hears", None)
    return wanted is None or kind in wanted
