"""The card that a 608 points to, as whoever fetches it would check it (RFC 8688 section 3.2.2)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PublicKey = EllipticCurvePublicKey


def new_key(path: Path) -> PublicKey:
    """Write a P-256 private key, made for one run, as PEM; returns the public one."""
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key()


def whose(path: Path, key: PublicKey) -> str:
    """The name on a card, a compact JWS (RFC 7515). Raises ValueError where the key did not sign it, or it is none."""
    try:
        signed, _, signature = path.read_text(encoding="ascii").rpartition(".")
        raw = _decoded(signature)
        halves = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
        key.verify(encode_dss_signature(*halves), signed.encode(), ECDSA(SHA256()))
        properties = json.loads(_decoded(signed.partition(".")[2]))["jcard"][1]
        return next(str(value) for name, _, _, value in properties if name == "fn")
    except (OSError, InvalidSignature, LookupError, TypeError, ValueError, StopIteration) as error:
        raise ValueError(f"{path.name} is no card that its key has signed ({error or type(error).__name__})") from error


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
