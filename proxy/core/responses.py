"""Responses as they come back, and requests that get none (RFC 3261 16.7 to 16.9). Sans-IO."""

from __future__ import annotations

from collections import Counter
from typing import Final

from proxy.core.forwarding import Forwarding
from proxy.core.leg_screening import LegScreening
from proxy.core.loops import LENGTH
from proxy.core.peer_events import PeerEvents
from proxy.core.response_context import ResponseContexts
from proxy.core.routing import Router
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_watch import SoftswitchWatch
from proxy.identity.assertions import CLAIMS, clean
from proxy.identity.registrations import Registrations
from proxy.sip.flow import Flow
from proxy.sip.message import Response
from proxy.sip.transaction import State
from proxy.sip.transaction_layer import TransactionLayer

_BEHIND_A_BRANCH: Final = ("", ",", ";")


class Responses:
    """Brings responses back to the requests that they answer, and tells these of peers that say nothing."""

    def __init__(
        self,
        settings: CoreSettings,
        layer: TransactionLayer,
        contexts: ResponseContexts,
        router: Router,
        registrations: Registrations,
        legs: LegScreening,
        forwarding: Forwarding,
        watch: SoftswitchWatch,
        peer_events: PeerEvents,
        counters: Counter[str],
    ) -> None:
        self._settings = settings
        self._softswitch = settings.softswitch
        self._layer = layer
        self._contexts = contexts
        self._router = router
        self._registrations = registrations
        self._legs = legs
        self._forwarding = forwarding
        self._watch = watch
        self._peer_events = peer_events
        self._counters = counters

    def receive(self, response: Response, flow: Flow, now: float) -> None:
        """Take a response; one that answers nothing of ours is dropped."""
        via = response.line("via")
        start = via.find(";branch=") + 8
        end = start + LENGTH
        branch, cseq = via[start:end], response.line("cseq").rstrip()
        if start < 8 or via[end : end + 1] not in _BEHIND_A_BRANCH:
            branch = via[start:].partition(";")[0].partition(",")[0].strip()
        client = self._layer.clients.get((branch, method := cseq[cseq.rfind(" ") + 1 :]))
        if client is None:  # spelt in a rarer way, or none of ours
            client = self._layer.clients.get((response.via.branch or "", response.cseq.method))
        if client is None or (flow[1] != client.flow[1] and self._settings.side_of(flow) is None):
            if self._settings.side_of(flow) == "softswitch":
                self._watch.heard(now)
            if not self._contexts.late.receive(branch, response, flow, now):
                self._counters["stray_response"] += 1  # RFC 6026 8.2: dropped
        else:
            if 300 <= response.status < 400 and client.flow != self._softswitch:
                self._counters["deflection_barred"] += self._legs.bars_deflection(
                    response, client.request, self._forwarding.policy
                )
            if response.shape.places(CLAIMS) != () and (side := self._settings.side_of(flow)) is not None:
                clean(response, side)
            if client.tu is not None and client.tu.registration is not None:
                self._registrations.registrar_responded(response, client.tu.registration, now)
            if method == "REGISTER" and client.flow == self._softswitch and client.tu is not None:
                self._router.softswitch_routes.learn(client.tu.server.flow.host, response)
            self._contexts.receive(client, response, now)
            if client.flow == self._softswitch:
                self._watch.heard(now)

    def run_timers(self, now: float) -> None:
        """Go on with requests whose time is over."""
        for client in self._layer.run_timers(now):
            if self._watch.gone(client, now):
                continue
            if client.flow == self._softswitch and client.state is State.TERMINATED:
                self._peer_events.note("softswitch_unreachable", client.flow)
            self._contexts.no_answer(client, now)

    def transport_failed(self, flow: Flow, now: float) -> None:
        """A stream to this peer broke or could not be made: its requests count as answered with 503 (16.9)."""
        for client in self._layer.connection_lost(flow):
            if not self._layer.fail(client, now) or self._watch.gone(client, now, refused=True):
                continue
            if flow == self._softswitch:
                self._peer_events.note("softswitch_unreachable", flow)
                self._contexts.unavailable(client, now)
                self._watch.suspect(now)
            else:
                self._contexts.no_answer(client, now, status=503)
