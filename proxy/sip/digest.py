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
_SAME_FOR = 4.0  # seconds at most that a nonce about a request stays the same
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


def rewritten(text: str, fields: Mapping[str, str]) -> str:
    """Credentials or a challenge with other values, all quoted-strings, of some of its fields."""
    scheme, rest = text.split(None, 1)

    def put(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in fields:
            return match[0]
        start, end = match.span(2)
        return match[0][: start - match.start()] + quote(fields[name]) + match[0][end - match.start() :]

    return f"{scheme} {_FIELD.sub(put, rest)}"


def is_right(fields: Mapping[str, str], method: str, password: str) -> bool:
    """True if the response in the fields of credentials is that of who knows the password."""
    known = fields.get("algorithm", "MD5").upper() in ALGORITHMS
    return known and _same(fields.get("response", ""), digest_response(fields, method, password))


class CredentialCheck(Enum):
    """The worth of credentials."""

    RIGHT = "right"
    STALE = "stale"  # right, but for a nonce that is too old or not of ours
    WRONG = "wrong"


@dataclass(frozen=True)
class Challenger:
    """The server's side. Nonces are signed, carry their time and are all different: none need be remembered.

    `lifetime` of a nonce is in seconds; `algorithms` are those offered, and taken, in their order. Nonces name the
    `store` that counts their uses: those counted elsewhere, by another process or before a restart, are stale (where
    it is "", none are).
    """

    realm: str
    lifetime: float = 300.0
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    store: str = field(default_factory=lambda: secrets.token_hex(4))

    def challenges(self, now: float, *, stale: bool = False, about: str = "") -> list[str]:
        """One challenge for each algorithm, the one preferred first; see `nonce` for `about`."""
        nonce, suffix = self.nonce(now, about), ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(self.realm)}, nonce="{nonce}", algorithm={name}, qop="auth"{suffix}'
            for name in self.algorithms
        ]

    def nonce(self, now: float, about: str = "", wraps: str = "") -> str:
        """A nonce that nobody else was given. Where it is `about` something, a request that may be sent again, it is
        the same for some seconds. `wraps` is the nonce of another server, to be had again by `wrapped`."""
        if about:
            now -= now % min(_SAME_FOR, self.lifetime / 8)
        unique = self._mac(about)[:16] if about else secrets.token_hex(8)
        text = f"{wraps}{'.' if wraps else ''}{round(now * 1000)}-{self.store}-{unique}"
        return f"{text}-{self._mac(text)}"

    def judge(self, fields: Mapping[str, str], method: str, user: str, password: str, now: float) -> CredentialCheck:
        """Check the fields of credentials. Only who knows the password learns that a nonce is stale (RFC 7616 3.3)."""
        if (
            fields.get("username") != user
            or fields.get("realm") != self.realm
            or fields.get("algorithm", "MD5").upper() not in self.algorithms
            or not is_right(fields, method, password)
        ):
            return CredentialCheck.WRONG
        return CredentialCheck.RIGHT if self.is_fresh(fields.get("nonce", ""), now) else CredentialCheck.STALE

    def is_fresh(self, nonce: str, now: float) -> bool:
        """True for a nonce of ours that is not too old."""
        issued = self.issued(nonce)
        return issued is not None and now - issued <= self.lifetime

    def issued(self, nonce: str) -> float | None:
        """The moment at which a nonce of this store was made; None for any other text."""
        text, _, mac = nonce.rpartition("-")
        if not _same(mac, self._mac(text)):
            return None
        head, store, _ = text.rsplit("-", 2)
        return int(head.rpartition(".")[2]) / 1000 if self.store in (store, "") else None

    def wrapped(self, nonce: str) -> str:
        """The nonce of another server that one of ours wraps; "" where it wraps none."""
        return nonce.rsplit("-", 3)[0].rpartition(".")[0]

    def _mac(self, text: str) -> str:
        message = text.encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, message, "sha256").hex()[:32]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
