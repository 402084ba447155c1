"""The four transaction state machines (RFC 3261 section 17, with the Accepted state of RFC 6026) as tables.

A table row reads `(State.PROCEEDING, Event.SEND_2XX): (State.ACCEPTED, (Do.SEND, Do.START_L))`. A transaction only
moves from row to row; `transaction_layer` carries out what the rows say. An event that has no row in a state is
ignored there, which is also how timers that were left running come to nothing.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any, Final

from proxy.sip.flow import Flow
from proxy.sip.message import Request

T1: Final = 0.5  # round-trip time estimate, seconds
T2: Final = 4.0  # longest retransmission interval of non-INVITE requests and INVITE responses, seconds
T4: Final = 5.0  # longest time a message stays in the network, seconds


class State(IntEnum):
    """All states of all four machines."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Event(IntEnum):
    """An event in a transaction. SEND_* are the server side's own responses, RECV_* what came in."""

    REQUEST = auto()
    ACK = auto()
    SEND_1XX = auto()
    SEND_2XX = auto()
    SEND_FINAL = auto()
    RECV_1XX = auto()
    RECV_2XX = auto()
    RECV_FINAL = auto()
    TRANSPORT_ERROR = auto()
    TRYING_DUE = auto()  # nothing was sent yet for an INVITE, and its 200 ms are over
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_C = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()


class Do(IntEnum):
    """The reaction that a row asks for."""

    PASS_UP = auto()  # to the transaction user
    SEND = auto()  # the response at hand
    RESEND = auto()  # the last message
    SEND_ACK = auto()
    SEND_TRYING = auto()
    FAIL = auto()  # tell the transaction user that the peer did not answer
    START_A = auto()
    START_C = auto()
    START_D = auto()
    START_E = auto()
    START_E_AT_T2 = auto()
    START_G = auto()
    START_H = auto()
    START_I = auto()
    START_J = auto()
    START_K = auto()
    START_L = auto()
    START_M = auto()


Rows = dict[tuple[State, Event], tuple[State, tuple[Do, ...]]]

S, E = State, Event

# RFC 3261 17.1.1 figure 5, RFC 6026 7.2
INVITE_CLIENT: Rows = {
    (S.CALLING, E.TIMER_A): (S.CALLING, (Do.RESEND, Do.START_A)),
    (S.CALLING, E.TIMER_B): (S.TERMINATED, (Do.FAIL,)),
    (S.CALLING, E.TRANSPORT_ERROR): (S.TERMINATED, (Do.FAIL,)),
    (S.CALLING, E.RECV_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
    (S.CALLING, E.RECV_2XX): (S.ACCEPTED, (Do.PASS_UP, Do.START_M)),
    (S.CALLING, E.RECV_FINAL): (S.COMPLETED, (Do.SEND_ACK, Do.PASS_UP, Do.START_D)),
    (S.PROCEEDING, E.RECV_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
    (S.PROCEEDING, E.RECV_2XX): (S.ACCEPTED, (Do.PASS_UP, Do.START_M)),
    (S.PROCEEDING, E.RECV_FINAL): (S.COMPLETED, (Do.SEND_ACK, Do.PASS_UP, Do.START_D)),
    (S.PROCEEDING, E.TIMER_A): (S.PROCEEDING, (Do.START_C,)),
    (S.PROCEEDING, E.TIMER_C): (S.PROCEEDING, (Do.FAIL,)),
    (S.ACCEPTED, E.RECV_2XX): (S.ACCEPTED, (Do.PASS_UP,)),
    (S.ACCEPTED, E.TIMER_M): (S.TERMINATED, ()),
    (S.COMPLETED, E.RECV_FINAL): (S.COMPLETED, (Do.SEND_ACK,)),
    (S.COMPLETED, E.TRANSPORT_ERROR): (S.TERMINATED, ()),
    (S.COMPLETED, E.TIMER_D): (S.TERMINATED, ()),
}

# RFC 3261 17.1.2 figure 6
NON_INVITE_CLIENT: Rows = {
    (S.TRYING, E.TIMER_E): (S.TRYING, (Do.RESEND, Do.START_E)),
    (S.TRYING, E.TIMER_F): (S.TERMINATED, (Do.FAIL,)),
    (S.TRYING, E.TRANSPORT_ERROR): (S.TERMINATED, (Do.FAIL,)),
    (S.TRYING, E.RECV_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
    (S.TRYING, E.RECV_2XX): (S.COMPLETED, (Do.PASS_UP, Do.START_K)),
    (S.TRYING, E.RECV_FINAL): (S.COMPLETED, (Do.PASS_UP, Do.START_K)),
    (S.PROCEEDING, E.TIMER_E): (S.PROCEEDING, (Do.RESEND, Do.START_E_AT_T2)),
    (S.PROCEEDING, E.TIMER_F): (S.TERMINATED, (Do.FAIL,)),
    (S.PROCEEDING, E.TRANSPORT_ERROR): (S.TERMINATED, (Do.FAIL,)),
    (S.PROCEEDING, E.RECV_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
    (S.PROCEEDING, E.RECV_2XX): (S.COMPLETED, (Do.PASS_UP, Do.START_K)),
    (S.PROCEEDING, E.RECV_FINAL): (S.COMPLETED, (Do.PASS_UP, Do.START_K)),
    (S.COMPLETED, E.TIMER_K): (S.TERMINATED, ()),
}

# RFC 3261 17.2.1 figure 7, RFC 6026 7.1
INVITE_SERVER: Rows = {
    (S.PROCEEDING, E.REQUEST): (S.PROCEEDING, (Do.RESEND,)),
    (S.PROCEEDING, E.TRYING_DUE): (S.PROCEEDING, (Do.SEND_TRYING,)),
    (S.PROCEEDING, E.SEND_1XX): (S.PROCEEDING, (Do.SEND,)),
    (S.PROCEEDING, E.SEND_2XX): (S.ACCEPTED, (Do.SEND, Do.START_L)),
    (S.PROCEEDING, E.SEND_FINAL): (S.COMPLETED, (Do.SEND, Do.START_G, Do.START_H)),
    (S.ACCEPTED, E.REQUEST): (S.ACCEPTED, ()),
    (S.ACCEPTED, E.SEND_2XX): (S.ACCEPTED, (Do.SEND,)),
    (S.ACCEPTED, E.ACK): (S.ACCEPTED, (Do.PASS_UP,)),
    (S.ACCEPTED, E.TIMER_L): (S.TERMINATED, ()),
    (S.COMPLETED, E.REQUEST): (S.COMPLETED, (Do.RESEND,)),
    (S.COMPLETED, E.TIMER_G): (S.COMPLETED, (Do.RESEND, Do.START_G)),
    (S.COMPLETED, E.TIMER_H): (S.TERMINATED, ()),
    (S.COMPLETED, E.ACK): (S.CONFIRMED, (Do.START_I,)),
    (S.CONFIRMED, E.TIMER_I): (S.TERMINATED, ()),
}

# RFC 3261 17.2.2 figure 8
NON_INVITE_SERVER: Rows = {
    (S.TRYING, E.SEND_1XX): (S.PROCEEDING, (Do.SEND,)),
    (S.TRYING, E.SEND_2XX): (S.COMPLETED, (Do.SEND, Do.START_J)),
    (S.TRYING, E.SEND_FINAL): (S.COMPLETED, (Do.SEND, Do.START_J)),
    (S.PROCEEDING, E.REQUEST): (S.PROCEEDING, (Do.RESEND,)),
    (S.PROCEEDING, E.SEND_1XX): (S.PROCEEDING, (Do.SEND,)),
    (S.PROCEEDING, E.SEND_2XX): (S.COMPLETED, (Do.SEND, Do.START_J)),
    (S.PROCEEDING, E.SEND_FINAL): (S.COMPLETED, (Do.SEND, Do.START_J)),
    (S.COMPLETED, E.REQUEST): (S.COMPLETED, (Do.RESEND,)),
    (S.COMPLETED, E.TIMER_J): (S.TERMINATED, ()),
}

Table = tuple[dict[int, tuple[State, tuple[Do, ...]]], ...]


def _by_state(rows: Rows) -> Table:
    """The same rows, indexed by state and then by event: one look-up of each on the path of a call."""
    return tuple({event: row for (at, event), row in rows.items() if at == state} for state in range(len(State) + 1))


# Of a member that each call asks for: had of its class, it takes five times as long.
_CALLING: Final = State.CALLING
_TRYING: Final = State.TRYING
_PROCEEDING: Final = State.PROCEEDING
_INVITE_CLIENT, _NON_INVITE_CLIENT = _by_state(INVITE_CLIENT), _by_state(NON_INVITE_CLIENT)
_INVITE_SERVER, _NON_INVITE_SERVER = _by_state(INVITE_SERVER), _by_state(NON_INVITE_SERVER)


class Transaction:
    """The common part of client and server transactions. `tu` is what the transaction user (RFC 3261 17) keeps."""

    __slots__ = ("flow", "interval", "key", "last", "reliable", "request", "state", "table", "tu")

    def __init__(self, key: tuple[str, ...], request: Request, flow: Flow, table: Table, state: State) -> None:
        self.key = key
        self.request: Request | None = request  # let go with the final response
        self.flow = flow
        self.reliable = flow[0] != "udp"
        self.table = table
        self.state = state
        self.interval = 0.0  # of the retransmission now running, seconds
        self.last: bytes | None = None  # what a retransmission sends
        self.tu: Any = None

    def step(self, event: Event) -> tuple[Do, ...]:
        """Move by one event and return what is to be done for it."""
        row = self.table[self.state].get(event)
        if row is None:
            return ()
        self.state = row[0]
        return row[1]


class ServerTransaction(Transaction):
    """RFC 3261 17.2. `request_key` stands for the request, by whatever way it came; None where nobody asked.

    `came_with_tag`, once it was refused: the To tag of the refusal is the request's own.
    """

    __slots__ = ("came_with_tag", "request_key")

    def __init__(self, key: tuple[str, ...], request: Request, flow: Flow) -> None:
        self.came_with_tag = False
        self.request_key: int | None = None
        if request.method == "INVITE":
            super().__init__(key, request, flow, _INVITE_SERVER, _PROCEEDING)
        else:
            super().__init__(key, request, flow, _NON_INVITE_SERVER, _TRYING)


class ClientTransaction(Transaction):
    """RFC 3261 17.1. `timeout` is how long timer B or F lasts (s). `deadline` is when that runs out, or timer C once it
    rings (RFC 3261 16.6 step 11), on the layer's clock; once `given_up` nothing puts it off."""

    __slots__ = ("deadline", "given_up", "timeout")

    def __init__(self, key: tuple[str, ...], request: Request, flow: Flow, timeout: float = 64 * T1) -> None:
        if request.method == "INVITE":
            super().__init__(key, request, flow, _INVITE_CLIENT, _CALLING)
        else:
            super().__init__(key, request, flow, _NON_INVITE_CLIENT, _TRYING)
        self.timeout = timeout
        self.deadline = 0.0
        self.given_up = False
