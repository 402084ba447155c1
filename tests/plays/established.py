"""A call that stands, and the routes of its dialogs."""

from __future__ import annotations

from proxy.core.proxy_core import ProxyCore
from proxy.sip.flow import Flow
from tests.plays.dialogue import ABROAD, SWITCH, Play, play, request


def established(core: ProxyCore | None = None, flow: Flow = ABROAD) -> Play:
    """A call from outside, answered and acknowledged."""
    dialogue = play(core).receive(request("INVITE", flow), flow).sends(100).sends("INVITE", SWITCH)
    routes = [("Record-Route", route) for route in dialogue.forwarded.headers("record-route")]
    return dialogue.answer(200, headers=routes).sends(200, flow)


def routes(dialogue: Play) -> list[str]:
    """The Record-Route values of the call, as the switch saw them."""
    return dialogue.last.headers("record-route")
