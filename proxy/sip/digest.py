"""Digest authentication in SIP (RFC 3261 22, RFC 7616, RFC 8760: SHA-256 and MD5): what clients and servers share,
and the server's side."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.sip.errors import BadRequest
from proxy.sip.headers import quote, unquote

# The one preferred first, as RFC 8760 2.4 wants challenges to stand.
ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_FIELD = re.compile(r'\s*([A-Za-z0-9-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*(?:,|$)')


def parse_digest(text: str) -> dict[str, str]:
    """The fields of a challenge or of credentials, names in lower case, each at most once. Raises BadRequest."""
    scheme, rest = (*text.split(None, 1), "", "")[:2]
    fields: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _FIELD.match(rest, position)
        if match is None or scheme.lower() != "digest" or match[1].lower() in fields:
            raise BadRequest(f"malformed digest {text[:60]!r}")
        fields[match[1].lower()] = unquote(match[2])
        position = match.end()
    return fields


def digest_response(fields: Mapping[str, str], method: str, password: str) -> str:
    """RFC 7616 3.4.1, with qop=auth or, for RFC 2069 peers, without. Raises KeyError for another algorithm."""
    digest = ALGORITHMS[fields.get("algorithm", "MD5").upper()]

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode("utf-8", "surrogateescape"))

    secret = hashed(fields.get("username", ""), fields.get("realm", ""), password)
    request = hashed(method, fields.get("uri", ""))
    if "qop" in fields:
        middle = (fields.get("nonce", ""), fields.get("nc", ""), fields.get("cnonce", ""), fields["qop"])
        return hashed(secret, *middle, request)
    return hashed(secret, fields.get("nonce", ""), request)


def is_right(fields: Mapping[str, str], method: str, password: str) -> bool:
    """Whether the response in the fields of credentials is that of who knows the password."""
    known = fields.get("algorithm", "MD5").upper() in ALGORITHMS
    return known and _same(fields.get("response", ""), digest_response(fields, method, password))


class Verdict(Enum):
    """What credentials are worth."""

    RIGHT = "right"
    STALE = "stale"  # right, but for a nonce that is too old or not of ours
    WRONG = "wrong"


@dataclass(frozen=True)
class Challenger:
    """The server's side. Nonces are signed, carry their time and are all different: none need be remembered.

    `lifetime` of a nonce is in seconds; `algorithms` are those offered, and taken, in their order.
    """

    realm: str
    lifetime: float = 300.0
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def challenges(self, now: float, *, stale: bool = False) -> list[str]:
        """One challenge for each algorithm, the one preferred first."""
        text = f"{round(now * 1000)}-{secrets.token_hex(8)}"
        suffix = ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(self.realm)}, nonce="{text}-{self._mac(text)}", algorithm={name}, qop="auth"{suffix}'
            for name in self.algorithms
        ]

    def judge(self, fields: Mapping[str, str], method: str, user: str, password: str, now: float) -> Verdict:
        """Check the fields of credentials. Only who knows the password learns that a nonce is stale (RFC 7616 3.3)."""
        if (
            fields.get("username") != user
            or fields.get("realm") != self.realm
            or fields.get("algorithm", "MD5").upper() not in self.algorithms
            or not is_right(fields, method, password)
        ):
            return Verdict.WRONG
        issued = self.issued(fields.get("nonce", ""))
        return Verdict.RIGHT if issued is not None and now - issued <= self.lifetime else Verdict.STALE

    def issued(self, nonce: str) -> float | None:
        """When a nonce of ours was made; None for any other text."""
        text, _, mac = nonce.rpartition("-")
        return int(text.partition("-")[0]) / 1000 if _same(mac, self._mac(text)) else None

    def _mac(self, text: str) -> str:
        message = text.encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, message, "sha256").hex()[:32]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
