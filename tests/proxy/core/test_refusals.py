"""The reason of a refusal can be told: the core notes it where somebody asked for it, and the log writes it down."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from proxy.core.events import Event, Refused
from proxy.core.refusals import Refusals
from proxy.observability.log import EventLog, _drop_below_level
from proxy.sip.flow import Flow
from proxy.sip.message import Request, parse
from tests.plays.dialogue import ABROAD, BARRED, PHONE, STRANGER, SWITCH, Play, new_core, play, request, taken


def wanting(**settings: Any) -> Play:
    core = new_core(**settings)
    core.refusals.wanted = True
    return play(core)


def noted(dialogue: Play) -> list[tuple[int, str, str]]:
    """Status, method and reason of what was refused."""
    return [(one.status, one.method, one.reason) for one in dialogue.core.outputs if isinstance(one, Refused)]


@pytest.mark.parametrize(
    ("data", "flow", "status", "reason"),
    [
        (request("INVITE", more=[("Route", "<sip:192.0.2.1;lr>")]), ABROAD, 403, "Route leads past this proxy"),
        (
            request("INVITE", PHONE, more=[("Route", "<sip:127.0.0.9:5080;lr>,<sip:192.0.2.1;lr>")]),
            PHONE,
            403,
            "Route leads on behind the softswitch",
        ),
        (request("REGISTER"), ABROAD, 403, "registration on a trunk"),
        (
            request("REFER", more=[("Refer-To", "<sip:a@h>")]),
            ABROAD,
            403,
            "only phones may have the softswitch make calls",
        ),
        (request("INVITE", SWITCH, uri="sip:a@192.0.2.1"), SWITCH, 403, "the Request-URI is at no trunk's address"),
        (request("BYE", hops=0), ABROAD, 483, "Max-Forwards is 0"),
        (request("INVITE", STRANGER), STRANGER, 403, "no trunk has this source"),
        (request("CANCEL"), ABROAD, 481, "no such INVITE"),
        (request("INVITE", more=[("Proxy-Require", "x")]), ABROAD, 420, "Proxy-Require"),
        (request("INVITE").replace(b"Call-ID: call-1", b"Call-ID;call-1"), ABROAD, 400, "header line without a name"),
        (request("ACK", to_tag="t", more=[("Route", "<sip:192.0.2.1;lr>")]), ABROAD, 0, "Route leads past this proxy"),
    ],
)
def test_each_refusal_is_noted_with_its_reason(data: bytes, flow: Flow, status: int, reason: str) -> None:
    dialogue = wanting().receive(data, flow)
    [(told, _, why)] = noted(dialogue)
    assert (told, why[: len(reason)]) == (status, reason) or status == 400
    assert [one.peer for one in taken(dialogue.core, Refused)] == [flow]
    if status:
        dialogue.sends(status)
    dialogue.sends_nothing()


def test_the_rule_is_named_where_one_refused() -> None:
    dialogue = wanting().receive(request("INVITE", to=BARRED)).sends(603)
    [(status, method, reason)] = noted(dialogue)
    assert (status, method) == (603, "INVITE")
    assert reason.startswith("barring.incoming_international: ")


def test_so_is_silence_of_the_switch() -> None:
    dialogue = wanting().receive(request("INVITE")).sends(100).sends("INVITE").wait(33).forget_sent()
    assert noted(dialogue) == [(408, "INVITE", "no answer from where it was sent")]


def test_nothing_is_gathered_unless_wanted_and_never_without_bound() -> None:
    dialogue = play().receive(request("REGISTER")).sends(403)
    assert taken(dialogue.core, Refused) == []
    outputs: list[Event] = []
    refusals = Refusals(outputs)
    refusals.wanted = True
    message = parse(request("REGISTER"))
    assert isinstance(message, Request)
    for _ in range(10_100):
        refusals.note(message, 403, "x" * 1000, ABROAD)
    assert len(outputs) == 10_000
    assert all(isinstance(one, Refused) and len(one.reason) == 200 for one in outputs)


@pytest.mark.parametrize("reason", ["malformed sip URI 'sip:*33*2580#;@h'", "malformed address '%2A33%2A2580'"])
def test_no_pin_is_written_down(reason: str) -> None:
    outputs: list[Event] = []
    refusals = Refusals(outputs)
    refusals.wanted = True
    message = parse(request("INVITE"))
    assert isinstance(message, Request)
    refusals.note(message, 400, reason, ABROAD)
    assert "2580" not in str(outputs)


def test_the_log_has_a_line_for_each() -> None:
    dialogue = wanting().receive(request("REGISTER")).sends(403)
    with capture_logs() as lines:
        for event in dialogue.core.outputs:
            EventLog(SWITCH, dialogue.core.settings.find_trunk)(event)
    assert lines == [
        {
            "event": "refused",
            "log_level": "debug",
            "status": 403,
            "reason": "registration on a trunk",
            "method": "REGISTER",
            "call_id": "call-1",
            "peer": "udp:127.0.1.1:5070",
            "trunk": "international",
        }
    ]


def test_other_levels_are_always_written() -> None:
    for method in ("info", "warning", "error", "critical"):
        assert _drop_below_level(None, method, {"event": "x"}) == {"event": "x"}
