"""The one decision: what becomes of a call, whoever asks. The running proxy, `ringfence explain` and tests ask here."""

from __future__ import annotations

from typing import Final, Literal

from proxy.identity.registrations import Registration
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.memory import NOTHING, Memory
from proxy.policy.precedence import SPOOFED
from proxy.policy.profile import Subscriber
from proxy.policy.remote import UNASKED, Opinions
from proxy.policy.verdict import Verdict
from proxy.self_service.desk import Served, ServiceDesk
from proxy.sip.value import Value

# `pass`: nobody judged it. `refuse`, and `announce` what the softswitch tells the caller first; `serve` an order, and
# `ask` where it is not known yet: an order is to be saved first, a remote source to be heard. The others go on, to the
# callee or to a service of the softswitch.
Outcome = Literal["pass", "allow", "label", "challenge", "divert", "refuse", "announce", "serve", "ask"]


class Decision(Value):
    """The decision about a request from outside.

    `subscriber` proved to have sent it, `registration` is what a REGISTER proved. `verdict` is the policy's on `call`,
    or the desk's (`served`) on an order; None where nobody judges: such a request simply goes on. `elapsed` is how
    long judging took, `waited` how long remote sources were waited for, in seconds.
    """

    __slots__ = ("call", "elapsed", "registration", "served", "subscriber", "verdict", "waited")
    __match_args__ = ("subscriber", "registration", "call", "verdict", "served", "elapsed", "waited")

    def __init__(
        self,
        subscriber: Subscriber | None = None,
        registration: Registration | None = None,
        call: Call | None = None,
        verdict: Verdict | None = None,
        served: Served | None = None,
        elapsed: float = 0.0,
        waited: float = 0.0,
    ) -> None:
        self.subscriber: Final = subscriber
        self.registration: Final = registration
        self.call: Final = call
        self.verdict: Final = verdict
        self.served: Final = served
        self.elapsed: Final = elapsed
        self.waited: Final = waited

    @property
    def asks(self) -> bool:
        """True where something is to be asked, be it that nothing waits for the answer."""
        if self.served is not None:
            return self.served.waits
        return self.verdict is not None and self.verdict.asks != ()

    @property
    def outcome(self) -> Outcome:
        """The thing to do, in a word."""
        verdict, served = self.verdict, self.served
        if verdict is None:
            return "pass"
        if verdict.waits or (served is not None and served.waits):
            return "ask"
        if verdict.action == "reject":
            return "announce" if verdict.service else "refuse"
        return verdict.action if served is None else "serve"


def decide(
    call: Call,
    policy: Policy,
    desk: ServiceDesk | None = None,
    memory: Memory = NOTHING,
    opinions: Opinions = UNASKED,
) -> Decision:
    """Decide over a call, made `from_request` or `from_fields`, at the time of its arrival, by the policy's snapshot.

    The desk says what becomes of an order, before the policy is asked; only who presents somebody else's number does
    not get that far. Nothing is changed or remembered: who carries the decision out sees to that. `desk` is None where
    subscribers order nothing, `memory` tells of earlier calls, `opinions` what remote
    sources said; what is missing the verdict asks. Raises SipError for an order that is no plain text, and
    for a claimed identity that cannot be read.
    """
    # An emergency call may come without credentials, an order may not.
    if desk is not None and not call.lacks_credentials and desk.is_order(call, policy.snapshot):
        spoofed = policy.refuses(call, _SPOOFED, memory) if call.authenticated else None
        if spoofed is not None:
            return Decision(call=call, verdict=spoofed)
        served = desk.serve(call, policy.snapshot)
        return Decision(call=call, verdict=served.verdict, served=served)
    return Decision(None, None, call, policy.decide(call, memory, opinions))


_SPOOFED = frozenset((SPOOFED,))
