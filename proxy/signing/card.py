"""The card that a 608 points to: whom to complain to, signed, so that nobody can plant another (RFC 8688 section 3.2).

The proxy writes the file; the operator publishes it at the `url` of the 608.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from proxy.files.yaml_file import FileError, FileErrors
from proxy.policy.answers import Card

_NUMBER_BYTES = 32  # of each half of an ES256 signature (RFC 7518 section 3.4)


def write_card(path: Path, card: Card, private_key: Path, issued: float) -> None:
    """Sign the card and write it as a compact JWS. `issued` is in epoch seconds.

    Raises FileErrors where the PEM file holds no P-256 key, OSError.
    """
    try:
        key = load_pem_private_key(private_key.read_bytes(), None)
    except (ValueError, TypeError):  # TypeError: it wants a password
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise FileErrors([FileError(private_key, 1, 1, "no such key", "a P-256 private key as PEM, without password")])
    path.write_text(signed(card, key, issued))


def signed(card: Card, key: EllipticCurvePrivateKey, issued: float) -> str:
    """The card as a compact JWS, ES256 (RFC 7515), over a jCard (RFC 7095)."""
    properties: list[list[Any]] = [["version", {}, "text", "4.0"], ["fn", {}, "text", card.name]]
    if card.tel:
        properties.append(["tel", {"type": "work"}, "uri", f"tel:{card.tel}"])
    if card.email:
        properties.append(["email", {"type": "work"}, "text", card.email])
    if card.url:
        properties.append(["url", {"type": "work"}, "uri", card.url])
    header = {"alg": "ES256", "typ": "vcard+json", "x5u": card.certificate_url}
    payload = {"iat": int(issued), "jcard": ["vcard", properties]}
    text = f"{_encoded(_json(header))}.{_encoded(_json(payload))}"
    halves = decode_dss_signature(key.sign(text.encode(), ECDSA(SHA256())))
    return f"{text}.{_encoded(b''.join(half.to_bytes(_NUMBER_BYTES, 'big') for half in halves))}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
