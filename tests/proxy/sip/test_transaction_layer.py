"""Timers and matching of the transaction layer (RFC 3261 section 17, RFC 6026), with time as an argument."""

from __future__ import annotations

from itertools import pairwise

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Request, parse
from proxy.sip.transaction import State
from tests.plays.transaction_element import TCP, UDP, Element, request


def test_timer_a_doubles_and_timer_b_gives_up_after_64_t1() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.pass_time(100)
    assert element.times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert len({data for _, data in element.sent}) == 1
    assert element.unanswered == [(32.0, client)]
    assert client.state is State.TERMINATED
    assert len(element.layer) == 0


def test_timer_e_doubles_up_to_t2_and_timer_f_gives_up() -> None:
    element = Element()
    client = element.client("BYE", UDP)
    element.pass_time(100)
    assert element.times == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert element.unanswered == [(32.0, client)]


def test_timer_e_runs_at_t2_once_a_provisional_response_came() -> None:
    element = Element()
    client = element.client("BYE", UDP)
    element.pass_time(0.1)
    assert element.answered(client, 100)
    element.pass_time(100)
    assert element.times == [0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert element.unanswered == [(32.0, client)]


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_nothing_is_sent_twice_over_tcp_but_the_time_out_is_the_same(method: str) -> None:
    element = Element()
    client = element.client(method, TCP)
    element.pass_time(100)
    assert element.times == [0]
    assert element.unanswered == [(32.0, client)]


def test_a_provisional_response_stops_timers_a_and_b() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.pass_time(0.7)
    assert element.answered(client, 180)
    element.pass_time(100)
    assert element.times == [0, 0.5]
    assert element.unanswered == []


def test_timer_c_tells_of_an_invite_that_rang_too_long() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.answered(client, 100)
    element.pass_time(180)
    assert element.unanswered == []
    element.pass_time(2)
    assert element.unanswered == [(181.0, client)]
    assert client.state is State.PROCEEDING  # the user decides: a proxy cancels


def test_each_provisional_response_but_100_puts_timer_c_off() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.answered(client, 100)
    element.pass_time(150)
    element.answered(client, 180)
    element.pass_time(180)
    assert element.unanswered == []
    element.pass_time(181 / 8 + 1)
    assert [who for _, who in element.unanswered] == [client]


def test_a_repeated_100_puts_nothing_off() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.answered(client, 100)
    element.pass_time(150)
    element.answered(client, 100)
    element.pass_time(35)
    assert element.unanswered == [(181.0, client)]


def test_an_invite_given_up_is_told_of_even_if_it_rings_on() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.answered(client, 180)
    element.pass_time(170)
    element.layer.start_cancel_timer(client, 32.0, element.now)
    element.pass_time(31)
    element.answered(client, 180)
    assert element.unanswered == []
    element.pass_time(2)
    assert element.unanswered[0] == (202.0, client)


def test_an_invite_given_up_before_timer_a_ends_is_told_of_once() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    element.answered(client, 180)
    element.pass_time(0.25)
    element.layer.start_cancel_timer(client, 32.0, element.now)
    element.pass_time(400)
    assert element.unanswered == [(32.25, client)]


def test_timer_c_does_not_wait_for_that_of_an_invite_that_rang_later() -> None:
    element = Element()
    late = element.layer.send(("z9hG4bKlate", "INVITE"), request("INVITE"), UDP, element.now)
    element.pass_time(20)
    element.answered(late, 180)
    element.pass_time(10.9)  # timer A of the first one ends at 31.5 s, after that of the second
    prompt = element.layer.send(("z9hG4bKprompt", "INVITE"), request("INVITE"), UDP, element.now)
    element.answered(prompt, 180)
    element.pass_time(300)
    assert [(round(at, 3), who) for at, who in element.unanswered] == [(201.0, late), (211.9, prompt)]


def test_timer_c_runs_where_timer_b_is_too_short_for_timer_a() -> None:
    element = Element()
    client = element.layer.send(("z9hG4bKx", "INVITE"), request("INVITE"), UDP, element.now, 0.25)
    element.answered(client, 180)
    element.pass_time(300)
    assert element.unanswered == [(181.0, client)]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
@pytest.mark.parametrize("seconds", [0.25, 0.5, 4.0])
def test_a_time_out_of_any_length_is_kept_to_the_moment(method: str, seconds: float) -> None:
    element = Element()
    client = element.layer.send(("z9hG4bKx", method), request(method), UDP, element.now, seconds)
    element.pass_time(100)
    assert element.unanswered == [(seconds, client)]
    assert element.times == [at for at in (0, 0.5, 1.5, 3.5) if at < seconds]


def test_each_2xx_reaches_the_user_until_timer_m() -> None:
    element = Element()
    client = element.client("INVITE", UDP)
    assert element.answered(client, 200)
    element.pass_time(31)
    assert element.answered(client, 200)
    assert client.state is State.ACCEPTED
    element.pass_time(2)
    assert client.state is State.TERMINATED
    assert element.times == [0]  # an ACK to a 2xx is the user's


@pytest.mark.parametrize(("flow", "seconds"), [(UDP, 32.0), (TCP, 0.0)])
def test_timer_d_absorbs_final_responses_and_acknowledges_each(flow: Flow, seconds: float) -> None:
    element = Element()
    client = element.client("INVITE", flow)
    assert element.answered(client, 486)
    acks = [parse(data) for _, data in element.sent[1:]]
    assert [ack.method for ack in acks if isinstance(ack, Request)] == ["ACK"]
    if seconds:
        element.pass_time(seconds - 1)
        assert not element.answered(client, 486)
        assert element.sent[-1] == (31.0, bytes(acks[0]))
        assert client.state is State.COMPLETED
        element.pass_time(1)
    assert client.state is State.TERMINATED
    assert len(element.layer) == 0


def test_an_invite_answered_at_once_is_not_sent_again() -> None:
    element = Element()
    element.answered(element.client("INVITE", UDP), 486)
    element.pass_time(100)
    assert element.times == [0, 0]  # INVITE and ACK


@pytest.mark.parametrize(("flow", "seconds"), [(UDP, 5.0), (TCP, 0.0)])
@pytest.mark.parametrize("status", [200, 404])
def test_timer_k_absorbs_late_responses(flow: Flow, seconds: float, status: int) -> None:
    element = Element()
    client = element.client("BYE", flow)
    assert element.answered(client, status)
    if seconds:
        element.pass_time(seconds - 0.5)
        assert not element.answered(client, status)
        assert client.state is State.COMPLETED
        element.pass_time(0.5)
    assert client.state is State.TERMINATED


def test_timer_g_repeats_a_refusal_until_timer_h() -> None:
    element = Element()
    server = element.server("INVITE", UDP)
    element.respond(server, 486)
    element.pass_time(100)
    assert element.times == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert server.state is State.TERMINATED
    assert len(element.layer) == 0


def test_a_refusal_over_tcp_is_sent_once_and_waits_for_its_ack_as_long() -> None:
    element = Element()
    server = element.server("INVITE", TCP)
    element.respond(server, 486)
    element.pass_time(31)
    assert element.times == [0]
    assert server.state is State.COMPLETED
    element.pass_time(1)
    assert server.state is State.TERMINATED


@pytest.mark.parametrize(("flow", "seconds"), [(UDP, 5.0), (TCP, 0.0)])
def test_the_ack_ends_the_repeats_and_timer_i_absorbs_more_of_it(flow: Flow, seconds: float) -> None:
    element = Element()
    server = element.server("INVITE", flow)
    element.respond(server, 486)
    element.pass_time(0.6)
    sent = len(element.sent)
    assert not element.again(server, "ACK")
    if seconds:
        element.pass_time(seconds - 0.5)
        assert not element.again(server, "ACK")
        assert server.state is State.CONFIRMED
        element.pass_time(0.5)
    assert server.state is State.TERMINATED
    assert len(element.sent) == sent


@pytest.mark.parametrize(("flow", "seconds"), [(UDP, 32.0), (TCP, 0.0)])
def test_timer_j_answers_a_repeated_request_with_the_same_response(flow: Flow, seconds: float) -> None:
    element = Element()
    server = element.server("BYE", flow)
    element.respond(server, 200)
    if seconds:
        element.pass_time(seconds - 1)
        assert not element.again(server, "BYE")
        assert element.sent[-1] == (31.0, b"200")
        element.pass_time(1)
    assert server.state is State.TERMINATED


@pytest.mark.parametrize("flow", [UDP, TCP])
def test_timer_l_absorbs_the_invite_and_lets_2xx_and_ack_pass(flow: Flow) -> None:
    element = Element()
    server = element.server("INVITE", flow)
    element.respond(server, 200)
    element.pass_time(31)
    assert not element.again(server, "INVITE")
    assert element.times == [0]  # the proxy repeats no 2xx: its UAS does
    element.respond(server, 200)
    assert element.times == [0, 31]
    assert element.again(server, "ACK")
    element.pass_time(1)
    assert server.state is State.TERMINATED


def test_a_repeated_invite_gets_the_last_provisional_response() -> None:
    element = Element()
    server = element.server("INVITE", UDP)
    element.respond(server, 100)
    element.respond(server, 180)
    element.again(server, "INVITE")
    assert [data for _, data in element.sent] == [b"100", b"180", b"180"]


def test_a_repeated_non_invite_is_dropped_until_there_is_an_answer() -> None:
    element = Element()
    server = element.server("BYE", UDP)
    assert not element.again(server, "BYE")
    assert element.sent == []


def test_no_second_final_response_is_sent() -> None:
    element = Element()
    server = element.server("INVITE", UDP)
    element.respond(server, 486)
    element.respond(server, 200)
    element.respond(server, 180)
    assert [data for _, data in element.sent] == [b"486"]


def test_a_broken_transport_is_told_once() -> None:
    element = Element()
    client = element.client("INVITE", TCP)
    assert element.layer.fail(client, 1.0)
    assert not element.layer.fail(client, 1.0)
    element.pass_time(100)
    assert element.unanswered == []


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
@pytest.mark.parametrize("status", [200, 486])
def test_no_transaction_outlives_its_timers(method: str, status: int) -> None:
    element = Element()
    element.answered(element.client(method, UDP), status)
    element.respond(element.server(method, UDP), status)
    element.pass_time(40)
    assert len(element.layer) == 0


def test_timers_fire_in_the_order_of_time() -> None:
    element = Element()
    for _ in range(3):
        element.client("INVITE", UDP)
        element.client("BYE", UDP)
        element.pass_time(0.3)
    element.pass_time(40)
    assert all(earlier <= later for earlier, later in pairwise(element.times))
