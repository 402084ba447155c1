"""Calls and texts that come from the softswitch to a phone, held against what its owner decided.

Forwarding, a hunt group or click-to-dial ring a subscriber whom nobody dialled, and whose lists nobody asked. With
`softswitch_calls: judge` the owner's block list and barring decide on these legs as well. Whoever was let through to
the same subscriber a moment ago is not judged twice: what was labelled, challenged or allowed comes out of the
softswitch again. Rules about where a call came in, and about the caller's own network, say nothing of a leg.

A phone's redirection is a call that its owner asks for: where they may not make it, it counts as a refusal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from proxy.core.deciding import Decision
from proxy.core.routing import Routed, Router, is_secure
from proxy.core.settings import CoreSettings
from proxy.policy.call import Call, without_pin
from proxy.policy.case import called_subscriber
from proxy.policy.engine import Policy
from proxy.policy.memory import NOTHING, Memory
from proxy.policy.precedence import CALLERS_OWN
from proxy.policy.profile import Subscriber
from proxy.policy.snapshot import Snapshot
from proxy.policy.trunks import Trunk
from proxy.sip.errors import SipError, UnsupportedUriScheme, reason_for
from proxy.sip.flow import Flow
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request, Response
from proxy.sip.privacy import MOST_ENTRIES

RULES = frozenset(
    (
        "never_block",
        "subscriber.allow",
        "subscriber.block",
        "anonymous.reject",
        "barring.all_incoming",
        "barring.incoming_when_roaming",
        "barring.incoming_international",
    )
)
PASSES = Decision()
_LEGS = frozenset(("INVITE", "MESSAGE"))
SOFTSWITCH = Trunk("softswitch", "domestic", trust_identity=True)
_REMEMBERED_FOR = 180.0  # seconds from a verdict to the last leg that it is good for: phones in turn, a challenge
_MOST_REMEMBERED = 100_000  # calls let through


class LegScreening:
    """Decides over legs to phones, and remembers who was let through to whom."""

    def __init__(self, settings: CoreSettings, router: Router, memory: Memory = NOTHING) -> None:
        self._settings = settings
        self._router = router
        self._memory = memory
        # Caller and callee -> until when; oldest first.
        self._let_through: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, decision: Decision, snapshot: Snapshot, now: float) -> None:
        """Remember a call from outside that was let through to somebody."""
        call, verdict = decision.call, decision.verdict
        if call is None or verdict is None or verdict.action in ("reject", "divert"):
            return
        called = called_subscriber(call, snapshot)
        if called is None:
            return
        held = self._let_through
        for caller in _callers(call):
            held.pop((caller, called.number), None)
            held[caller, called.number] = now + _REMEMBERED_FOR
        while held and (len(held) > _MOST_REMEMBERED or next(iter(held.values())) < now):
            held.popitem(last=False)

    def decide(self, request: Request, routed: Routed, policy: Policy, now: float) -> tuple[Flow, Decision]:
        """Tell where to send what comes from the softswitch, and decide over it: only phones have owners.

        Raises SipError for what is to be answered with an error.
        """
        find_trunk = self._settings.find_trunk
        target = self._router.outward_target(request, routed, find_trunk)
        if target.transport != "tls" and is_secure(request.uri):
            raise UnsupportedUriScheme("sips is for TLS")
        if not self._settings.judge_softswitch or request.method not in _LEGS or request.to.tag is not None:
            return target, PASSES
        trunk = find_trunk(target.host, target.port)
        if trunk is None or trunk.kind != "access":
            return target, PASSES
        return target, self._judge(request, policy, now + self._settings.clock.epoch)

    def _judge(self, request: Request, policy: Policy, arrival: float) -> Decision:
        """`PASSES`, or a refusal. Raises BadRequest for a From that cannot be read."""
        snapshot, started = policy.snapshot, self._settings.stopwatch()
        called = _owner(request, snapshot)
        if called is None:
            return PASSES
        request.from_  # noqa: B018  # raises
        call = Call.from_request(request, SOFTSWITCH, snapshot.numbering, arrival, callee=f"tel:{called.number}")
        callers = _callers(call)
        if called.number in callers or call.caller.digits in snapshot.service_numbers:
            return PASSES
        now = arrival - self._settings.clock.epoch
        if any(self._let_through.get((caller, called.number), 0.0) >= now for caller in callers):
            return PASSES
        verdict = policy.refuses(call, RULES, self._memory)
        if verdict is None:
            return PASSES
        return Decision(call=call, verdict=verdict, elapsed=self._settings.stopwatch() - started)

    def bars_deflection(self, response: Response, request: Request | None, policy: Policy) -> bool:
        """Turn a phone's redirection (RFC 3261 21.3) into a refusal where its owner may not call the number that it
        names: the softswitch would call it for them. `request` is None once it had its final response."""
        owner = _owner(request, policy.snapshot) if request is not None else None
        if owner is None or not (owner.barring.outgoing_international or owner.barring.all_outgoing):
            return False
        targets = response.values("contact")
        readable = list(_readable(targets[:MOST_ENTRIES]))
        if len(readable) == len(targets) and not any(_may_not_call(owner, uri, policy) for uri in readable):
            return False
        response.status, response.reason = 480, reason_for(480)
        response.remove("contact")
        return True


def _may_not_call(owner: Subscriber, uri: str, policy: Policy) -> bool:
    understand = policy.snapshot.numbering.understand
    callee = without_pin(understand(uri))
    call = Call("INVITE", understand(owner.number), "", callee, "softswitch", "access", True, 0.0, uri=uri)
    return policy.refuses(call, CALLERS_OWN) is not None


def _callers(call: Call) -> list[str]:
    return [number.e164 or number.digits or number.presented for number in call.presented]


def _owner(request: Request, snapshot: Snapshot) -> Subscriber | None:
    """The subscriber whose phone a leg is for: as the softswitch says (RFC 7315 4.2), by the user of the Contact that
    is its Request-URI, as the last target (RFC 7044), and by To, where that did not forward the call."""
    find, understand = snapshot.subscriber, snapshot.numbering.understand
    history = _uris(request, "history-info")
    for uri in (*_uris(request, "p-called-party-id")[:1], request.uri, *history[-1:]):
        if (called := find(understand(uri))) is not None:
            return called
    dialled = find(understand(request.to.uri))
    forwarders = [find(understand(uri)) for uri in (*_uris(request, "diversion"), *history[:-1])]
    return None if dialled in forwarders else dialled


def _uris(request: Request, name: str) -> list[str]:
    if not request.has(name):  # as in most legs
        return []
    return list(_readable(request.values(name)))


def _readable(values: Iterable[str]) -> Iterable[str]:
    for value in values:
        try:
            yield parse_name_addr(value).uri
        except SipError:  # tells nothing
            continue
