"""JSON Web Signatures with ES256 (RFC 7515, RFC 7518 section 3.4): the one place that knows the library for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

Key = ECKey

_ALGORITHM = "ES256"
_CURVE = "P-256"
_PEM = b"-----BEGIN "


def private_key(pem: bytes) -> Key:
    """The key in a PEM file. Raises ValueError where it is no P-256 private key, or wants a password."""
    try:
        key = ECKey.import_key(pem) if _PEM in pem else None  # it takes DER as well
    except (JoseError, ValueError, TypeError):  # TypeError: it wants a password
        key = None
    if key is None or not key.is_private or key.curve_name != _CURVE:
        raise ValueError("no P-256 private key as PEM, without password")
    return key


def new_key() -> Key:
    """A P-256 private key, made just now."""
    return ECKey.generate_key(_CURVE, private=True, auto_kid=False)


def pem(key: Key) -> bytes:
    """The private key as PEM (PKCS 8)."""
    return key.as_pem(private=True)


def signed(header: Mapping[str, Any], payload: Mapping[str, Any], key: Key) -> str:
    """The compact JWS of a payload; `alg` comes first in its header."""
    return jws.serialize_compact({"alg": _ALGORITHM, **header}, _json(payload), key, [_ALGORITHM])


def verified(text: str, key: Key) -> dict[str, Any]:
    """The payload of a compact JWS. Raises ValueError where the key did not sign it, or it is no JSON object."""
    try:
        payload = json.loads(jws.deserialize_compact(text, key, [_ALGORITHM]).payload)
    except JoseError as error:
        raise ValueError(str(error)) from error
    if not isinstance(payload, dict):
        raise ValueError("the payload is no JSON object")
    return payload


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
