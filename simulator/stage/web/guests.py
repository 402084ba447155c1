"""Guests: those whose token opens the page of one phone, and what that page asks for, and nothing else. Pure.

A guest's token names the phone and is signed with the stage's own, so that nothing has to be remembered.
"""

from __future__ import annotations

import base64
import binascii
import hmac


def guest_token(secret: str, name: str) -> str:
    """The token for the phone of that name."""
    return f"{base64.urlsafe_b64encode(name.encode()).decode().rstrip('=')}.{_signature(secret, name)}"


def guest_cookie(prefix: str, token: str) -> str:
    """The name of the cookie that keeps a guest's token: one for each phone, as a browser may have several open."""
    return f"{prefix}-{token.partition('.')[0]}"


def guest_of(secret: str, token: str) -> str | None:
    """The name of the phone that a token opens; None for what is no guest's."""
    encoded, _, signature = token.partition(".")
    try:
        name = base64.urlsafe_b64decode(encoded.encode() + b"=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    genuine = hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(secret, name).encode())
    return name if genuine else None


def may_ask(name: str, path: str) -> bool:
    """True for the paths that the page of that phone needs; they are without escapes."""
    own = (f"/phone/{name}", f"/api/phones/{name}", f"/api/phones/{name}/line", f"/api/apps/{name}")
    return path in own or path.startswith("/static/")


def _signature(secret: str, name: str) -> str:
    return hmac.new(secret.encode(), name.encode(), "sha256").hexdigest()[:32]
