"""The evidence of a call: what its three witnesses saw, the caller's side, the callee's phone and the proxy.

All times are seconds on the one monotonic clock of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from sys import intern
from types import MappingProxyType
from typing import Any

from proxy.self_service.desk import RULE as SELF_SERVICE
from simulator.judging.scores import Scores, scores_of

_NONE: Mapping[str, Path] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CallerSaw:
    """The caller's socket: when the first INVITE left and what came back.

    `lines` are the header lines of the refusal, where the scenario asks about them.
    """

    due: float
    sent: float | None = None
    ringing: float | None = None
    final: float | None = None
    status: int | None = None
    retransmissions: int | None = 0
    error: str | None = None
    lines: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lateness(self) -> float | None:
        """The delay of the INVITE behind its planned moment, in seconds."""
        return None if self.sent is None else self.sent - self.due

    @property
    def setup_delay(self) -> float | None:
        """INVITE sent until the first 18x, or until the final answer where nothing rang."""
        answered = self.final if self.ringing is None else self.ringing
        return None if self.sent is None or answered is None else answered - self.sent


@dataclass(frozen=True, slots=True)
class PhoneSaw:
    """The callee's socket: INVITEs (of a text: MESSAGEs) that reached the phone, and the status it gave.

    `lines` are the header lines of the first one, where the scenario asks about them.
    """

    invites: int = 0
    first_invite: float | None = None
    status: int | None = None
    error: str | None = None
    lines: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ProxyWrote:
    """The proxy's own record of the call (its call log, one JSON line a call); calls share equal texts.

    `shadow` has the rules in shadow mode that were asked before the verdict, and the action that each would have taken,
    or "no_match". `scores` are those of the rules that score callers, by kind.
    """

    action: str
    status: int | None
    rule: str
    detail: str
    final: int | None
    elapsed_us: float | None = None
    service: str = ""
    shadow: tuple[tuple[str, str], ...] = ()
    scores: Scores = ()

    @property
    def served(self) -> bool:
        """True if this was an order to self-service that was carried out: it reaches the proxy and no phone."""
        return self.rule == SELF_SERVICE and self.action != "reject"

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ProxyWrote:
        """Read one parsed line of the call log."""
        return cls(
            intern(record["action"]),
            record.get("status"),
            intern(record["rule"]),
            intern(record.get("detail") or ""),
            record.get("final"),
            record.get("elapsed_us"),
            record.get("service") or "",
            _shadow(record.get("trace", ())),
            scores_of(record.get("trace", ())),
        )


def _shadow(trace: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    found = tuple((rule, outcome) for rule, mode, outcome, _ in trace if mode == "shadow")
    return _seen_before(found) if found else ()


@lru_cache(maxsize=1024)  # calls have few sorts of it: each is kept once
def _seen_before(found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return found


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one call that was placed, before anybody judges it.

    `call_id` is the one with which it left the caller. `switch_received` is when it first came to the softswitch's
    socket from the proxy, where that is known. `recordings` are the files of what the caller, the phone and the switch
    hear, whole once the call has ended; there is none of a side that recorded nothing.
    """

    call_id: str
    caller_saw: CallerSaw
    phone_saw: PhoneSaw = PhoneSaw()
    proxy_wrote: ProxyWrote | None = None
    recordings: Mapping[str, Path] = field(default_factory=lambda: _NONE)
    switch_received: float | None = None
