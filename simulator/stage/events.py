"""The events of the stage, in the order in which they happen: a page gets the whole state, then these.

They are frozen and hold what JSON can hold. `at` is in seconds since 1970. `call` is the id of a call, which is its
Call-ID at the caller's side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Lifeline = Literal["caller", "trunk", "proxy", "softswitch", "phone"]
Words = Mapping[str, str]  # by language: en, zh


class Placed(NamedTuple):
    """A call left its caller, or a text. `call` has its id and what was chosen."""

    at: float
    call: Mapping[str, Any]


class Message(NamedTuple):
    """A SIP message of a call passed between two lifelines."""

    at: float
    call: str
    from_: Lifeline
    to: Lifeline
    transport: str
    first_line: str
    text: str


class Judged(NamedTuple):
    """The proxy's verdict on a call, when it was taken. `title` names the rule, `words` say what was decided,
    `evidence` why, and `otherwise` what would have happened without the rule. `trace` has a row for each rule that was
    asked: name, mode, outcome, detail."""

    at: float
    call: str
    action: str
    status: int | None
    rule: str
    title: Words
    detail: str
    label: str
    service: str
    elapsed_us: int
    trace: Sequence[Sequence[str]]
    words: Words
    evidence: Words
    otherwise: Words


class Phone(NamedTuple):
    """A subscriber's phone: its state, and the call that it is in, with what it shows of the caller; of whom it calls
    where it is `calling`."""

    at: float
    subscriber: str
    state: Literal["idle", "ringing", "calling", "talking"]
    call: str
    caller: str
    display_name: str
    label: str


class Text(NamedTuple):
    """A text came to a subscriber's phone."""

    at: float
    subscriber: str
    call: str
    caller: str
    body: str


class Heard(NamedTuple):
    """A recording of what one side heard is at `url`; `who` is `caller`, `phone`, `voicemail` or `honeypot`."""

    at: float
    call: str
    who: str
    url: str


class Ended(NamedTuple):
    """A call is over. `outcome` is blocked, passed or fault; `status` the caller's final one, `by` who ended it."""

    at: float
    call: str
    outcome: str
    status: int | None
    by: str


class Settings(NamedTuple):
    """A subscriber's settings are these now, in force for the next call."""

    at: float
    subscriber: str
    settings: Mapping[str, Any]


class Rule(NamedTuple):
    """A rule's mode, and how many calls it decided (`enforced`) or would have (`shadowed`)."""

    at: float
    rule: str
    mode: str
    enforced: int
    shadowed: int


class Score(NamedTuple):
    """The figures of the session so far."""

    at: float
    score: Mapping[str, Any]


class Traffic(NamedTuple):
    """Calls come by themselves, or no more do."""

    at: float
    traffic: Mapping[str, Any]


class Scenarios(NamedTuple):
    """The scenarios whose calls can come by themselves."""

    at: float
    scenarios: Sequence[Mapping[str, Any]]


class Lesson(NamedTuple):
    """The lesson under way; None: none is."""

    at: float
    lesson: Mapping[str, Any] | None


class LabState(NamedTuple):
    """The parts of the lab, and if they are up."""

    at: float
    lab: Mapping[str, str]


class Notice(NamedTuple):
    """Something that whoever is at the page should read."""

    at: float
    level: Literal["info", "warning"]
    words: Words


Event = (
    Placed
    | Message
    | Judged
    | Phone
    | Text
    | Heard
    | Ended
    | Settings
    | Rule
    | Score
    | Traffic
    | Scenarios
    | Lesson
    | LabState
    | Notice
)
_NAMES: Mapping[type, str] = {LabState: "lab"}


def name_of(event: Event) -> str:
    """The name under which a page hears of it."""
    return _NAMES.get(type(event)) or type(event).__name__.lower()


def to_json(event: Event) -> dict[str, Any]:
    """Its fields by name."""
    return {name.rstrip("_"): value for name, value in event._asdict().items()}


def call_of(event: Event) -> str | None:
    """The id of the call that it is about."""
    if isinstance(event, Placed):
        return str(event.call["id"])
    return getattr(event, "call", None) or None
