"""Digest authentication of REGISTER on trunks with `auth: digest` (RFC 3261 10.3, 22; RFC 7616, 8760).

The challenge is the registrar's own (401): a second one by the proxy (407) would be more than many phones, SIPp among
them, can answer in one request. But the answer is checked here as well, for registrars hardly ever look at the nonce
count, and the digest does not cover the Contact: who overheard one REGISTER could bind a phone of their own with it.

- The phone gets the registrar's nonce wrapped in one of ours, and the registrar gets the answer made anew for its own.
  A registrar may give a nonce again, and nobody knows what it was used for before we started; ours tells both.
- An answer counts once: its nonce must be one that was given not long ago, with a count that grows.
- A REGISTER without a right answer goes on as a question (no credentials, no Contact: RFC 3261 10.2.3), which brings a
  fresh challenge. Should the registrar answer it without asking who it is, the proxy asks, with a nonce of its own.
- Who answered rightly may register their own address-of-record only.
- Wrong answers are guesses, counted together with those in all other requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proxy.identity.authentication import nonce_count
from proxy.identity.lockout import Lockout
from proxy.identity.nonces import NonceStore
from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Subscriber
from proxy.policy.snapshot import Snapshot
from proxy.sip import digest
from proxy.sip.digest import CredentialCheck
from proxy.sip.errors import BadRequest, Forbidden
from proxy.sip.headers import value_of
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri, cached_uri

_MOST_CREDENTIALS = 4  # of one request that are looked at
_OF_A_QUESTION = ("contact", "expires")  # what makes a REGISTER more than one
_KEPT = frozenset(("via", "from", "to", "call-id", "cseq"))
_STALE = re.compile(r",\s*stale\s*=\s*(?:\"[^\"]*\"|\w*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Registration:
    """The proof in a REGISTER: it is `proven` where an answer was right, and `credentials` are those for the registrar.

    `stale`: there was one, but for a nonce that is too old, unknown or used up.
    """

    credentials: str = ""
    proven: bool = False
    stale: bool = False


class Registrations:
    """Checks REGISTERs on their way to the registrar, and what it answers. `challenger` makes the nonces, and `counts`
    remember their uses."""

    def __init__(self, challenger: digest.Challenger, counts: NonceStore, lockout: Lockout) -> None:
        self._challenger = challenger
        self._counts = counts
        self._lockout = lockout

    def check(self, request: Request, snapshot: Snapshot, now: float, source: str) -> Registration:
        """Look for a right answer. Raises Forbidden for who guesses, and for the address of somebody else."""
        lines = [
            line
            for name, line in zip(request.names, request.lines, strict=True)
            if name == "authorization" and line.partition(":")[2].lower().split(None, 1)[:1] == ["digest"]
        ]
        given = [digest.parse_digest(value_of(line)) for line in lines[:_MOST_CREDENTIALS]]
        found = self._lockout.look_through(
            given, snapshot.subscribers.find_user, lambda fields, who: self._judge(fields, who, now), now, source
        )
        if found.subscriber is not None:
            if not is_of(request.to.uri, found.subscriber, snapshot.numbering):
                raise Forbidden("the address-of-record of somebody else")
            credentials = self._for_registrar(lines[found.index], given[found.index], found.subscriber)
            return Registration(credentials, proven=True)
        found.refuse_guesser()
        return Registration(stale=found.stale)

    def forward(self, forwarded: Request, registration: Registration) -> None:
        """Leave nothing in a REGISTER that was not proven, and nothing that was meant for us."""
        if forwarded.has("authorization"):
            place = forwarded.shape.first["authorization"]
            forwarded.remove("authorization")
            if registration.credentials:
                forwarded.insert(place, "Authorization", registration.credentials)
        if not registration.proven:
            for name in _OF_A_QUESTION:
                forwarded.remove(name)

    def registrar_responded(self, response: Response, registration: Registration, now: float) -> None:
        """Wrap the nonces of the registrar's challenge; make one where it asked nobody."""
        response.remove("authentication-info")  # of the registrar's nonce, which the phone does not know
        if not registration.proven and 200 <= response.status < 300:
            self._challenge(response, now, stale=registration.stale)
        elif response.status == 401:
            for index, name in enumerate(response.names):
                if name == "www-authenticate":
                    response.lines[index] = self._wrapped(response.lines[index], registration, now)

    def _wrapped(self, line: str, registration: Registration, now: float) -> str:
        """The line of a challenge, which says that the answer was stale where nothing else was wrong with it."""
        value = value_of(line)
        try:
            nonce = digest.parse_digest(value).get("nonce")
        except BadRequest:
            return line  # of another scheme
        if nonce:
            value = digest.rewritten(value, {"nonce": self._challenger.nonce(now, wraps=nonce)})
        line = f"WWW-Authenticate: {value}"
        return _STALE.sub("", line) + ", stale=true" if registration.stale else line

    def _challenge(self, response: Response, now: float, *, stale: bool) -> None:
        """Turn the registrar's answer to a question into a challenge of ours."""
        response.status, response.reason, response.body = 401, "Unauthorized", b""
        kept = [index for index, name in enumerate(response.names) if name in _KEPT]
        response.keep(kept)
        for challenge in self._challenger.challenges(now, stale=stale):
            response.insert(len(response.lines), "WWW-Authenticate", challenge)
        response.say_length()

    def _judge(self, fields: dict[str, str], subscriber: Subscriber | None, now: float) -> CredentialCheck:
        password = subscriber.password if subscriber else ""
        # Computed for unknown users as well, so that the time it takes tells nothing.
        if not digest.is_right(fields, "REGISTER", password) or not password:
            return CredentialCheck.WRONG
        # Without qop nothing is counted, nor does the digest cover the cnonce: such an answer can be given but once.
        counted = "qop" in fields
        count = nonce_count(fields) if counted else 1
        nonce = fields.get("nonce", "")
        who = f"REGISTER\n{fields['username']}" + (f"\n{fields.get('cnonce', '')}" if counted else "")
        fresh = self._challenger.is_fresh(nonce, now)
        first = fresh and self._counts.use(nonce, who, count, self._challenger.issued(nonce), now)
        return CredentialCheck.RIGHT if first else CredentialCheck.STALE

    def _for_registrar(self, line: str, fields: dict[str, str], subscriber: Subscriber) -> str:
        """Credentials that are right for the registrar's nonce; "" where the challenge was ours alone."""
        nonce = self._challenger.wrapped(fields["nonce"])
        if not nonce:
            return ""
        answer = digest.digest_response({**fields, "nonce": nonce}, "REGISTER", subscriber.password)
        return digest.rewritten(value_of(line), {"nonce": nonce, "response": answer})


def is_of(uri: str, subscriber: Subscriber, numbering: Numbering) -> bool:
    """True for an address-of-record of the subscriber's: their digest user, or their number in any spelling."""
    parsed = cached_uri(uri)
    user = parsed.user if isinstance(parsed, SipUri) else None
    return (user is not None and user == subscriber.user) or numbering.understand(uri).e164 == subscriber.number
