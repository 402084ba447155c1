"""Digest authentication of phones at the proxy (RFC 3261 22.3, RFC 7616, RFC 8760).

Asked of every request from a trunk with `auth: digest`, but for these:

- ACK and CANCEL, which cannot be challenged (RFC 3261 22.1); they do nothing without a request that was.
- REGISTER: the registrar challenges it (401), and the proxy checks the answer: see registrations.
- Requests within a dialog that come over the flow for which our Record-Route token was made: the token vouches. From
  anywhere else, and for MESSAGE, which the policy judges each time, credentials are asked for.
- Calls to emergency numbers: they are never held up for a password. With right credentials their caller's number is
  asserted, else none is.
- OPTIONS to the proxy itself, which it answers without passing anything on.

Guessing is slowed down: see lockout.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from secrets import token_bytes
from typing import Protocol

from proxy.identity.lockout import AttemptStore, Found, Lockout
from proxy.identity.nonces import NonceCounts, NonceStore
from proxy.policy.profile import Subscriber
from proxy.sip import digest
from proxy.sip.errors import BadRequest, SipError
from proxy.sip.message import Request
from proxy.sip.privacy import withholds
from proxy.sip.uri import cached_uri

_OF_A_TRANSACTION = ("via", "call-id", "cseq")
_MOST_CREDENTIALS = 4  # of one request that are looked at
_ASSERTIONS = ("p-asserted-identity", "p-preferred-identity", "remote-party-id")
_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class ProxyAuthenticationRequired(SipError):
    """RFC 3261 22.3; `headers` hold the challenges. Given once to each request, and forgotten (26.3.2.4)."""

    status = 407
    stateless = True


class Counts(NonceStore, AttemptStore, Protocol):
    """A memory for both the uses of nonces and wrong answers."""


class Authenticator:
    """Challenges requests and checks the answers. `nonce_seconds` is how long a nonce may be used.

    After `failed_attempts` within `lockout_seconds`, a user gets 403 at that address for the next `lockout_seconds`.
    `key` signs the nonces, `counts` remember their uses, and `attempts` wrong answers; else this process does.
    """

    def __init__(
        self,
        realm: str,
        nonce_seconds: float,
        failed_attempts: int = 5,
        lockout_seconds: float = 60.0,
        algorithms: tuple[str, ...] = tuple(digest.ALGORITHMS),
        *,
        key: bytes | None = None,
        counts: NonceStore | None = None,
        attempts: AttemptStore | None = None,
    ) -> None:
        self.counts: NonceStore = counts if counts is not None else NonceCounts(nonce_seconds)
        self.challenger = digest.Challenger(realm, nonce_seconds, algorithms, key or token_bytes(32), self.counts.name)
        self.lockout = Lockout(failed_attempts, lockout_seconds, attempts)
        self._realm = realm

    def authenticate(
        self,
        request: Request,
        find_user: Callable[[str], Subscriber | None],
        now: float,
        source: str,
        *,
        required: bool = True,
    ) -> Subscriber | None:
        """The subscriber who made the request; None where nobody proved to be, and that is not `required`.

        `source` is the address that it came from. Raises ProxyAuthenticationRequired, the same for unknown users and
        for wrong passwords, Forbidden for who guesses, and BadRequest.
        """
        found = Found()
        try:
            given = self._credentials(request)
            found = self.lockout.look_through(
                given, find_user, lambda fields, who: self._judge(fields, request, who, now), now, source
            )
        except BadRequest:
            if required:
                raise
        if found.subscriber is not None or not required:
            return found.subscriber
        found.refuse_guesser()
        # A request that is sent again gets the same challenge again, though nobody remembers it.
        about = "\n".join(filter(None, map(request.line, _OF_A_TRANSACTION)))
        challenges = self.challenger.challenges(now, stale=found.stale, about=about)
        headers = tuple(("Proxy-Authenticate", challenge) for challenge in challenges)
        raise ProxyAuthenticationRequired("credentials wanted", headers=headers)

    def is_answered(self, request: Request) -> bool:
        """True where a request holds credentials for our realm, right or wrong."""
        return any(self._is_ours(f":{value}") for value in request.headers("proxy-authorization"))

    def forget_credentials(self, forwarded: Request) -> None:
        """Take out what was meant for us (RFC 3261 22.3), and identities that only a network may assert (RFC 3325)."""
        for name in _ASSERTIONS:
            forwarded.remove(name)
        for index in reversed(range(len(forwarded.names))):
            if forwarded.names[index] == "proxy-authorization" and self._is_ours(forwarded.lines[index]):
                forwarded.remove_line(index)

    def assert_identity(self, forwarded: Request, subscriber: Subscriber) -> None:
        """Tell the softswitch who it is (RFC 3325 5), and to keep it to itself where From is anonymous."""
        forwarded.replace("P-Asserted-Identity", f"<sip:{subscriber.number}@{self._realm};user=phone>")
        if not forwarded.has("privacy") and _is_anonymous(forwarded.from_.uri):
            forwarded.replace("Privacy", "id")

    def _credentials(self, request: Request) -> list[dict[str, str]]:
        """The credentials for our realm; those for other proxies are not ours to read."""
        ours = [value for value in request.headers("proxy-authorization") if self._is_ours(f":{value}")]
        return [digest.parse_digest(value) for value in ours[:_MOST_CREDENTIALS]]

    def _is_ours(self, line: str) -> bool:
        value = line.partition(":")[2]
        if value.lower().split(None, 1)[:1] != ["digest"]:
            return False
        try:
            return digest.parse_digest(value).get("realm") == self._realm
        except BadRequest:
            return True  # nobody can tell whose it is: better answered 400 than passed on

    def _judge(
        self, fields: dict[str, str], request: Request, subscriber: Subscriber | None, now: float
    ) -> digest.CredentialCheck:
        password = subscriber.password if subscriber else ""
        # Computed for unknown users as well, so that the time it takes tells nothing.
        user = fields.get("username", "")
        check = self.challenger.judge(fields, request.method, user, password, now)
        if not password or fields.get("qop") != "auth":  # without qop no replay could be told
            return digest.CredentialCheck.WRONG
        if check is not digest.CredentialCheck.RIGHT:
            return check
        if fields.get("uri") != request.uri and cached_uri(fields.get("uri", "")) != cached_uri(request.uri):
            raise BadRequest("the uri of the credentials is not the Request-URI")
        nonce = fields["nonce"]
        first = self.counts.use(nonce, user, nonce_count(fields), self.challenger.issued(nonce), now)
        return check if first else digest.CredentialCheck.STALE


def nonce_count(fields: dict[str, str]) -> int:
    """Count the uses of a nonce by now, as credentials say. Raises BadRequest."""
    text = fields.get("nc", "")
    if not _NONCE_COUNT.fullmatch(text):
        raise BadRequest("nc is not eight hexadecimal digits")
    return int(text, 16)


def _is_anonymous(uri: str) -> bool:
    """No user, the user anonymous, or the host anonymous.invalid (RFC 3323 4.1.1.3, RFC 3261 8.1.1.3)."""
    scheme, _, rest = uri.lower().partition(":")
    user, at, _ = rest.rpartition("@")
    return scheme in ("sip", "sips") and (not at or user == "anonymous" or withholds(uri))
