"""Who registers: digest authentication of REGISTER on trunks with `auth: digest` (RFC 3261 10.3, 22; RFC 7616, 8760).

The challenge is the registrar's own (401): a second one by the proxy (407) would be more than many phones, SIPp among
them, can answer in one request. But the answer is checked here as well, for registrars hardly ever look at the nonce
count, and the digest does not cover the Contact: who overheard one REGISTER could bind a phone of their own with it.

- An answer counts once: its nonce must be one that passed here not long ago, with a count that grows.
- A REGISTER without a right answer goes on as a question (no credentials, no Contact: RFC 3261 10.2.3), which brings a
  fresh challenge. Should the registrar answer it without asking who it is, the proxy asks, with a nonce of its own.
- Who answered rightly may register their own address-of-record only.
- Wrong answers are guesses, counted together with those in all other requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from proxy.authentication import Guesses, nonce_count
from proxy.forwarding import cached_uri
from proxy.numbers.numbering import Numbering
from proxy.policy.snapshot import Snapshot
from proxy.response_context import Registration
from proxy.sip import digest
from proxy.sip.digest import Verdict
from proxy.sip.errors import BadRequest, Forbidden
from proxy.sip.message import Request, Response, value_of
from proxy.sip.uri import SipUri
from proxy.subscribers.profile import Subscriber

_MOST_REMEMBERED = 100_000  # nonces, and answers to them; beyond that the oldest nonces are forgotten
_REMEMBERED = 3600.0  # seconds for which it is known what a nonce was used for: some registrars give one again
_MOST_CREDENTIALS = 4  # of one request that are looked at
_OF_A_QUESTION = ("contact", "expires")  # what makes a REGISTER more than one
_KEPT = frozenset(("via", "from", "to", "call-id", "cseq"))
_STALE = re.compile(r",\s*stale\s*=\s*(?:\"[^\"]*\"|\w*)", re.IGNORECASE)


class Registrations:
    """Checks REGISTERs on their way to the registrar, and what it answers. `nonce_seconds` is how long after the
    registrar gave a nonce it may be used."""

    def __init__(self, challenger: digest.Challenger, guesses: Guesses, most: int = _MOST_REMEMBERED) -> None:
        self._challenger = challenger
        self._nonces = SeenNonces(challenger.lifetime, most)
        self._guesses = guesses

    def check(self, request: Request, snapshot: Snapshot, now: float, source: str) -> Registration:
        """Look for a right answer. Raises Forbidden for who guesses, and for the address of somebody else."""
        lines = [
            line
            for name, line in zip(request.names, request.lines, strict=True)
            if name == "authorization" and line.partition(":")[2].lower().split(None, 1)[:1] == ["digest"]
        ]
        given = [digest.parse_digest(value_of(line)) for line in lines[:_MOST_CREDENTIALS]]
        found = self._guesses.look_through(
            given, snapshot.subscribers.find_user, lambda fields, who: self._judge(fields, who, now), now, source
        )
        if found.subscriber is not None:
            if not is_of(request.to.uri, found.subscriber, snapshot.numbering):
                raise Forbidden("the address-of-record of somebody else")
            return Registration(lines[found.index])
        found.refuse_guesser()
        return Registration(stale=found.stale)

    def forward(self, forwarded: Request, registration: Registration) -> None:
        """Leave nothing in a REGISTER that was not proven, and nothing that was meant for us."""
        kept = registration.credentials
        if kept and self._is_ours(kept):
            kept = ""
        for index in reversed(range(len(forwarded.names))):
            if forwarded.names[index] == "authorization" and forwarded.lines[index] != kept:
                del forwarded.names[index], forwarded.lines[index]
        if not registration.credentials:
            for name in _OF_A_QUESTION:
                forwarded.remove(name)

    def answered(self, response: Response, registration: Registration, now: float) -> None:
        """Note the nonces of the registrar's challenge; make one where it asked nobody."""
        if not registration.credentials and 200 <= response.status < 300:
            self._challenge(response, now, stale=registration.stale)
        elif response.status == 401:
            for index, name in enumerate(response.names):
                if name == "www-authenticate":
                    response.lines[index] = self._note(response.lines[index], registration, now)

    def _note(self, line: str, registration: Registration, now: float) -> str:
        """The line of a challenge, which says that the answer was stale where nothing else was wrong with it."""
        try:
            fields = digest.parse_digest(value_of(line))
        except BadRequest:
            return line  # of another scheme
        self._nonces.note(fields.get("nonce", ""), now)
        return _STALE.sub("", line) + ", stale=true" if registration.stale else line

    def _challenge(self, response: Response, now: float, *, stale: bool) -> None:
        """Turn the registrar's answer to a question into a challenge of ours."""
        response.status, response.reason, response.body = 401, "Unauthorized", b""
        kept = [index for index, name in enumerate(response.names) if name in _KEPT]
        response.names = [response.names[index] for index in kept]
        response.lines = [response.lines[index] for index in kept]
        for challenge in self._challenger.challenges(now, stale=stale):
            self._nonces.note(digest.parse_digest(challenge)["nonce"], now)
            response.insert(len(response.lines), "WWW-Authenticate", challenge)
        response.say_length()

    def _judge(self, fields: dict[str, str], subscriber: Subscriber | None, now: float) -> Verdict:
        password = subscriber.password if subscriber else ""
        # Computed for unknown users as well, so that the time it takes tells nothing.
        if not digest.is_right(fields, "REGISTER", password) or not password:
            return Verdict.WRONG
        # Without qop nothing is counted, nor does the digest cover the cnonce: such an answer can be given but once.
        counted = "qop" in fields
        count = nonce_count(fields) if counted else 1
        answer = hash((fields["username"], fields.get("cnonce") if counted else None))
        return Verdict.RIGHT if self._nonces.use(fields.get("nonce", ""), answer, count, now) else Verdict.STALE

    def _is_ours(self, line: str) -> bool:
        return self._challenger.issued(digest.parse_digest(value_of(line)).get("nonce", "")) is not None


@dataclass(slots=True)
class _Seen:
    """A nonce: when it was given last, and the highest count of each who used it."""

    given: float
    counts: dict[int, int] = field(default_factory=dict)


class SeenNonces:
    """The nonces that passed here, and what they were used for. Nobody uses one up for somebody else: registrars may
    give the same to all who ask at the same moment."""

    def __init__(self, lifetime: float, most: int = _MOST_REMEMBERED) -> None:
        self._lifetime = lifetime
        self._most = most
        self._seen: dict[int, _Seen] = {}  # by hash, for nonces may be long; the one given last comes last
        self._uses = 0

    def note(self, nonce: str, now: float) -> None:
        """It was given, for the first time or again."""
        name = hash(nonce)
        seen = self._seen.pop(name, None) or _Seen(now)
        seen.given = now
        self._seen[name] = seen
        self._forget(now)

    def use(self, nonce: str, answer: int, count: int, now: float) -> bool:
        """Whether it may be used so: it is known, not too old, and the count has grown. `answer` stands for the user
        and the client nonce."""
        seen = self._seen.get(hash(nonce))
        if seen is None or now - seen.given > self._lifetime or count <= seen.counts.get(answer, 0):
            return False
        self._uses += answer not in seen.counts
        seen.counts[answer] = count
        self._forget(now)
        return True

    def _forget(self, now: float) -> None:
        while self._seen:
            name, seen = next(iter(self._seen.items()))
            if now - seen.given <= _REMEMBERED and len(self._seen) <= self._most and self._uses <= self._most:
                return
            self._uses -= len(seen.counts)
            del self._seen[name]


def is_of(uri: str, subscriber: Subscriber, numbering: Numbering) -> bool:
    """Whether an address-of-record is the subscriber's: their digest user, or their number in any spelling."""
    parsed = cached_uri(uri)
    user = parsed.user if isinstance(parsed, SipUri) else None
    return (user is not None and user == subscriber.user) or numbering.understand(uri).e164 == subscriber.number
