"""A request that waits for an answer, with all that is needed to go on with it."""

from __future__ import annotations

from proxy.core.deciding import Decision
from proxy.core.response_context import ResponseContext
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from proxy.sip.flow import Flow
from proxy.sip.message import Request


class Parked:
    """`decision` is what there is of one so far, by `policy`: a reload changes nothing for a call that began before.
    `done`: it went on, or was answered, since `at`, when it was parked."""

    __slots__ = ("at", "context", "decision", "done", "fingerprint", "flow", "policy", "request", "trunk")

    def __init__(
        self,
        context: ResponseContext,
        request: Request,
        fingerprint: str,
        flow: Flow,
        trunk: Trunk,
        decision: Decision,
        policy: Policy,
        at: float,
    ) -> None:
        self.context = context
        self.request = request
        self.fingerprint = fingerprint
        self.flow = flow
        self.trunk = trunk
        self.decision = decision
        self.policy = policy
        self.at = at
        self.done = False
