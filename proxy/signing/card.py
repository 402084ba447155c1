"""The card that a 608 points to: whom to complain to, signed, so that nobody can plant another (RFC 8688 section 3.2).

The proxy writes the file; the operator publishes it at the `url` of the 608.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError, FileErrors
from proxy.policy.answers import Card
from proxy.signing import jws


def write_card(path: Path, card: Card, private_key: Path, issued: float) -> None:
    """Sign the card and write it as a compact JWS. `issued` is in epoch seconds.

    Raises FileErrors where the PEM file holds no P-256 key, OSError.
    """
    try:
        key = jws.private_key(private_key.read_bytes())
    except ValueError:
        expected = "a P-256 private key as PEM, without password"
        raise FileErrors([FileError(private_key, 1, 1, "no such key", expected)]) from None
    path.write_text(signed(card, key, issued))


def signed(card: Card, key: jws.Key, issued: float) -> str:
    """The card as a compact JWS, ES256 (RFC 7515), over a jCard (RFC 7095)."""
    properties: list[list[Any]] = [["version", {}, "text", "4.0"], ["fn", {}, "text", card.name]]
    if card.tel:
        properties.append(["tel", {"type": "work"}, "uri", f"tel:{card.tel}"])
    if card.email:
        properties.append(["email", {"type": "work"}, "text", card.email])
    if card.url:
        properties.append(["url", {"type": "work"}, "uri", card.url])
    header = {"typ": "vcard+json", "x5u": card.certificate_url}
    return jws.signed(header, {"iat": int(issued), "jcard": ["vcard", properties]}, key)
