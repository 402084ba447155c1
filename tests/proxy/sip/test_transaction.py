"""The four tables against RFC 3261 section 17 and RFC 6026: every row that belongs there, and none besides."""

from __future__ import annotations

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.transaction import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    ClientTransaction,
    Event,
    Rows,
    ServerTransaction,
    State,
)

FLOW = Flow("udp", "127.0.0.1", 5070, 0)

# Written from the RFCs' text, not from the tables: state, event -> next state, acts.
INVITE_CLIENT_ROWS = """
    CALLING     TIMER_A          CALLING     RESEND START_A               # 17.1.1.2: resend, double the timer
    CALLING     TIMER_B          TERMINATED  FAIL                         # 17.1.1.2: tell the user of the time-out
    CALLING     TRANSPORT_ERROR  TERMINATED  FAIL                         # 17.1.4
    CALLING     RECV_1XX         PROCEEDING  PASS_UP
    CALLING     RECV_2XX         ACCEPTED    PASS_UP START_M              # RFC 6026 7.2
    CALLING     RECV_FINAL       COMPLETED   SEND_ACK PASS_UP START_D
    PROCEEDING  RECV_1XX         PROCEEDING  PASS_UP
    PROCEEDING  RECV_2XX         ACCEPTED    PASS_UP START_M
    PROCEEDING  RECV_FINAL       COMPLETED   SEND_ACK PASS_UP START_D
    PROCEEDING  TIMER_A          PROCEEDING  START_C                      # 16.6 step 11: no sooner, few ring so long
    PROCEEDING  TIMER_C          PROCEEDING  FAIL                         # 16.8: the proxy cancels
    ACCEPTED    RECV_2XX         ACCEPTED    PASS_UP                      # RFC 6026 7.2: each one
    ACCEPTED    TIMER_M          TERMINATED
    COMPLETED   RECV_FINAL       COMPLETED   SEND_ACK                     # and no word to the user
    COMPLETED   TRANSPORT_ERROR  TERMINATED
    COMPLETED   TIMER_D          TERMINATED
"""
NON_INVITE_CLIENT_ROWS = """
    TRYING      TIMER_E          TRYING      RESEND START_E
    TRYING      TIMER_F          TERMINATED  FAIL
    TRYING      TRANSPORT_ERROR  TERMINATED  FAIL
    TRYING      RECV_1XX         PROCEEDING  PASS_UP
    TRYING      RECV_2XX         COMPLETED   PASS_UP START_K
    TRYING      RECV_FINAL       COMPLETED   PASS_UP START_K
    PROCEEDING  TIMER_E          PROCEEDING  RESEND START_E_AT_T2         # 17.1.2.2: at T2 from now on
    PROCEEDING  TIMER_F          TERMINATED  FAIL
    PROCEEDING  TRANSPORT_ERROR  TERMINATED  FAIL
    PROCEEDING  RECV_1XX         PROCEEDING  PASS_UP
    PROCEEDING  RECV_2XX         COMPLETED   PASS_UP START_K
    PROCEEDING  RECV_FINAL       COMPLETED   PASS_UP START_K
    COMPLETED   TIMER_K          TERMINATED
"""
INVITE_SERVER_ROWS = """
    PROCEEDING  REQUEST          PROCEEDING  RESEND                       # the last provisional response
    PROCEEDING  TRYING_DUE       PROCEEDING  SEND_TRYING                  # within 200 ms
    PROCEEDING  SEND_1XX         PROCEEDING  SEND
    PROCEEDING  SEND_2XX         ACCEPTED    SEND START_L                 # RFC 6026 7.1
    PROCEEDING  SEND_FINAL       COMPLETED   SEND START_G START_H
    ACCEPTED    REQUEST          ACCEPTED                                 # RFC 6026 7.1: absorbed
    ACCEPTED    SEND_2XX         ACCEPTED    SEND
    ACCEPTED    ACK              ACCEPTED    PASS_UP
    ACCEPTED    TIMER_L          TERMINATED
    COMPLETED   REQUEST          COMPLETED   RESEND
    COMPLETED   TIMER_G          COMPLETED   RESEND START_G
    COMPLETED   TIMER_H          TERMINATED
    COMPLETED   ACK              CONFIRMED   START_I
    CONFIRMED   TIMER_I          TERMINATED
"""
NON_INVITE_SERVER_ROWS = """
    TRYING      SEND_1XX         PROCEEDING  SEND                         # a repeated request is dropped in TRYING
    TRYING      SEND_2XX         COMPLETED   SEND START_J
    TRYING      SEND_FINAL       COMPLETED   SEND START_J
    PROCEEDING  REQUEST          PROCEEDING  RESEND
    PROCEEDING  SEND_1XX         PROCEEDING  SEND
    PROCEEDING  SEND_2XX         COMPLETED   SEND START_J
    PROCEEDING  SEND_FINAL       COMPLETED   SEND START_J
    COMPLETED   REQUEST          COMPLETED   RESEND
    COMPLETED   TIMER_J          TERMINATED
"""
TABLES: dict[str, tuple[Rows, str, type[ClientTransaction | ServerTransaction], str]] = {
    "INVITE client": (INVITE_CLIENT, INVITE_CLIENT_ROWS, ClientTransaction, "INVITE"),
    "non-INVITE client": (NON_INVITE_CLIENT, NON_INVITE_CLIENT_ROWS, ClientTransaction, "BYE"),
    "INVITE server": (INVITE_SERVER, INVITE_SERVER_ROWS, ServerTransaction, "INVITE"),
    "non-INVITE server": (NON_INVITE_SERVER, NON_INVITE_SERVER_ROWS, ServerTransaction, "BYE"),
}


def rows_of(text: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    words = [line.partition("#")[0].split() for line in text.strip().splitlines()]
    return [(row[0], row[1], row[2], tuple(row[3:])) for row in words]


def transaction(kind: str) -> ClientTransaction | ServerTransaction:
    _, _, make, method = TABLES[kind]
    return make(("z9hG4bK1", method), Request.build(method, "sip:a@127.0.0.1", []), FLOW)


@pytest.mark.parametrize(("kind", "row"), [(kind, row) for kind in TABLES for row in rows_of(TABLES[kind][1])])
def test_each_event_moves_the_transaction_as_the_standard_says(
    kind: str, row: tuple[str, str, str, tuple[str, ...]]
) -> None:
    at, event, then, acts = row
    moving = transaction(kind)
    moving.state = State[at]
    assert tuple(act.name for act in moving.step(Event[event])) == acts
    assert moving.state is State[then]


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_has_no_row_besides(kind: str) -> None:
    table: Rows = TABLES[kind][0]
    assert {(state.name, event.name) for state, event in table} == {row[:2] for row in rows_of(TABLES[kind][1])}


@pytest.mark.parametrize("kind", TABLES)
def test_an_event_without_a_row_changes_nothing(kind: str) -> None:
    rows = {row[:2] for row in rows_of(TABLES[kind][1])}
    for state in State:
        for event in Event:
            if (state.name, event.name) not in rows:
                still = transaction(kind)
                still.state = state
                assert still.step(event) == ()
                assert still.state is state


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_but_the_last_has_a_way_out(kind: str) -> None:
    table = TABLES[kind][0]
    reached = {state for state, _ in table.values()} | {transaction(kind).state}
    for state in reached - {State.TERMINATED}:
        assert any(at is state and then is not state for (at, _), (then, _) in table.items())


def test_machines_start_where_the_standard_says() -> None:
    assert [transaction(kind).state.name for kind in TABLES] == ["CALLING", "TRYING", "PROCEEDING", "TRYING"]
