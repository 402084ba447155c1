"""Events of a call: when it rang, was answered and ended, and by whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.call_record import call_line, judged_line
from proxy.core.events import Answered, Cancelled, Ended, Judged, Rang, Unanswered
from proxy.core.time_of_day import TimeOfDay
from proxy.policy.treatments import Label
from proxy.policy.verdict import Verdict
from proxy.sip.flow import Flow
from proxy.sip.message import parse
from tests.plays.dialogue import ABROAD, ALICE, BARRED, INVITE, PHONE, SWITCH, Play, new_core, play, request

FAR = "leg-1"


def names(dialogue: Play) -> list[str]:
    return [type(event).__name__ for event in dialogue.events()]


def answered(core: Any = None, **settings: Any) -> Play:
    """A call from abroad that stands."""
    dialogue = play(core or new_core(**settings)).receive(INVITE).sends(100).sends("INVITE", SWITCH)
    dialogue.answer(180).sends(180).wait(2).answer(200).sends(200, ABROAD)
    return dialogue.wait(40)


def leg(call_id: str = FAR, header: str = "call-1", to_tag: str = "") -> bytes:
    """The softswitch's own INVITE to the phone."""
    more = [("X-Ringfence-Call", header)] if header else []
    uri = f"sip:{ALICE}@{PHONE.host}:{PHONE.port}"
    return request("INVITE", SWITCH, uri=uri, call_id=call_id, branch=f"z9hG4bK-{call_id}", to_tag=to_tag, more=more)


def bye(flow: Flow, call_id: str = "call-1", n: int = 1, *, to_caller: bool = False) -> bytes:
    uri = f"sip:{ALICE}@127.0.0.1" if flow != SWITCH else f"sip:x@{ABROAD.host}:{ABROAD.port}"
    data = request("BYE", flow, uri=uri, call_id=call_id, branch=f"z9hG4bK-bye-{n}", cseq=9, to_tag="callee")
    return data.replace(b"tag=from", b"tag=x").replace(b"tag=callee", b"tag=from") if to_caller else data


def ring_the_phone(dialogue: Play) -> Play:
    return dialogue.receive(leg(), SWITCH).sends(100).sends("INVITE", PHONE)


def test_a_call_is_judged_rings_is_answered_and_ends() -> None:
    dialogue = answered()
    judged, rang, up = dialogue.events()
    assert isinstance(judged, Judged)
    assert rang == Rang(judged, 1000.0)
    assert up == Answered(judged, 1002.0, 200, 1000.0, ())
    dialogue.receive(bye(ABROAD)).sends("BYE", SWITCH).answer(200).sends(200)
    assert dialogue.events() == [Ended("call-1", 1042.0, 1000.0, 1002.0, (), "caller")]
    dialogue.receive(bye(ABROAD, n=2)).sends("BYE", SWITCH).answer(481).sends(481)
    assert dialogue.events() == []


def test_the_lines_of_a_call_tell_its_times() -> None:
    dialogue = answered(clock=TimeOfDay(1.8e9))
    (call,) = dialogue.lines()
    assert (call["event"], call["final"]) == ("call", 200)
    assert call["rang"] == call["timestamp"] == "2027-01-15T08:16:40.000000Z"
    assert call["answered"] == "2027-01-15T08:16:42.000000Z"
    assert not {"ended", "by", "legs"} & set(call)
    dialogue.receive(bye(ABROAD)).sends("BYE", SWITCH).answer(200).sends(200)
    assert dialogue.lines() == [
        {
            "event": "ended",
            "timestamp": "2027-01-15T08:17:22.000000Z",
            "call_id": "call-1",
            "rang": call["rang"],
            "answered": call["answered"],
            "by": "caller",
            "seconds": 40.0,
        }
    ]


def test_one_ring_and_gone_is_the_callers_doing() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180).wait(1)
    dialogue.receive(request("CANCEL")).sends(200).sends("CANCEL")
    invite = parse(INVITE)
    assert invite.call_id == "call-1"
    events = dialogue.events()
    assert isinstance(events[-1], Cancelled)
    assert events[-1].by == "caller"
    dialogue.wait(40).forget_sent()
    (end,) = (event for event in dialogue.events() if isinstance(event, Unanswered))
    assert (end.status, end.by, end.rang) == (487, "caller", 1000.0)


def test_a_refused_call_was_ended_by_the_proxy() -> None:
    dialogue = play().receive(request("INVITE", to=BARRED)).sends(603)
    (record,) = dialogue.lines()
    assert (record["by"], record["final"], record["ended"]) == ("proxy", 603, record["timestamp"])
    assert "rang" not in record


def test_silence_of_the_switch_is_a_timeout() -> None:
    (record,) = play().receive(INVITE).sends(100).sends("INVITE").wait(40).forget_sent().records()
    assert (record["by"], record["final"]) == ("timeout", 408)


def test_ringing_on_and_on_is_a_timeout() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180).wait(300).forget_sent()
    assert [event.by for event in dialogue.events() if isinstance(event, (Cancelled, Unanswered))] == ["timeout"] * 2


@pytest.mark.parametrize("flow", [ABROAD, PHONE])
def test_a_text_is_answered_and_does_not_stand(flow: Flow) -> None:
    dialogue = play().receive(request("MESSAGE", flow), flow).sends("MESSAGE").answer(202).sends(202)
    assert names(dialogue) == ["Judged", "Answered"]
    assert len(dialogue.core._calls) == 0


# --- both legs


def test_the_leg_of_the_switch_belongs_to_its_call_and_the_phone_may_hang_up() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    near = dialogue.forwarded
    ring_the_phone(dialogue).answer(200, PHONE).sends(200, SWITCH)
    dialogue.forwarded = near
    dialogue.answer(200).sends(200, ABROAD)
    (call,) = dialogue.lines()
    assert call["legs"] == [FAR]
    dialogue.wait(5).receive(bye(PHONE, FAR), PHONE).sends("BYE", SWITCH).answer(200).sends(200, PHONE)
    assert dialogue.events() == []
    back = bye(SWITCH, n=2, to_caller=True)
    dialogue.receive(back, SWITCH).sends("BYE", ABROAD).answer(200, ABROAD).sends(200, SWITCH)
    (end,) = dialogue.events()
    assert isinstance(end, Ended)
    assert (end.by, end.legs) == ("callee", (FAR,))
    assert len(dialogue.core._calls) == 0


def test_a_switch_that_hangs_up_by_itself_did_it() -> None:
    dialogue = answered()
    dialogue.events()
    back = bye(SWITCH, to_caller=True)
    dialogue.receive(back, SWITCH).sends("BYE", ABROAD).answer(200, ABROAD).sends(200, SWITCH)
    (end,) = dialogue.events()
    assert isinstance(end, Ended)
    assert end.by == "softswitch"


@pytest.mark.parametrize(("status", "by"), [(486, "callee"), (487, "softswitch")])
def test_whom_it_rang_refuses_or_the_switch_gave_up(status: int, by: str) -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    near = dialogue.forwarded
    ring_the_phone(dialogue).answer(status, PHONE).sends("ACK", PHONE).sends(status, SWITCH)
    dialogue.forwarded = near
    (record,) = dialogue.answer(480).sends("ACK").sends(480, ABROAD).records()
    assert (record["by"], record["legs"]) == (by, [FAR])


def test_a_proxy_as_softswitch_keeps_the_call_id() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE", SWITCH)
    near = dialogue.forwarded
    dialogue.receive(leg("call-1", ""), SWITCH).sends(100).sends("INVITE", PHONE)
    dialogue.answer(486, PHONE).sends("ACK", PHONE).sends(486, SWITCH)
    dialogue.forwarded = near
    (record,) = dialogue.answer(486).sends("ACK").sends(486, ABROAD).records()
    assert record["by"] == "callee"
    assert "legs" not in record


# --- what is not to be believed, and what never ends


def test_a_bye_of_another_dialog_ends_nothing() -> None:
    dialogue = answered()
    dialogue.events()
    dialogue.receive(bye(ABROAD).replace(b"tag=from", b"tag=guess")).sends("BYE").answer(481).sends(481)
    assert dialogue.events() == []
    dialogue.receive(bye(ABROAD, n=3)).sends("BYE").answer(407).sends(407)
    assert dialogue.events() == []


def test_only_the_switch_says_whose_leg_it_is() -> None:
    dialogue = answered()
    dialogue.receive(
        request("INVITE", PHONE, call_id="mine", branch="z9hG4bK-m", more=[("X-Ringfence-Call", "call-1")])
    )
    dialogue.forget_sent()
    assert "mine" not in dialogue.core._calls._far


def test_another_call_with_the_same_call_id_takes_nothing_away() -> None:
    dialogue = answered()
    dialogue.events()
    again = request("INVITE", branch="z9hG4bK-2").replace(b"tag=from", b"tag=other")
    dialogue.receive(again).sends(100).sends("INVITE").answer(486).sends("ACK").sends(486)
    assert names(dialogue) == ["Judged", "Unanswered"]
    dialogue.receive(bye(ABROAD)).sends("BYE").answer(200).sends(200)
    assert names(dialogue) == ["Ended"]


def test_calls_whose_end_never_passes_are_given_up_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    core = new_core()
    for number in range(4):
        call = request("INVITE", call_id=f"old-{number}", branch=f"z9hG4bK-{number}")
        play(core, 1000.0).receive(call).sends(100).sends("INVITE").answer(200).sends(200)
    core.outputs.clear()
    later = play(core, 100_000.0).receive(request("INVITE", call_id="new", branch="z9hG4bK-n"))
    later.sends(100).sends("INVITE").answer(200).sends(200)
    ends = [event for event in later.events() if isinstance(event, Ended)]
    assert [(end.call_id, end.by) for end in ends] == [("old-0", "timeout")]
    monkeypatch.setattr("proxy.core.calls._MOST", 2)
    for number in range(9):
        call = request("INVITE", call_id=f"more-{number}", branch=f"z9hG4bK-more-{number}")
        later.receive(call).sends(100).sends("INVITE").answer(200).sends(200)
    assert len(core._calls) <= 4


def test_the_line_of_a_verdict_has_the_members_of_the_record_to_be() -> None:
    dialogue = answered(clock=TimeOfDay(1.8e9))
    judged = dialogue.events()[0]
    assert isinstance(judged, Judged)
    line = json.loads(judged_line(judged))
    record = json.loads(call_line(Answered(judged, 1.8e9, 200, None, ())))
    assert line.pop("event") == "judged"
    assert line == {name: value for name, value in record.items() if name not in ("event", "final", "answered")}


def test_the_line_of_a_verdict_tells_what_the_phone_shows_and_what_was_waited_for() -> None:
    dialogue = answered()
    judged = dialogue.events()[0]
    assert isinstance(judged, Judged)
    verdict = judged.verdict
    labelled = Verdict("label", None, "", verdict.rule, "", (), Label(label="far"), "rf*warn*+1", 'a "far" call')
    line = json.loads(judged_line(judged._replace(verdict=labelled, waited=0.25)))
    assert (line["label"], line["service"], line["waited_ms"]) == ('a "far" call', "rf*warn*+1", 250)
