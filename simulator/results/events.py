"""The events of a run, in the order in which they happen: a session tells them, and all who follow a run hear the same.

The run's folder, the progress on the terminal and the collector of garbage are listeners; a console or a load
generator can be. A listener takes one event at a time; with an attribute `hears`, a set of their classes, it gets these
only. Events are frozen and say all that there is to say. `at` is in seconds of `time.monotonic`, the clock of the
agents' sockets, which all processes of a machine share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator.addresses import Address
from simulator.judging.evidence import CallerSaw
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result
from simulator.results.messages import Recorded
from simulator.traffic.planned_call import PlannedCall


class RunBegan(NamedTuple):
    """These `calls` of a scenario are about to be played into its `folder`; the manifest says beforehand what is in
    `about`."""

    at: float
    scenario: str
    folder: Path
    calls: Sequence[PlannedCall]
    about: Mapping[str, Any]


class PassBegan(NamedTuple):
    """The lab is up, with the proxy in it or without, and this many calls are about to be placed."""

    at: float
    scenario: str
    proxied: bool
    calls: int


class CallPlaced(NamedTuple):
    """A call left, or a text; it was `due` when the plan wants it."""

    at: float
    call: PlannedCall
    proxied: bool
    due: float


class MessageSeen(NamedTuple):
    """A SIP message passed at a socket of the lab, told once. Only listeners with it in `hears` are told: there may be
    ten thousand a second."""

    at: float
    proxied: bool
    transport: str
    sender: Address
    receiver: Address
    data: bytes


class CallEnded(NamedTuple):
    """Nothing more will happen to the call of this id, of which its caller saw so much."""

    at: float
    call: str
    proxied: bool
    saw: CallerSaw


class Tick(NamedTuple):
    """Some time has passed in a pass; `ended` of its calls are over."""

    at: float
    ended: int


class Problem(NamedTuple):
    """The run cannot be trusted any more, as something went wrong that is no call's doing."""

    at: float
    text: str


class PassEnded(NamedTuple):
    """The lab is down again; `ended` calls came to their end in it."""

    at: float
    proxied: bool
    ended: int


class CallJudged(NamedTuple):
    """The evidence of a call was checked; `why` says what is wrong with the outcome, if anything is."""

    at: float
    call: CallObservation
    why: str | None


class RunEnded(NamedTuple):
    """A scenario was played, to its end or until it was stopped, and so many messages of it were recorded."""

    at: float
    result: Result
    messages: Recorded


class RunFailed(NamedTuple):
    """A scenario could not be played."""

    at: float
    scenario: str
    reason: str
    messages: Recorded


Event = (
    RunBegan
    | PassBegan
    | CallPlaced
    | MessageSeen
    | CallEnded
    | Tick
    | Problem
    | PassEnded
    | CallJudged
    | RunEnded
    | RunFailed
)
RunListener = Callable[[Event], None]


def hears(listener: RunListener, kind: type[Event]) -> bool:
    """True for a listener that is to get events of that class."""
    wanted = getattr(listener, "hears", None)
    return kind is not MessageSeen if wanted is None else kind in wanted
