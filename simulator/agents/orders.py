"""Orders to agents about calls and texts, and what they saw of them. Times are seconds of `time.monotonic`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from proxy.sip.headers import canonical_name, quote

_LINE_END = re.compile(r"\r\n(?![ \t])")  # not amid a folded header
_PLAIN_USER = re.compile(r"[A-Za-z0-9+._-]+")
CALL_HEADER = "X-Ringfence-Call"  # on the switch's far side: the Call-ID of the near side
ANONYMOUS = "anonymous"
DOMAIN = "ringfence.example"  # of the lab


def _lines(head: str) -> list[str]:
    return _LINE_END.split(head) if head else []


@dataclass(frozen=True, slots=True)
class Credentials:
    """A digest user (RFC 3261 22)."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place, or a text to send where `text` is given.

    `caller` is a number, `anonymous` or a URI, `callee` what is dialled. Seconds: `talk` from the answer to our BYE
    (None: the callee hangs up), `cancel_after` from the first 18x to our CANCEL (None: ring on), `patience` from the
    INVITE to our CANCEL where nobody answers. A call answered before its CANCEL ends with a BYE instead.
    """

    call_id: str
    caller: str
    callee: str
    domain: str = DOMAIN
    display_name: str = ""
    asserted: str | None = None  # number in P-Asserted-Identity (RFC 3325)
    diversion: str | None = None  # number in Diversion (RFC 5806)
    privacy: str | None = None  # RFC 3323, for example "id"
    headers: tuple[tuple[str, str], ...] = ()  # anything more, as it shall appear
    talk: float | None = None
    cancel_after: float | None = None
    patience: float = 60.0
    text: str | None = None
    credentials: Credentials | None = None

    @property
    def dialled(self) -> str:
        """The callee as the user part of a URI: # stands for no such thing there (RFC 3261 25.1)."""
        return self.callee.replace("#", "%23")

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return f"sip:{self.dialled}@{self.domain}"

    @property
    def from_(self) -> str:
        """The From value, without a tag."""
        if self.caller == ANONYMOUS:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.caller if ':' in self.caller else f'sip:{self.caller}@{self.domain}'}>"

    @property
    def contact(self) -> str:
        """The user part of the caller's own address."""
        if ":" not in self.caller:
            return self.caller
        user = self.caller.partition(":")[2].partition("@")[0]
        return user if _PLAIN_USER.fullmatch(user) else "caller"

    @property
    def identity_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell the caller besides From, and the order's own."""
        given = (
            ("P-Asserted-Identity", self.asserted and f"<sip:{self.asserted}@{self.domain}>"),
            ("Diversion", self.diversion and f"<sip:{self.diversion}@{self.domain}>;reason=unconditional"),
            ("Privacy", self.privacy),
        )
        return (*((name, value) for name, value in given if value), *self.headers)


@dataclass(slots=True)
class OutgoingCall:
    """The placing side's view. `error` says why there is no final answer, `ended` that nothing more will come."""

    order: Order
    sent: float | None = None
    trying: float | None = None
    ringing: float | None = None  # the first 18x
    final: float | None = None
    status: int | None = None
    reason: str | None = None
    refusal_head: str = ""  # header lines of the final answer that was no 2xx
    cancel_sent: float | None = None
    ack_sent: float | None = None
    bye_sent: float | None = None
    bye_received: float | None = None
    ended: float | None = None
    retransmissions: int = 0  # of the INVITE
    error: str | None = None

    @property
    def refusal(self) -> list[str]:
        """The header lines of the final answer, where that was no 2xx."""
        return _lines(self.refusal_head)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A phone's behaviour in a call: it rings (180), after `after` seconds gives `status` (None: never), and hangs up
    after `talk` seconds of conversation (None: leaves that to the caller)."""

    status: int | None = 200
    after: float = 0.0
    rings: bool = True
    talk: float | None = None


ANSWER = Behaviour()
RING_ONLY = Behaviour(status=None)
BUSY = Behaviour(status=486, rings=False)
REJECT = Behaviour(status=603)
SILENT = Behaviour(status=None, rings=False)  # a phone that never says anything


@dataclass(slots=True)
class IncomingCall:
    """One call or text as a phone saw it. `call` is the caller side's Call-ID, `number` who was called."""

    call: str
    number: str
    method: Literal["INVITE", "MESSAGE"]
    received: float
    from_: str = ""  # the From value as it came
    head: str = ""  # all header lines in one text: a campaign has many calls
    body: bytes = b""
    status: int | None = None
    final_sent: float | None = None
    acknowledged: float | None = None
    cancelled: float | None = None
    bye_sent: float | None = None
    bye_received: float | None = None
    retransmissions: int = 0  # of the INVITE, as received

    @property
    def lines(self) -> list[str]:
        """All header lines, as they came."""
        return _lines(self.head)

    @property
    def headers(self) -> dict[str, str]:
        """The first value of each header, by its long name in lower case."""
        return {canonical_name(line): line.partition(":")[2].strip() for line in reversed(self.lines)}
