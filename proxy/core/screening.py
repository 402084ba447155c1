"""The one decision on what comes from outside: the running core and `ringfence explain` both take it from here.

`Screening.decide` admits a request (its route, its trunk, the proof of who sent it) and has the desk and the policy
judge it. It returns a `Decision` and sends nothing; what is to be answered with an error it raises as a SipError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.deciding import Decision, decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.core.routing import Routed, Router, is_secure
from proxy.core.settings import CoreSettings
from proxy.core.transfers import check_refer, on_behalf_of
from proxy.core.treatment import check_callee
from proxy.identity.registrations import Registrations
from proxy.policy.call import JUDGED, Call
from proxy.policy.case import Case, number_origin
from proxy.policy.claims import claims_in, claims_of_others
from proxy.policy.engine import Policy
from proxy.policy.profile import Subscriber
from proxy.policy.remote import UNASKED, Opinions
from proxy.policy.trunks import Trunk
from proxy.self_service.desk import ServiceDesk
from proxy.sip.errors import Forbidden, LoopDetected, UnsupportedUriScheme
from proxy.sip.flow import Flow
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request
from proxy.sip.uri import SipUri, cached_uri

DIALOG_MAKING: Final = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))
_JUDGED_WITHIN_DIALOGS: Final = frozenset(("MESSAGE", "REFER"))  # a REFER has the softswitch make a call
_MAY_BE_URGENT: Final = frozenset(("INVITE", "MESSAGE"))


class Authenticates(Protocol):
    """Tells who sent a request. Raises ProxyAuthenticationRequired, Forbidden and BadRequest."""

    def authenticate(
        self,
        request: Request,
        find_user: Callable[[str], Subscriber | None],
        now: float,
        source: str,
        *,
        required: bool = True,
    ) -> Subscriber | None: ...


class Screening:
    """Decides over requests from outside. `registrations` may be None where no REGISTER is asked about."""

    def __init__(
        self,
        settings: CoreSettings,
        router: Router,
        authenticator: Authenticates,
        registrations: Registrations | None,
        emergencies: EmergencyCalls | None = None,
        opinions: Opinions = UNASKED,
    ) -> None:
        self._settings = settings
        self._router = router
        self._authenticator = authenticator
        self._registrations = registrations
        self.emergencies = emergencies or EmergencyCalls()
        self.opinions = opinions

    def route(self, request: Request, *, outside: bool = True) -> tuple[Routed, str]:
        """Take our own Routes off a request; returns what they said, and the fingerprint that tells loops.

        Raises LoopDetected, and BadRequest for a Route that does not parse.
        """
        fingerprint = self._router.branches.fingerprint(request)
        self._router.check_loop(request, fingerprint)
        return self._router.take_own_routes(request, outside=outside), fingerprint

    def decide(
        self,
        request: Request,
        routed: Routed,
        flow: Flow,
        trunk: Trunk,
        now: float,
        policy: Policy,
        desk: ServiceDesk | None,
        is_merged: Callable[[], bool],
    ) -> Decision:
        """Decide over a request that came in on `trunk`. `is_merged` tells whether it came by another way before, and
        is asked once, of a request that starts something.

        Emergency calls, and who proved to be where, are remembered; orders are for the caller to carry out. Raises
        SipError for what is to be answered with an error.
        """
        if flow.transport != "tls" and is_secure(request.uri):
            raise UnsupportedUriScheme("sips is for TLS")  # from us to the softswitch it is our own affair (26.2.2)
        self.check_relay(request, routed, trunk, flow.host)
        method, starts = request.method, request.to.tag is None
        in_dialog = not starts and self._in_known_dialog(request, routed, trunk, policy)
        if method == "REFER":
            check_refer(request, trunk, in_dialog=in_dialog)
        subscriber = registration = None
        if trunk.auth == "digest":
            if method == "REGISTER" and self._registrations is not None:
                registration = self._registrations.check(request, policy.snapshot, now, flow.host)
                if registration.proven:
                    self._note_owner(request, flow, policy)
            else:
                subscriber = self._authenticate(request, in_dialog and routed.flow == flow, flow, now, policy)
        if in_dialog and method not in _JUDGED_WITHIN_DIALOGS:
            return Decision(subscriber, registration)
        if starts and is_merged():
            raise LoopDetected("merged request")
        request.from_  # noqa: B018  # raises
        check_callee(request, policy.snapshot.numbering)
        if method not in JUDGED:
            return Decision(subscriber, registration)
        callee = self._dialog_peer_uri(request, routed, policy) if method == "MESSAGE" and not starts else ""
        decision = self._judge(request, trunk, now, policy, desk, subscriber, callee)
        if method == "REFER" and trunk.kind != "access":
            return self._for_the_transferred(decision, request, routed, policy)
        if trunk.kind == "access":
            self._note(decision, flow, trunk, policy)
        return decision

    def _note_owner(self, request: Request, flow: Flow, policy: Policy) -> None:
        """Remember whose phone is where, of one that registers."""
        snapshot = policy.snapshot
        if owner := snapshot.subscriber(snapshot.numbering.understand(request.to.uri)):
            self.emergencies.note_proof(flow, owner.number)

    def _note(self, decision: Decision, flow: Flow, trunk: Trunk, policy: Policy) -> None:
        """Remember who is where, and whose emergency call it is."""
        if decision.subscriber is not None:
            self.emergencies.note_proof(flow, decision.subscriber.number)
        call, verdict = decision.call, decision.verdict
        if call is None or call.callee.e164 is not None or verdict is None or verdict.action == "reject":
            return
        if not Case.of(call, policy.snapshot).is_emergency:
            return
        if decision.subscriber is not None:
            number: str | None = decision.subscriber.number
        elif trunk.auth == "digest":
            number = self.emergencies.at(flow)
        else:
            number = caller.number if (caller := policy.snapshot.subscriber(call.caller)) else None
        if number is not None:
            self.emergencies.note(number, call.arrival)

    def check_relay(self, request: Request, routed: Routed, trunk: Trunk, source: str) -> None:
        """Hold everything from outside to the softswitch, whatever its headers ask for. `source` is the address that
        it came from. Raises Forbidden."""
        uri = cached_uri(request.uri)  # a strict router's was repaired
        if request.has("route"):
            begins = request.to.tag is None
            in_dialog = not begins and self._is_on(routed, trunk)
            phone = source if begins and trunk.kind == "access" else ""
            self._router.softswitch_routes.check(request, in_dialog=in_dialog, phone=phone)
        if request.method == "REGISTER" and trunk.kind != "access":
            raise Forbidden("registration on a trunk")
        served = "*" in self._settings.domains or not isinstance(uri, SipUri) or self._router.serves(uri)
        if not served and not routed.in_dialog:
            raise Forbidden("domain not served here")

    def _is_on(self, routed: Routed, trunk: Trunk) -> bool:
        """True for a request of a dialog that came in on, or went out to, that trunk: our token says so."""
        flow = routed.flow
        if not routed.in_dialog or flow is None:
            return False
        found = self._settings.find_trunk(flow.host, flow.port)
        return found is not None and found.name == trunk.name

    def _in_known_dialog(self, request: Request, routed: Routed, trunk: Trunk, policy: Policy) -> bool:
        """True within a dialog of that trunk.

        Not for what could begin something with a subscriber, or a number abroad, with whom the dialog is not: a
        softswitch might take it for a new call. Raises Forbidden where a Route names one and the switch might put it
        into the Request-URI (RFC 3261 16.4).
        """
        if not self._is_on(routed, trunk):
            return False
        if request.method not in DIALOG_MAKING and request.method != "MESSAGE":
            return True
        uris = [request.uri]
        if request.has("route") and self._router.softswitch_routes.may_be_one(cached_uri(request.uri)):
            routes = [parse_name_addr(value).uri for value in request.values("route")]
            uris += [route for route in routes if not self._router.is_own(cached_uri(route))]  # tokens are no numbers
        for uri in uris:
            if self._names_another(uri, routed, policy) or (
                trunk.kind == "access" and self._leads_abroad(uri, routed, policy)
            ):
                if uri is not request.uri:
                    raise Forbidden("Route names somebody with whom the dialog is not")
                return False
        return True

    def _names_another(self, uri: str, routed: Routed, policy: Policy) -> bool:
        """True for the URI of a subscriber with whom the dialog is not."""
        snapshot = policy.snapshot
        named = snapshot.subscriber(snapshot.numbering.understand(uri))
        return named is not None and not self._router.tokens.is_about(routed.token, named.number, named.user)

    def _leads_abroad(self, uri: str, routed: Routed, policy: Policy) -> bool:
        """True for the URI of a number abroad with whom the dialog is not."""
        snapshot = policy.snapshot
        number = snapshot.numbering.understand(uri)
        if self._router.tokens.is_about(routed.token, number.e164 or number.presented):
            return False
        return number_origin(number, snapshot) == "overseas" or bool(snapshot.dialling.behind(uri).abroad)

    def _dialog_peer_uri(self, request: Request, routed: Routed, policy: Policy) -> str:
        """The URI of whom a text within a dialog is for. Its Request-URI is a contact: of the softswitch, or, where a
        Route leads on through the switch, of the other side. To says whom the dialog is with; a Request-URI that leads
        abroad counts itself.

        Raises Forbidden where that is not the one for whom our token was made, or the switch would act on another.
        """
        self._check_peer(request, routed, policy)
        if request.has("route") and self._names_another(request.uri, routed, policy):
            raise Forbidden("a text in a dialog with somebody else")
        return request.uri if self._leads_abroad(request.uri, routed, policy) else request.to.uri

    def _check_peer(self, request: Request, routed: Routed, policy: Policy) -> None:
        """Raises Forbidden where To does not name the one for whom our token was made."""
        snapshot = policy.snapshot
        number = snapshot.numbering.understand(request.to.uri)
        named = snapshot.subscriber(number)
        known_as = (number.e164 or number.presented, named.number if named else "", named.user if named else "")
        if not self._router.tokens.is_about(routed.token, *known_as):
            raise Forbidden("To names somebody with whom the dialog is not")

    def _for_the_transferred(self, decision: Decision, request: Request, routed: Routed, policy: Policy) -> Decision:
        """The decision on a transfer by a trunk, which must not get the subscriber where they could not call.

        Raises Forbidden where To names somebody with whom the dialog is not.
        """
        self._check_peer(request, routed, policy)
        number = policy.snapshot.numbering.understand(request.to.uri)
        if decision.call is None or decision.verdict is None or decision.verdict.action == "reject":
            return decision
        verdict = policy.decide(on_behalf_of(decision.call, number))
        return decision.but(verdict=verdict) if verdict.action == "reject" else decision

    def _authenticate(
        self, request: Request, vouched: bool, flow: Flow, now: float, policy: Policy
    ) -> Subscriber | None:
        """Tell who makes a request from a trunk that asks for credentials; None where they are not needed: the token
        of its dialog has `vouched`, or it is urgent."""
        if vouched and request.method not in _JUDGED_WITHIN_DIALOGS:
            return None
        in_dialog = request.to.tag is not None
        snapshot = policy.snapshot
        # Of emergencies only the call or text itself goes without: a REFER would call anybody.
        urgent = request.method in _MAY_BE_URGENT and snapshot.dialling.is_emergency(request.uri)
        find_user = snapshot.subscribers.find_user
        subscriber = self._authenticator.authenticate(request, find_user, now, flow.host, required=not urgent)
        judged = in_dialog or request.method in JUDGED  # by the dialog, or by the policy
        if subscriber and not judged:
            claims, numbering = claims_in(request), snapshot.numbering
            if claims_of_others(claims, subscriber.number, subscriber.user, numbering):
                raise Forbidden("a number of somebody else's")
        return subscriber

    def _judge(
        self,
        request: Request,
        trunk: Trunk,
        now: float,
        policy: Policy,
        desk: ServiceDesk | None,
        subscriber: Subscriber | None,
        callee: str,
    ) -> Decision:
        """Ask the policy and the desk. `callee` is the URI of who is meant where that is not who is dialled."""
        settings = self._settings
        started = settings.stopwatch()
        snapshot, number = policy.snapshot, subscriber.number if subscriber else None
        call = Call.from_request(request, trunk, snapshot.numbering, now + settings.clock.epoch, number, callee)
        made = decide(call, policy, desk, self.emergencies, self.opinions)
        return Decision(subscriber, None, call, made.verdict, made.served, settings.stopwatch() - started)
