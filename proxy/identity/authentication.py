"""Digest authentication of phones at the proxy (RFC 3261 22.3, RFC 7616, RFC 8760).

Asked of every request from a trunk with `auth: digest`, but for these:

- ACK and CANCEL, which cannot be challenged (RFC 3261 22.1); they do nothing without a request that was.
- REGISTER: the registrar challenges it (401), and the proxy checks the answer: see registrations.
- Requests within a dialog that come over the flow for which our Record-Route token was made: the token vouches. From
  anywhere else, and for MESSAGE, which the policy judges each time, credentials are asked for.
- Calls to emergency numbers: they are never held up for a password. With right credentials their caller's number is
  asserted, else none is.
- OPTIONS to the proxy itself, which it answers without passing anything on.

Guessing is slowed down: who gave too many wrong answers for a user gets 403 for a while, right answers included. That
holds for this user from this address only, so that strangers cannot keep the subscriber from calling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from secrets import token_bytes

from proxy.identity.nonces import NonceCounts
from proxy.numbers.numbering import withholds
from proxy.policy.profile import Subscriber
from proxy.sip import digest
from proxy.sip.errors import BadRequest, Forbidden, SipError
from proxy.sip.message import Request
from proxy.sip.uri import cached_uri

_OF_A_TRANSACTION = ("via", "call-id", "cseq")
_MOST_CREDENTIALS = 4  # of one request that are looked at
_MOST_GUESSERS = 100_000  # users at addresses that are remembered for their wrong answers
_ASSERTIONS = ("p-asserted-identity", "p-preferred-identity", "remote-party-id")
_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class ProxyAuthenticationRequired(SipError):
    """RFC 3261 22.3; `headers` hold the challenges. Given once to each request, and forgotten (26.3.2.4)."""

    status = 407
    stateless = True


class Authenticator:
    """Challenges requests and checks the answers. `nonce_seconds` is how long a nonce may be used.

    After `wrong_answers` within `lockout_seconds`, a user gets 403 at that address for the next `lockout_seconds`.
    `key` signs the nonces.
    """

    def __init__(
        self,
        realm: str,
        nonce_seconds: float,
        wrong_answers: int = 5,
        lockout_seconds: float = 60.0,
        algorithms: tuple[str, ...] = tuple(digest.ALGORITHMS),
        *,
        key: bytes | None = None,
        counts: NonceCounts | None = None,
    ) -> None:
        self._challenger = digest.Challenger(realm, nonce_seconds, algorithms, key or token_bytes(32))
        self._realm = realm
        self._counts = counts or NonceCounts(nonce_seconds)
        self.lockout = Lockout(wrong_answers, lockout_seconds)

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
        challenges = self._challenger.challenges(now, stale=found.stale, about=about)
        headers = tuple(("Proxy-Authenticate", challenge) for challenge in challenges)
        raise ProxyAuthenticationRequired("credentials wanted", headers=headers)

    def forget_credentials(self, forwarded: Request) -> None:
        """Take out what was meant for us (RFC 3261 22.3), and identities that only a network may assert (RFC 3325)."""
        for name in _ASSERTIONS:
            forwarded.remove(name)
        for index in reversed(range(len(forwarded.names))):
            if forwarded.names[index] == "proxy-authorization" and self._is_ours(forwarded.lines[index]):
                del forwarded.names[index], forwarded.lines[index]

    def assert_identity(self, forwarded: Request, subscriber: Subscriber) -> None:
        """Tell the softswitch who it is (RFC 3325 5), and to keep it to itself where From is anonymous."""
        forwarded.replace("P-Asserted-Identity", f"<sip:{subscriber.number}@{self._realm};user=phone>")
        if "privacy" not in forwarded.names and _is_anonymous(forwarded.from_.uri):
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
        verdict = self._challenger.judge(fields, request.method, user, password, now)
        if not password or fields.get("qop") != "auth":  # without qop no replay could be told
            return digest.CredentialCheck.WRONG
        if verdict is not digest.CredentialCheck.RIGHT:
            return verdict
        if fields.get("uri") != request.uri and cached_uri(fields.get("uri", "")) != cached_uri(request.uri):
            raise BadRequest("the uri of the credentials is not the Request-URI")
        nonce = fields["nonce"]
        first = self._counts.use(nonce, user, nonce_count(fields), self._challenger.issued(nonce), now)
        return verdict if first else digest.CredentialCheck.STALE


@dataclass(frozen=True, slots=True)
class Found:
    """The worth of the credentials of a request: `subscriber` proved who they are by those of `index`.

    `stale`: some were right once. `locked` is for how many seconds none of a user's are looked at.
    """

    subscriber: Subscriber | None = None
    index: int = 0
    stale: bool = False
    locked: float = 0.0

    def refuse_guesser(self) -> None:
        """Raises Forbidden for who is locked out."""
        if self.locked:
            raise Forbidden("too many wrong answers", headers=(("Retry-After", str(ceil(self.locked))),))


class Lockout:
    """Counts wrong answers, and says who gave too many of them: `limit` within `seconds`."""

    def __init__(self, limit: int, seconds: float, most: int = _MOST_GUESSERS) -> None:
        self._limit = limit
        self._seconds = seconds
        self._most = most
        # Wrong answers, until when they count, and the last one, which may have been sent again; oldest first.
        self._counts: dict[int, tuple[int, float, int]] = {}

    def look_through(
        self,
        given: Iterable[dict[str, str]],
        find_user: Callable[[str], Subscriber | None],
        judge: Callable[[dict[str, str], Subscriber | None], digest.CredentialCheck],
        now: float,
        source: str,
    ) -> Found:
        """Find the first right ones among credentials, and count the wrong ones. `source` is where they came from."""
        stale, locked = False, 0.0
        for index, fields in enumerate(given):
            guesser = self.name(fields.get("username", ""), source)
            if left := self.locked_for(guesser, now):
                locked = left
                continue
            subscriber = find_user(fields.get("username", ""))
            verdict = judge(fields, subscriber)
            if verdict is digest.CredentialCheck.RIGHT:
                return Found(subscriber, index)
            if verdict is digest.CredentialCheck.WRONG:
                self.note(guesser, now, hash((fields.get("nonce"), fields.get("nc"), fields.get("response"))))
            else:
                stale = True
        return Found(None, 0, stale, locked)

    @staticmethod
    def name(user: str, source: str) -> int:
        """Stands for a user at an address; both may be long texts of a stranger's."""
        return hash((user, source))

    def note(self, name: int, now: float, answer: int = 0) -> None:
        """Count one more wrong answer, unless it is the same as the last: requests are sent again, too."""
        count, until, last = self._counts.pop(name, (0, 0.0, None))
        if answer and answer == last and now < until:
            self._counts[name] = count, until, answer
            return
        if now >= until:
            count, until = 0, now + self._seconds
        if count + 1 >= self._limit:
            until = now + self._seconds
        self._counts[name] = count + 1, until, answer
        if len(self._counts) > self._most:
            del self._counts[next(iter(self._counts))]

    def locked_for(self, name: int, now: float) -> float:
        """Seconds for which nothing that they answer is looked at; 0 for all others."""
        count, until, _ = self._counts.get(name, (0, 0.0, 0))
        return max(0.0, until - now) if count >= self._limit else 0.0


def nonce_count(fields: dict[str, str]) -> int:
    """How often a nonce has been used by now, as credentials say. Raises BadRequest."""
    text = fields.get("nc", "")
    if not _NONCE_COUNT.fullmatch(text):
        raise BadRequest("nc is not eight hexadecimal digits")
    return int(text, 16)


def _is_anonymous(uri: str) -> bool:
    """No user, the user anonymous, or the host anonymous.invalid (RFC 3323 4.1.1.3, RFC 3261 8.1.1.3)."""
    scheme, _, rest = uri.lower().partition(":")
    user, at, _ = rest.rpartition("@")
    return scheme in ("sip", "sips") and (not at or user == "anonymous" or withholds(uri))
