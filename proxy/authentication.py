"""Who makes a request: digest authentication of phones at the proxy (RFC 3261 22.3, RFC 7616, RFC 8760).

Asked of every request from a trunk with `auth: digest`, but for these:

- ACK and CANCEL, which cannot be challenged (RFC 3261 22.1); they do nothing without a request that was.
- REGISTER: the registrar challenges it itself (401). A second challenge, with the same password, would prove nothing.
- Requests within a dialog that come over the flow for which our Record-Route token was made: the token vouches. From
  anywhere else, and for MESSAGE, which the policy judges each time, credentials are asked for.
- Calls to emergency numbers: they are never held up for a password. With right credentials their caller's number is
  asserted, else none is.
- OPTIONS to the proxy itself, which it answers without passing anything on.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.forwarding import cached_uri
from proxy.numbers import Numbering
from proxy.policy.verdict import Step, Verdict
from proxy.sip import digest
from proxy.sip.errors import BadRequest, SipError
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request
from proxy.sip.uri import SipUri
from proxy.subscribers.profile import Subscriber

SPOOFED = "spoofed.subscriber_number"  # the rule, in call records; it cannot be turned off
_MOST_NONCES = 100_000  # in use at once; beyond that the oldest ones count as stale
_MOST_CREDENTIALS = 4  # of one request that are looked at
_ASSERTIONS = ("p-asserted-identity", "p-preferred-identity", "remote-party-id")


class ProxyAuthenticationRequired(SipError):
    """RFC 3261 22.3; `headers` hold the challenges."""

    status = 407


class Authenticator:
    """Challenges requests and checks the answers. `nonce_seconds` is how long a nonce may be used."""

    def __init__(self, realm: str, nonce_seconds: float, most_nonces: int = _MOST_NONCES) -> None:
        self._challenger = digest.Challenger(realm, nonce_seconds)
        self._realm = realm
        self._most = most_nonces
        self._used: dict[str, tuple[float, int]] = {}  # nonce -> when it was issued, its highest nonce count
        self._forgotten = float("-inf")  # nonces issued until then may have been used by somebody

    def authenticate(
        self, request: Request, find_user: Callable[[str], Subscriber | None], now: float, *, required: bool = True
    ) -> Subscriber | None:
        """The subscriber who made the request; None where nobody proved to be, and that is not `required`.

        Raises ProxyAuthenticationRequired, the same for unknown users and for wrong passwords, and BadRequest.
        """
        verdict = digest.Verdict.WRONG
        try:
            for fields in self._credentials(request):
                subscriber = find_user(fields.get("username", ""))
                verdict = self._judge(fields, request, subscriber, now)
                if verdict is digest.Verdict.RIGHT:
                    return subscriber
        except BadRequest:
            if required:
                raise
        if not required:
            return None
        challenges = self._challenger.challenges(now, stale=verdict is digest.Verdict.STALE)
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
        """Tell the softswitch who it is (RFC 3325 5)."""
        forwarded.replace("P-Asserted-Identity", f"<sip:{subscriber.number}@{self._realm};user=phone>")

    def _credentials(self, request: Request) -> list[dict[str, str]]:
        """The credentials for our realm; those for other proxies are not ours to read."""
        ours = [value for value in request.headers("proxy-authorization") if self._is_ours(f":{value}")]
        return [digest.parse_digest(value) for value in ours[:_MOST_CREDENTIALS]]

    def _is_ours(self, line: str) -> bool:
        value = line.partition(":")[2].strip()
        if value[:7].lower() != "digest ":
            return False
        try:
            return digest.parse_digest(value).get("realm") == self._realm
        except BadRequest:
            return True  # nobody can tell whose it is: better answered 400 than passed on

    def _judge(
        self, fields: dict[str, str], request: Request, subscriber: Subscriber | None, now: float
    ) -> digest.Verdict:
        password = subscriber.password if subscriber else ""
        # Computed for unknown users as well, so that the time it takes tells nothing.
        verdict = self._challenger.judge(fields, request.method, fields.get("username", ""), password, now)
        if not password or fields.get("qop") != "auth":  # without qop no replay could be told
            return digest.Verdict.WRONG
        if verdict is not digest.Verdict.RIGHT:
            return verdict
        if fields.get("uri") != request.uri and cached_uri(fields.get("uri", "")) != cached_uri(request.uri):
            raise BadRequest("the uri of the credentials is not the Request-URI")
        return verdict if self._is_first(fields["nonce"], fields.get("nc", ""), now) else digest.Verdict.STALE

    def _is_first(self, nonce: str, count_text: str, now: float) -> bool:
        """Whether credentials are no replay: the nonce count must grow (RFC 7616 3.4)."""
        try:
            count = int(count_text, 16)
        except ValueError:
            raise BadRequest("nc is not a hexadecimal number") from None
        issued = self._challenger.issued(nonce)
        used = self._used.get(nonce)
        if issued is None or issued <= self._forgotten or count <= (used[1] if used else 0):
            return False
        self._used[nonce] = (issued, count)
        self._forget_nonces(now - self._challenger.lifetime)
        return True

    def _forget_nonces(self, expired: float) -> None:
        while self._used:
            nonce, (issued, _) = next(iter(self._used.items()))
            if issued >= expired and len(self._used) <= self._most:
                return
            del self._used[nonce]
            self._forgotten = max(self._forgotten, issued)


def claims_of_others(request: Request, subscriber: Subscriber, numbering: Numbering) -> str:
    """What a request presents as its caller that is not the subscriber: in From, or in P-Preferred-Identity.

    Their number in any spelling, their digest user, or nothing at all (anonymous) may stand there; a display name may
    not read as somebody else's telephone number. "" where all is well.
    """
    for address in map(parse_name_addr, [request.header("from") or "", *request.values("p-preferred-identity")[:4]]):
        uri = cached_uri(address.uri) if address.uri.lower().startswith("sip") else None
        number = numbering.understand(address.uri)
        is_user = isinstance(uri, SipUri) and uri.user == subscriber.user
        if number.e164 != subscriber.number and not number.is_anonymous and not is_user:
            return number.presented
        shown = numbering.understand(address.display_name) if address.display_name else number
        reads_as_number = shown.e164 or shown.kind in ("short_code", "emergency")
        if shown is not number and reads_as_number and shown.e164 != subscriber.number:
            return shown.presented
    return ""


def refusal(claimed: str) -> Verdict:
    """The verdict on a call that presents a number of somebody else's."""
    detail = f"{claimed} is not the authenticated subscriber's number"
    return Verdict("reject", 403, "Forbidden", SPOOFED, detail, (Step(SPOOFED, "enforce", "reject", detail),))
