"""The formats of what the folder of a run holds: as models, of which JSON schemas are made.

Nothing is read by these models at run time; tests hold what runs leave against the schemas. A member with a default may
be absent, and a figure that was not measured is. Times in seconds are of the machine's monotonic clock.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", description="UTC (RFC 3339)")]
Truth = Literal["scam", "legit", "attack", "unknown"]
Method = Literal["INVITE", "MESSAGE"]
Status = Annotated[int, Field(ge=100, le=699)]
Count = Annotated[int, Field(ge=0, le=(1 << 31) - 1)]  # as tables of calls have room for
Clock = Annotated[float, Field(ge=0, le=1 << 32, description="seconds of the monotonic clock")]
Code = Literal[0, 1, 2, 3, 5, 99, 130]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Format(BaseModel):
    """The base of all formats: an object without further members."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)


class Held(Format):
    """A threshold as it was held: `value` is null, or absent, where the figure was not measured."""

    figure: str
    asked: str
    met: bool
    value: float | None = None
    undecided: bool = False
    statistic: str | None = None
    limit: float = 0


class MessageCounts(Format):
    """The messages of a run: how many are in messages.bin, were left out, or found no room."""

    mode: Literal["never", "failed", "all"]
    kept: Count
    dropped: Count
    lost: Count
    why: str = ""


class Part(Format):
    """A scenario of a suite: the folder beside the suite's that has its calls, and how it was played."""

    name: str
    folder: str
    seed: int = 0
    softswitch: Literal["embedded", "docker"] = "embedded"
    only: list[str] | None = None
    policy: str = ""
    pseudonyms: str = ""


class LoadAsked(Format):
    """The load that was asked for: rates in calls a second, times in seconds, failures as a share."""

    lowest: float
    highest: float
    ramp: float
    hold: float
    p99: float
    failures: float
    processes: Count


class Manifest(Format):
    """manifest.json of a run's folder, or of that of a suite, which has `scenarios`. What comes with the end of a run
    is absent while `state` is running, and after a crash. `files` are SHA-256 by the path of the copy, `only` the calls
    that were chosen, `played` is the number of lines in calls.jsonl."""

    state: Literal["running", "finished", "interrupted", "failed"]
    started: Moment
    started_at: Clock
    command: list[str]
    python: str
    platform: str
    versions: dict[str, str]
    build: str
    commit: str = ""
    scenario: str = ""
    source: str = ""
    seed: int = 0
    home: str = ""
    preset: str = ""
    policy: str = ""
    softswitch: Literal["embedded", "docker"] = "embedded"
    calls: Count = 0
    only: list[str] | None = None
    files: dict[str, Sha256] = {}
    finished: Moment = ""
    reason: str = ""
    exit_code: Code = 0
    valid: bool = True
    invalid_because: list[str] = []
    partial: bool = False
    left_out: list[str] = []
    unfinished: Count = 0
    played: Count = 0
    duration: float = 0
    notes: list[str] = []
    prevalence: float | None = None
    thresholds: list[Held] = []
    thresholds_not_held: list[str] = []
    messages: MessageCounts | None = None
    load: LoadAsked | None = None
    scenarios: list[Part] = []
    pseudonyms: Annotated[str, Field(pattern="^[0-9a-f]{8}$")] = ""


class _Event(Format):
    timestamp: Moment


class StateChanged(_Event):
    """The run began, or ended in one of three ways."""

    event: Literal["started", "finished", "interrupted", "failed"]


class PassStarted(_Event):
    """The lab is up, with the proxy or without, and this many calls are about to be placed."""

    event: Literal["pass_started"]
    proxied: bool
    calls: Count


class PassEnded(_Event):
    """The lab is down; so many calls came to their end."""

    event: Literal["pass_ended"]
    proxied: bool
    ended: Count


class CallPlaced(_Event):
    """A call left its caller."""

    event: Literal["call_placed"]
    proxied: bool
    call: str


class CallEnded(_Event):
    """Nothing more will happen to the call; its delay is in seconds."""

    event: Literal["call_ended"]
    proxied: bool
    call: str
    status: Status | None
    setup_delay: float | None


class ProblemSeen(_Event):
    """Something that makes the run invalid."""

    event: Literal["problem"]
    text: str


Events = Annotated[
    StateChanged | PassStarted | PassEnded | CallPlaced | CallEnded | ProblemSeen, Field(discriminator="event")
]


class Saw(Format):
    """The caller's socket: when the request was due and left, and what came back."""

    due: Clock
    sent: Clock | None
    ringing: Clock | None
    final: Clock | None
    status: Status | None
    retransmissions: Count | None
    error: str | None


class Rang(Format):
    """The phone's socket: requests that reached it, and the status that it gave."""

    invites: Count
    first_invite: Clock | None
    status: Status | None
    error: str | None


class Wrote(Format):
    """The proxy's record of a call, as far as judging needs it; `elapsed_us` is in microseconds."""

    action: str
    status: Status | None
    rule: str
    detail: str
    final: Status | None
    elapsed_us: float | None
    service: str
    shadow: list[tuple[str, str]]
    scores: list[tuple[str, Annotated[float, Field(ge=0, le=1)]]]


class Expected(Format):
    """The outcome that the scenario expects."""

    action: str | None
    rule: str | None
    status: Status | None


class CallLine(Format):
    """A line of calls.jsonl: a call as planned, as each side saw it, and what that adds up to. `call_id` is empty where
    it is the id, `direct` is the same call without the proxy,
    `switch_received` when the softswitch got it.
    """

    id: str
    name: str
    family: str
    segment: str
    truth: Truth
    trunk: str
    caller: str
    callee: str
    agent: Literal["wire", "pjsua"]
    expected: Expected | None
    caller_saw: Saw
    phone_saw: Rang
    switch_received: Clock | None = None
    proxy_wrote: Wrote | None
    method: Method
    call_id: str
    unproven: list[str]
    deaf: list[str]
    outcome: Literal["blocked", "passed", "fault"]
    rightly_judged: bool
    disagreements: list[str]
    unmet_expectations: list[str]
    wrong: str | None
    failed: bool
    direct: Saw | None


class _Record(Format):
    timestamp: Moment
    call_id: str


Step = tuple[str, str, str, str]


class CallRecord(_Record):
    """The proxy's record of a call or text that it judged: `trace` has every rule asked, its mode, what it said, and
    why. Either `answered` is there, or `ended` and `by`. `waited_ms` is for remote sources."""

    event: Literal["call"]
    method: str
    trunk: str
    caller: str
    callee: str
    action: Literal["allow", "label", "challenge", "divert", "reject"]
    status: Status | None
    rule: str
    detail: str
    trace: list[Step]
    final: Status | None
    elapsed_us: Count
    label: str = ""
    service: str = ""
    reference: str = ""
    switch_status: Status = 0
    reason: str = ""
    retry_after: str = ""
    waited_ms: Count = 0
    rang: Moment = ""
    answered: Moment = ""
    ended: Moment = ""
    by: str = ""
    legs: list[str] = []


class EndRecord(_Record):
    """The end of a call that was answered; it stood for so many `seconds`."""

    event: Literal["ended"]
    rang: Moment = ""
    answered: Moment
    legs: list[str] = []
    by: str
    seconds: float


class ShadowRecord(_Record):
    """The answer of a rule in shadow mode that had to ask first."""

    event: Literal["shadow"]
    rule: str
    mode: str
    outcome: str
    detail: str


Records = Annotated[CallRecord | EndRecord | ShadowRecord, Field(discriminator="event")]


class MessageLine(Format):
    """A line that `ringfence messages` prints, or that the proxy writes to its message log."""

    timestamp: Moment
    call_id: str | None
    at: float
    transport: Literal["udp", "tcp", "tls"]
    from_: Annotated[str, Field(alias="from")]
    to: str
    proxied: bool = True
    message: str = ""
    base64: str = ""
