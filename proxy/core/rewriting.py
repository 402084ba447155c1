"""Changes to a request on its way through: headers of ours, and what its receiver is not to believe or to know."""

from __future__ import annotations

from proxy.core.deciding import Decision
from proxy.core.routing import Router
from proxy.core.screening import DIALOG_MAKING
from proxy.core.settings import CoreSettings
from proxy.identity.assertions import clean
from proxy.identity.authentication import Authenticator
from proxy.identity.concealment import conceal, withholds_identity
from proxy.identity.labels import put_label
from proxy.identity.registrations import Registrations
from proxy.numbers.numbering import Numbering
from proxy.policy.call import sender_uri
from proxy.policy.trunks import Side
from proxy.sip.flow import Flow
from proxy.sip.message import Request


class Rewriter:
    """Makes the request that is sent on of the one that came."""

    def __init__(
        self, settings: CoreSettings, router: Router, authenticator: Authenticator, registrations: Registrations
    ) -> None:
        self._settings = settings
        self._softswitch = settings.softswitch
        self._router = router
        self._authenticator = authenticator
        self._registrations = registrations

    def onward(
        self,
        request: Request,
        branch: str,
        outer: Flow,
        target: Flow,
        side: Side,
        decision: Decision,
        numbering: Numbering,
    ) -> Request:
        """A request from `side` as it goes to `target`; `outer` is the flow of who is not the softswitch."""
        method, call, verdict = request.method, decision.call, decision.verdict
        forwarded = self._router.forward(request, target, branch)
        if method in DIALOG_MAKING:
            other = numbering.understand(sender_uri(request) if side == "softswitch" else request.uri)
            known_as = other.e164 or other.presented
            self._router.record_route(forwarded, outer, self._softswitch.local, known_as, outward=side == "softswitch")
        elif method == "REGISTER":
            self._router.add_path(forwarded, outer, self._softswitch.local)
            if decision.registration is not None:
                self._registrations.forward(forwarded, decision.registration)
        self.clean(forwarded, side)
        if side == "softswitch" and forwarded.has("identity"):
            self._withhold_signature(forwarded, target)
        if decision.subscriber is not None:
            self._authenticator.assert_identity(forwarded, decision.subscriber)
        if call is not None and call.name_withheld:
            conceal(forwarded, call)
        if verdict is not None:
            if verdict.service:
                forwarded.uri = self._router.service_uri(verdict.service, target)
            if verdict.label:
                put_label(forwarded, verdict)
        return forwarded

    def clean(self, forwarded: Request, side: Side) -> None:
        """Take out what was for us, what is not to be believed and what is to be kept private."""
        if side != "softswitch" and side.auth == "digest":
            self._authenticator.forget_credentials(forwarded)
        clean(forwarded, side)

    def _withhold_signature(self, forwarded: Request, target: Flow) -> None:
        """Keep a signature from phones where it would tell who calls (RFC 8224 4): networks need it."""
        trunk = self._settings.find_trunk(target.host, target.port)
        if withholds_identity(forwarded) and trunk is not None and trunk.kind == "access":
            forwarded.remove("identity")
