"""Dialogs through a softswitch that stays on their path."""

from __future__ import annotations

from typing import Any

from proxy.core.proxy_core import ProxyCore
from proxy.sip.flow import Flow
from tests.plays.dialogue import ABROAD, DAUGHTER, PHONE, SWITCH, Play, new_core, play, request

TCP_SWITCH = Flow("tcp", SWITCH.host, SWITCH.port, 1)
ONE = ["<sip:127.0.0.9:5080;lr>"]
TWO = ["<sip:127.0.0.9:5080;r2=on;lr>", "<sip:127.0.0.9:5080;transport=tcp;r2=on;lr>"]
BEYOND = ["<sip:127.0.0.9:5080;lr;ftag=from>", "<sip:127.0.0.10:5090;lr>", "<sip:core.example;lr>"]
IN_DIALOG = ["BYE", "PRACK", "UPDATE", "INFO", "INVITE", "REFER", "NOTIFY"]
REFERS = [("Refer-To", f"<sip:{DAUGHTER}@h>")]
REMOTE = "sip:callee@10.1.1.1:5062"  # a contact behind the switch


class Dialog:
    """A call through a switch that record-routed: `route_set` is what the side away from it has to send."""

    def __init__(self, recorded: list[str], flow: Flow, core: ProxyCore | None = None) -> None:
        self.flow = flow
        self.core = core or new_core()
        self.dialogue = play(self.core)
        self.route_set: list[str] = []
        self._count = 1

    @classmethod
    def from_outside(cls, recorded: list[str], flow: Flow = ABROAD, core: ProxyCore | None = None) -> Dialog:
        dialog = cls(recorded, flow, core)
        heard = dialog.dialogue.receive(request("INVITE", flow), flow).sends(100).sends("INVITE")
        ours = heard.forwarded.headers("record-route")
        dialog.route_set = [*ours[::-1], *recorded]
        heard.answer(200, dialog.core.settings.softswitch, [("Record-Route", r) for r in [*recorded[::-1], *ours]])
        heard.sends(200, flow)
        return dialog

    @classmethod
    def from_the_switch(cls, recorded: list[str], flow: Flow = PHONE) -> Dialog:
        dialog = cls(recorded, flow)
        uri = f"sip:a@{flow.host}:{flow.port}"
        more = [("Record-Route", route) for route in recorded]
        if flow.transport != "udp":
            more += [("Route", path) for path in registered(dialog.core, flow)]
        call = request("INVITE", SWITCH, uri=uri, more=more)
        heard = dialog.dialogue.receive(call, SWITCH).sends(100, SWITCH).sends("INVITE", flow)
        dialog.route_set = heard.forwarded.values("record-route")
        heard.answer(200, flow).sends(200, SWITCH)
        return dialog

    def sends(self, method: str, routes: list[str] | None = None, uri: str = REMOTE, **more: Any) -> Play:
        """A request within the dialog, by the route set, or by other Routes."""
        self._count += 1
        headers = [("Route", route) for route in (self.route_set if routes is None else routes)]
        headers += REFERS if method == "REFER" else []
        options = {"to_tag": "callee", "to": "callee", **more}
        data = request(
            method, self.flow, uri=uri, branch=f"z9hG4bK-{self._count}", cseq=self._count, more=headers, **options
        )
        return self.dialogue.receive(data, self.flow)


def registered(core: ProxyCore, flow: Flow, service_route: list[str] | None = None) -> list[str]:
    """The Path of a phone that registered; the switch hands out a Service-Route."""
    heard = play(core).receive(request("REGISTER", flow, uri="sip:127.0.0.1"), flow).sends("REGISTER")
    path = heard.forwarded.headers("path")
    heard.answer(200, headers=[("Service-Route", ", ".join(service_route or []))] if service_route else [])
    heard.sends(200, flow)
    return path
