"""HTTP digest authentication in SIP (RFC 3261 22, RFC 8760: MD5 and SHA-256), for both sides."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.sip.errors import BadRequest
from proxy.sip.headers import quote, unquote

_HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_NONCE_LIFETIME = 300.0  # seconds
_FIELD = re.compile(r'\s*([A-Za-z0-9-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*(?:,|$)')


def parse_digest(text: str) -> dict[str, str]:
    """The fields of a challenge or of credentials, names in lower case. Raises BadRequest."""
    scheme, _, rest = text.strip().partition(" ")
    fields: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _FIELD.match(rest, position)
        if match is None or scheme.lower() != "digest":
            raise BadRequest(f"malformed digest {text[:60]!r}")
        fields[match[1].lower()] = unquote(match[2])
        position = match.end()
    return fields


def answer_challenge(challenges: Iterable[str], method: str, uri: str, user: str, password: str) -> str | None:
    """Credentials for the first challenge that we can answer (RFC 8760 2.4); None where there is none."""
    for challenge in challenges:
        fields = parse_digest(challenge)
        algorithm = fields.get("algorithm", "MD5").upper()
        qop = [item.strip() for item in fields["qop"].split(",")] if "qop" in fields else []
        if algorithm not in _HASHES or (qop and "auth" not in qop):
            continue
        fields = {
            "username": user,
            "realm": fields.get("realm", ""),
            "nonce": fields.get("nonce", ""),
            "uri": uri,
            **({"opaque": fields["opaque"]} if "opaque" in fields else {}),
        }
        if qop:
            fields |= {"cnonce": secrets.token_hex(8)}
        bare = {"algorithm": algorithm} | ({"qop": "auth", "nc": "00000001"} if qop else {})
        fields["response"] = digest_response({**fields, **bare}, method, password)
        quoted = [f"{name}={quote(value)}" for name, value in fields.items()]
        return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in bare.items()])
    return None


class Verdict(Enum):
    """What credentials are worth."""

    RIGHT = "right"
    STALE = "stale"  # right, but for a nonce that is too old
    WRONG = "wrong"


@dataclass(frozen=True)
class Challenger:
    """The server's side. Nonces are signed and carry their time, so that none need be remembered."""

    realm: str
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def challenges(self, now: float, *, stale: bool = False) -> list[str]:
        """One challenge for each algorithm, the one preferred first."""
        suffix = ", stale=true" if stale else ""
        return [
            f'Digest realm={quote(self.realm)}, nonce="{self._nonce(now)}", algorithm={name}, qop="auth"{suffix}'
            for name in _HASHES
        ]

    def judge(self, credentials: str, method: str, user: str, password: str, now: float) -> Verdict:
        """Check credentials. Raises BadRequest where they are malformed."""
        fields = parse_digest(credentials)
        nonce = fields.get("nonce", "")
        issued = nonce.partition("-")[0]
        if (
            fields.get("username") != user
            or fields.get("realm") != self.realm
            or fields.get("algorithm", "MD5").upper() not in _HASHES
            or not issued.isdecimal()
            or not hmac.compare_digest(nonce.encode(), self._nonce(int(issued) / 1000).encode())
            or not hmac.compare_digest(
                fields.get("response", "").encode(), digest_response(fields, method, password).encode()
            )
        ):
            return Verdict.WRONG
        return Verdict.RIGHT if now - int(issued) / 1000 <= _NONCE_LIFETIME else Verdict.STALE

    def _nonce(self, at: float) -> str:
        issued = f"{round(at * 1000)}"
        return f"{issued}-{hmac.digest(self._secret, issued.encode(), 'sha256').hex()[:32]}"


def digest_response(fields: Mapping[str, str], method: str, password: str) -> str:
    """RFC 7616 3.4.1, with qop=auth or, for RFC 2069 peers, without."""
    digest = _HASHES[fields.get("algorithm", "MD5").upper()]

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode("utf-8", "surrogateescape"))

    secret = hashed(fields.get("username", ""), fields.get("realm", ""), password)
    request = hashed(method, fields.get("uri", ""))
    if "qop" in fields:
        middle = (fields.get("nonce", ""), fields.get("nc", ""), fields.get("cnonce", ""), fields["qop"])
        return hashed(secret, *middle, request)
    return hashed(secret, fields.get("nonce", ""), request)
