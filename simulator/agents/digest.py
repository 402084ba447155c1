"""Answers to digest challenges (RFC 3261 22, RFC 8760): the client's side."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from proxy.sip.digest import ALGORITHMS, digest_response, parse_digest
from proxy.sip.headers import quote


def answer_challenge(challenges: Iterable[str], method: str, uri: str, user: str, password: str) -> str | None:
    """Credentials for the first challenge that we can answer (RFC 8760 2.4); None where there is none."""
    for challenge in challenges:
        fields = parse_digest(challenge)
        algorithm = fields.get("algorithm", "MD5").upper()
        qop = [item.strip() for item in fields["qop"].split(",")] if "qop" in fields else []
        if algorithm not in ALGORITHMS or (qop and "auth" not in qop):
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
