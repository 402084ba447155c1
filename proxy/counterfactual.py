"""Decides again over a call that was recorded, with the rule that decided turned off: what would have become of it?

It is told only where the same files lead to the recorded verdict once more. Where they do not, since a subscriber
changed their mind meanwhile or the proxy knew more, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from proxy.config.models import ProxyConfig
from proxy.core.deciding import decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.memory import NOTHING, Memory
from proxy.policy.precedence import REMOTE, SETTABLE, SPOOFED
from proxy.policy.profile import Subscriber
from proxy.policy.snapshot import SubscriberDirectory
from proxy.policy.verdict import Verdict
from proxy.process.loading import load_snapshot
from proxy.sip.errors import SipError
from proxy.sip.message import Request, parse

_BARRING, DEFAULT = "barring.incoming_international", "default.allow"
_CREDENTIALS = ("authorization", "proxy-authorization")


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The verdict without `rule`: what the next rule would have done. Where that cannot be told, `unknown` says why."""

    rule: str
    action: str = ""
    status: int | None = None
    by: str = ""
    detail: str = ""
    asks: str = ""
    unknown: str = ""


class _Barred:
    """Subscribers who all bar calls from abroad."""

    def __init__(self, people: SubscriberDirectory) -> None:
        self._people = people

    def find(self, number: str, /) -> Subscriber | None:
        """The subscriber with that number, who does."""
        return _barred(self._people.find(number))

    def find_user(self, user: str, /) -> Subscriber | None:
        """The subscriber with that user name, who does."""
        return _barred(self._people.find_user(user))


def _barred(subscriber: Subscriber | None) -> Subscriber | None:
    return subscriber and subscriber.but(barring=subscriber.barring.but(incoming_international=True))


class Reconsidering:
    """Decides by the files of a config, which `snapshot` is made of. Raises FileErrors and OSError where they cannot be
    read."""

    def __init__(self, config: ProxyConfig) -> None:
        self.snapshot = load_snapshot(config)
        self._trunks = {trunk.name: trunk for trunk in config.trunk_table().trunks}
        self._policies: dict[tuple[str, bool], Policy] = {}

    def without_its_rule(self, record: Mapping[str, Any], requests: Iterable[bytes]) -> Counterfactual | None:
        """The verdict on a call without the rule that decided, by the proxy's record of it and the requests with which
        it came in. None where no rule stood in for it: whatever is turned off, it is let through, or was an order."""
        rule = record["rule"]
        if rule not in SETTABLE:
            return Counterfactual(rule, unknown="it is always enforced") if rule == SPOOFED else None
        try:
            call = self._judged(record, requests)
        except (SipError, ValueError) as error:
            return Counterfactual(rule, unknown=f"the request cannot be read again: {error}")
        if call is None:
            return Counterfactual(rule, unknown="the request was not recorded")
        for memory in (NOTHING, EmergencyCalls(assumed=call.arrival)):
            if self._repeats(record, self._decided(call, memory)):
                return _told(rule, self._decided(call, memory, off=rule))
        return Counterfactual(rule, unknown="its files no longer lead to what the proxy decided")

    def refused_if_barred(self, record: Mapping[str, Any], requests: Iterable[bytes]) -> bool:
        """True for a call that was let through, and that barring of calls from abroad by its callee would stop."""
        if record["rule"] != DEFAULT:
            return False
        try:
            call = self._judged(record, requests)
        except (SipError, ValueError):
            return False
        if call is None:
            return False
        verdict = self._decided(call, NOTHING, barred=True)
        return verdict is not None and verdict.rule == _BARRING

    def _judged(self, record: Mapping[str, Any], requests: Iterable[bytes]) -> Call | None:
        """The call as the policy saw it: of a caller who had to prove who they are, the request that did."""
        trunk = self._trunks.get(record["trunk"])
        found = [request for data in requests if (request := _opening(data, record["method"])) is not None]
        if trunk is None or not found:
            return None
        proven = [request for request in found if any(request.has(name) for name in _CREDENTIALS)]
        request = proven[-1] if trunk.auth == "digest" and proven else found[0]
        authenticated = record["caller"] if trunk.auth == "digest" and proven else None
        arrival = datetime.fromisoformat(record["timestamp"]).timestamp()
        return Call.from_request(request, trunk, self.snapshot.numbering, arrival, authenticated)

    def _decided(self, call: Call, memory: Memory, off: str = "", *, barred: bool = False) -> Verdict | None:
        if (policy := self._policies.get((off, barred))) is None:
            snapshot = self.snapshot
            modes = {**snapshot.modes, off: "off"} if off else snapshot.modes
            people = _Barred(snapshot.subscribers) if barred else snapshot.subscribers
            self._policies[off, barred] = policy = Policy(replace(snapshot, modes=modes, subscribers=people))
        try:
            return decide(call, policy, memory=memory).verdict
        except SipError:
            return None

    @staticmethod
    def _repeats(record: Mapping[str, Any], verdict: Verdict | None) -> bool:
        if verdict is None:
            return False
        rule = record["rule"]
        if rule != REMOTE:
            return (verdict.action, verdict.status, verdict.rule) == (record["action"], record["status"], rule)
        asked = [(step.rule, step.outcome) for step in verdict.trace]  # what the source said is not known here
        before = [(step[0], step[2]) for step in record["trace"] if step[0] != REMOTE]
        return asked[: len(before)] == before


def _opening(data: bytes, method: str) -> Request | None:
    """The request in these bytes, where it begins a call or text."""
    message = parse(data)
    return message if isinstance(message, Request) and message.method == method and message.to.tag is None else None


def _told(rule: str, verdict: Verdict | None) -> Counterfactual:
    if verdict is None:
        return Counterfactual(rule, unknown="the request would have been refused before any rule was asked")
    asks = " and ".join(dict.fromkeys(lookup.source.name for lookup in verdict.asks)) if verdict.waits else ""
    return Counterfactual(rule, verdict.action, verdict.status, verdict.rule, verdict.detail, asks)
