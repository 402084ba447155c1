"""The requests that are judged: what becomes of them, what is written down, and what identity leaves the proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.flow import Flow
from tests.plays.barred_abroad import new_policy_that_bars_calls_out
from tests.plays.dialogue import (
    ABROAD,
    ALICE,
    BARRED,
    INVITE,
    PHONE,
    SHADY,
    STRANGER,
    SWITCH,
    Household,
    Nobody,
    Play,
    new_core,
    new_policy,
    play,
    request,
)
from tests.plays.established import established, routes


class AllBarred(Household):
    """Subscribers who have had enough."""

    def find(self, number: str, /) -> Subscriber | None:
        return Subscriber(number, barring=Barring(all_incoming=True))


def barred_since(dialogue: Play) -> Play:
    """Everybody bars calls from now on."""
    dialogue.core.policy = Policy(build_snapshot("CN", preset.load("cn"), AllBarred(), Nobody(), {}))
    return dialogue


TO_BARRED = request("INVITE", to=BARRED)


def test_a_barred_call_is_refused_and_reaches_nobody() -> None:
    dialogue = play().receive(TO_BARRED).sends(603, ABROAD).sends_nothing()
    assert dialogue.last.to.tag is not None
    assert dialogue.last.header("reason") == 'Q.850;cause=21;text="Call rejected"'


def test_a_refused_call_is_a_transaction_of_its_own() -> None:
    dialogue = play().receive(TO_BARRED).sends(603).receive(TO_BARRED).sends(603).wait(0.5).sends(603)
    dialogue.receive(request("ACK", to=BARRED, to_tag="x")).sends_nothing().wait(60).sends_nothing()
    assert dialogue.core.transactions == 0


def test_a_text_is_judged_like_a_call() -> None:
    play().receive(request("MESSAGE", to=BARRED)).sends(603, ABROAD).sends_nothing()
    play().receive(request("MESSAGE", to=ALICE)).sends("MESSAGE", SWITCH)


def test_what_comes_from_the_switch_was_judged_before() -> None:
    outward = request("INVITE", SWITCH, to=BARRED, uri=f"sip:{BARRED}@127.0.0.77:5071")
    assert play().receive(outward, SWITCH).sends(100).sends("INVITE", PHONE).records() == []


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize(
    "route",
    [[], [("Route", "<sip:127.0.0.1:5060;lr>")], [("Route", "<sip:udp.0.5070.127.0.1.1~00@127.0.0.1:5060;lr>")]],
)
def test_a_made_up_to_tag_does_not_go_past_the_policy(method: str, route: list[tuple[str, str]]) -> None:
    refused = play().receive(request(method, to=BARRED, to_tag="made-up", more=route))
    refused.sends(603 if method == "INVITE" else 403, ABROAD).sends_nothing()


def test_a_token_of_one_call_opens_no_other() -> None:
    dialogue = established()
    stolen = [("Route", routes(dialogue)[0])]
    data = request("INVITE", to=BARRED, branch="z9hG4bK-2", call_id="call-2", to_tag="made-up", more=stolen)
    dialogue.receive(data).sends(603, ABROAD).sends_nothing()


def test_a_token_without_a_to_tag_opens_nothing() -> None:
    dialogue = established()
    data = request("INVITE", to=BARRED, branch="z9hG4bK-2", cseq=2, more=[("Route", routes(dialogue)[0])])
    dialogue.receive(data).sends(603, ABROAD).sends_nothing()


@pytest.mark.parametrize("callee", [BARRED, "13800138002", "barred"])
def test_a_token_of_one_call_opens_none_to_another_subscriber(callee: str) -> None:
    dialogue = established()
    more = [("Route", routes(dialogue)[0])]
    data = request("INVITE", to=callee, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=more)
    dialogue.receive(data).sends(603, ABROAD).sends_nothing()


def test_who_is_called_goes_on_with_whom_they_were_called_by_and_with_nobody_else() -> None:
    call = request("INVITE", SWITCH, uri="sip:a@127.0.0.77:5071")
    dialogue = play().receive(call, SWITCH).sends(100).sends("INVITE", PHONE)
    token = dialogue.forwarded.headers("record-route")[0]
    dialogue.answer(200, PHONE).sends(200, SWITCH)
    barred_since(dialogue)
    for n, (callee, judged) in enumerate([("+6591234567", False), ("switch", False), (BARRED, True)], 2):
        data = request("INVITE", PHONE, to=callee, branch=f"z9hG4bK-{n}", cseq=n, to_tag="t", more=[("Route", token)])
        dialogue.receive(data, PHONE).sends(603 if judged else 100, PHONE).forget_sent()


@pytest.mark.parametrize("uri", ["sip:127.0.0.9:5080", "sip:asterisk@127.0.0.9:5080", f"sip:{BARRED}@127.0.0.1"])
@pytest.mark.parametrize("routed", [True, False])
def test_a_text_within_a_call_is_for_whom_the_call_is_with(uri: str, routed: bool) -> None:
    dialogue = established()
    more = [("Route", routes(dialogue)[0])] if routed else []
    text = request("MESSAGE", uri=uri, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=more)
    if not routed:
        dialogue.receive(text).sends(403, ABROAD).sends_nothing()
        return
    dialogue.receive(text).sends("MESSAGE", SWITCH).answer(200).sends(200)
    assert dialogue.records()[-1]["callee"] == ALICE
    text = request("MESSAGE", uri=uri, branch="z9hG4bK-3", cseq=3, to_tag="callee", more=more)
    barred_since(dialogue).receive(text).sends(603, ABROAD).sends_nothing()
    other = request("MESSAGE", to=BARRED, uri=uri, branch="z9hG4bK-4", cseq=4, to_tag="callee", more=more)
    dialogue.receive(other).sends(403, ABROAD).sends_nothing()


def test_a_token_in_a_strict_routers_uri_is_read_and_a_false_one_is_not() -> None:
    dialogue = barred_since(established())
    ours = routes(dialogue)[0].strip("<>")
    reinvite: dict[str, Any] = {"cseq": 2, "to_tag": "callee", "more": [("Route", f"<sip:{ALICE}@127.0.0.9:5080>")]}
    dialogue.receive(request("INVITE", branch="z9hG4bK-2", uri=ours, **reinvite)).sends(100).sends("INVITE", SWITCH)
    forged = ours.replace("~", "~0")
    dialogue.receive(request("INVITE", branch="z9hG4bK-3", uri=forged, **reinvite)).sends(603, ABROAD).sends_nothing()


@pytest.mark.parametrize("contact", [ALICE, "13800138001", "asterisk", "anonymous"])
def test_a_call_that_goes_on_is_not_judged_again(contact: str) -> None:
    dialogue = established()
    assert len(dialogue.records()) == 1
    barred_since(dialogue)
    reinvite = request(
        "INVITE",
        uri=f"sip:{contact}@127.0.0.9:5080",
        branch="z9hG4bK-2",
        cseq=2,
        to_tag="callee",
        more=[("Route", routes(dialogue)[0])],
    )
    dialogue.receive(reinvite).sends(100).sends("INVITE", SWITCH).answer(200).sends(200)
    assert dialogue.records() == []


def refer(target: str, flow: Flow = PHONE, **more: Any) -> bytes:
    return request("REFER", flow, more=[("Refer-To", target)], **more)


def test_a_call_that_the_switch_is_asked_to_make_is_judged_by_whom_it_calls() -> None:
    play().receive(refer(f"<sip:{ALICE}@x?Replaces=1>"), PHONE).sends("REFER", SWITCH)
    blocked = play(new_core(), 1000.0)
    blocked.core.policy = new_policy_that_bars_calls_out()
    record = blocked.receive(refer("<tel:+881600000001>"), PHONE).sends(603, PHONE).sends_nothing().records()[0]
    assert (record["method"], record["callee"], record["rule"]) == (
        "REFER",
        "+881600000001",
        "barring.outgoing_international",
    )


def test_a_transfer_within_a_call_is_judged_too() -> None:
    dialogue = established(flow=PHONE)
    dialogue.core.policy = new_policy_that_bars_calls_out()
    more = [("Route", routes(dialogue)[0]), ("Refer-To", "<tel:+881600000001>")]
    dialogue.receive(request("REFER", PHONE, branch="z9hG4bK-2", cseq=2, to_tag="callee", more=more), PHONE)
    dialogue.sends(603, PHONE).sends_nothing()


def test_trunks_cannot_have_the_switch_make_calls() -> None:
    play().receive(refer(f"<sip:{ALICE}@x>", ABROAD), ABROAD).sends(403, ABROAD).sends_nothing()


def test_a_transfer_to_nobody_is_a_bad_request() -> None:
    play().receive(request("REFER", PHONE), PHONE).sends(400, PHONE).sends_nothing()


def test_an_emergency_service_is_called_by_its_urn() -> None:
    dialogue = play().receive(request("INVITE", PHONE, uri="urn:service:sos.fire"), PHONE).sends(100)
    dialogue.sends("INVITE", SWITCH).answer(200).sends(200)
    assert dialogue.forwarded.uri == "urn:service:sos.fire"
    assert dialogue.records()[0]["rule"] == "never_block"


@pytest.mark.parametrize("method", ["BYE", "INFO", "OPTIONS", "UPDATE"])
def test_what_is_no_call_is_not_judged(method: str) -> None:
    dialogue = play().receive(request(method, to=BARRED)).sends(method, SWITCH).answer(200).sends(200)
    assert dialogue.records() == []


@pytest.mark.parametrize(("status", "final"), [(200, 200), (486, 486), (503, 500), (603, 603)])
def test_a_call_leaves_one_record_with_the_status_its_caller_saw(status: int, final: int) -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180)
    assert dialogue.records() == []
    answer = bytes(dialogue.forwarded.reply(status, to_tag="callee"))
    (record,) = (
        dialogue.receive(answer, SWITCH)
        .forget_sent()
        .receive(answer, SWITCH)
        .forget_sent()
        .wait(100)
        .forget_sent()
        .records()
    )
    assert (record["final"], record["action"], record["rule"], record["call_id"]) == (
        final,
        "allow",
        "default.allow",
        "call-1",
    )


def test_a_refused_call_leaves_a_record_that_says_why() -> None:
    (record,) = play().receive(TO_BARRED).sends(603).receive(TO_BARRED).sends(603).wait(60).forget_sent().records()
    assert record["event"] == "call"
    assert (record["action"], record["status"], record["final"]) == ("reject", 603, 603)
    assert record["rule"] == "barring.incoming_international"
    assert (record["caller"], record["callee"], record["trunk"]) == ("+6591234567", BARRED, "international")
    assert record["trace"][-1][:3] == [record["rule"], "enforce", "reject"]
    assert record["elapsed_us"] >= 0
    assert record["timestamp"] == "1970-01-01T00:16:40.000000Z"


@pytest.mark.parametrize(
    ("steps", "final"),
    [
        (lambda dialogue: dialogue.wait(40), 408),
        (lambda dialogue: dialogue.receive(request("CANCEL")).sends(200).wait(40), 487),
        (lambda dialogue: dialogue.answer(180).sends(180).wait(300), 487),
    ],
    ids=["silence", "cancelled", "rang too long"],
)
def test_a_call_without_an_answer_leaves_a_record_too(steps: Callable[[Play], Play], final: int) -> None:
    dialogue = steps(play().receive(INVITE).sends(100).sends("INVITE"))
    assert [record["final"] for record in dialogue.forget_sent().wait(100).records()] == [final]


def test_a_text_leaves_a_record_even_if_nobody_answers() -> None:
    dialogue = play().receive(request("MESSAGE")).sends("MESSAGE").wait(40)
    assert [(record["method"], record["final"]) for record in dialogue.records()] == [("MESSAGE", None)]


@pytest.mark.parametrize(
    ("data", "flow"),
    [
        (request("INVITE", hops=0), ABROAD),
        (request("INVITE", more=[("Route", "<sip:x>")]), ABROAD),
        (request("INVITE", more=[("Proxy-Require", "x")]), ABROAD),
        (request("INVITE"), STRANGER),
    ],
)
def test_what_is_refused_unjudged_leaves_no_record(data: bytes, flow: Flow) -> None:
    assert play().receive(data, flow).forget_sent().wait(100).forget_sent().records() == []


def test_any_caller_can_be_written_down() -> None:
    odd = INVITE.replace(b"<sip:+6591234567@127.0.1.1>", b'"\xff\x00" <sip:%ff%00\xfe@h>')
    (record,) = play().receive(odd).sends(100).sends("INVITE").answer(486).sends("ACK").sends(486).records()
    assert isinstance(record["caller"], str)


def test_a_call_is_judged_by_the_policy_at_its_start() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    dialogue.core.policy = new_policy(barring__incoming_international="off")
    dialogue.answer(180).sends(180).answer(200).sends(200)
    dialogue.receive(request("INVITE", to=BARRED, branch="z9hG4bK-2", call_id="call-2")).sends(100).sends("INVITE")
    assert [record["callee"] for record in dialogue.records()] == [ALICE]


def test_while_draining_new_calls_are_refused_and_others_end_well() -> None:
    dialogue = established()
    dialogue.core.draining = True
    dialogue.records()
    new = request("INVITE", branch="z9hG4bK-n", call_id="call-2")
    assert dialogue.receive(new).sends(503, ABROAD).last.header("retry-after") is not None
    assert dialogue.records() == []
    dialogue.receive(request("BYE", branch="z9hG4bK-b", cseq=2, to_tag="callee")).sends("BYE", SWITCH).answer(
        200
    ).sends(200)
    assert dialogue.core.pending == 0


def test_a_drained_retry_is_not_taken_for_merged() -> None:
    dialogue = play()
    dialogue.core.draining = True
    dialogue.receive(INVITE).sends(503)
    dialogue.core.draining = False
    dialogue.receive(request("INVITE", branch="z9hG4bK-2")).sends(100).sends("INVITE")


def test_over_the_limit_requests_get_503_without_state_and_their_acks_end_here() -> None:
    dialogue = play(new_core(max_transactions=2)).receive(INVITE).sends(100).sends("INVITE")
    via = "SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-2;rport"
    refused = dialogue.receive(request("INVITE", via=via, call_id="call-2")).sends(503, ABROAD).last
    assert refused.header("retry-after") is not None
    assert refused.to.tag is not None
    dialogue.receive(request("ACK", via=via, call_id="call-2", to_tag=refused.to.tag)).sends_nothing()
    assert dialogue.core.transactions == 2
    assert len(dialogue.records()) == 0
    dialogue.answer(486).sends("ACK").sends(486)


def test_pending_counts_what_is_not_yet_answered() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    assert dialogue.core.pending == 1
    dialogue.answer(180).sends(180)
    assert dialogue.core.pending == 1
    dialogue.answer(200).sends(200).answer(200).sends(200)
    assert dialogue.core.pending == 0


def test_the_policy_hears_the_asserted_caller_of_a_trusted_trunk_only() -> None:
    asserted = [("P-Asserted-Identity", "<sip:+8613900139000@trusted>")]
    for flow, caller in ((ABROAD, "+8613900139000"), (SHADY, "+6591234567")):
        dialogue = play().receive(request("INVITE", flow, more=asserted), flow).forget_sent().wait(40)
        assert [record["caller"] for record in dialogue.records()] == [caller]


def test_a_call_still_ringing_at_the_end_is_cancelled_answered_and_recorded() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180)
    dialogue.core.give_up(dialogue.now)
    dialogue.sends("CANCEL", SWITCH).sends(503, ABROAD).sends_nothing()
    assert dialogue.last.header("retry-after") == "5"
    assert [record["final"] for record in dialogue.records()] == [503]
    assert dialogue.core.pending == 0


def test_large_requests_are_turned_away_before_small_ones() -> None:
    dialogue = play()
    for number in range(2200):
        dialogue.receive(request("INVITE", call_id=f"{number}", branch=f"z9hG4bK{number}", body=b"x" * 60_000))
        dialogue.forget_sent()
    assert dialogue.core.transactions < 2300
    dialogue.receive(request("INVITE", call_id="large", branch="z9hG4bKlarge", body=b"x" * 62_000)).sends(503)
    dialogue.receive(request("INVITE", call_id="small", branch="z9hG4bKsmall")).sends(100).sends("INVITE")


@pytest.mark.parametrize("hidden", [",U(warning)", "%2c1", "%00", "%20", "%0a", "%c2%a0", "%22", "%5c"])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_a_number_with_more_behind_it_is_nobodys(method: str, hidden: str) -> None:
    dialogue = play().receive(request(method, uri=f"sip:{BARRED}{hidden}@127.0.0.1"))
    dialogue.sends(404, ABROAD).sends_nothing()
