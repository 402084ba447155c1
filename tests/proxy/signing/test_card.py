"""The signed card to which 608 points (RFC 8688)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.signing.card import write_card
from tests.plays.config_text import HEAD, errors_of


def test_a_card_names_a_contact_and_a_key_that_exists(tmp_path: Path) -> None:
    text = "card: {name: Operator, certificate_url: 'https://a.example/c.pem', private_key: none.pem}"
    assert errors_of(tmp_path, text) == [
        '3:81: found "none.pem", expected a file that exists, named relative to this one'
    ]
    (tmp_path / "none.pem").touch()
    assert errors_of(tmp_path, text) == [
        "3:7: found a mapping, expected a url, tel or email that callers can complain to"
    ]


def key_file(folder: Path, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(curve)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "proxy.yaml").write_text(
        HEAD + "card: {name: Operator, certificate_url: 'https://a.example/c.pem', private_key: key.pem, "
        "tel: '+12025550123', email: redress@operator.example, url: 'https://a.example/redress'}"
    )
    return key


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_card_is_a_jcard_that_the_key_signed(tmp_path: Path) -> None:
    key = key_file(tmp_path, ec.SECP256R1())
    card = load_config(tmp_path / "proxy.yaml").card
    assert card is not None
    write_card(card.file, card, card.private_key, 1_700_000_000.9)
    header, payload, signature = (tmp_path / "card.jws").read_text().split(".")
    assert json.loads(decoded(header)) == {"alg": "ES256", "typ": "vcard+json", "x5u": "https://a.example/c.pem"}
    assert json.loads(decoded(payload)) == {
        "iat": 1_700_000_000,
        "jcard": [
            "vcard",
            [
                ["version", {}, "text", "4.0"],
                ["fn", {}, "text", "Operator"],
                ["tel", {"type": "work"}, "uri", "tel:+12025550123"],
                ["email", {"type": "work"}, "text", "redress@operator.example"],
                ["url", {"type": "work"}, "uri", "https://a.example/redress"],
            ],
        ],
    }
    raw = decoded(signature)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public, scheme = key.public_key(), ec.ECDSA(SHA256())
    public.verify(der, f"{header}.{payload}".encode(), scheme)
    with pytest.raises(InvalidSignature):
        public.verify(der, f"{header}.{payload}x".encode(), scheme)


def test_a_key_that_cannot_sign_es256_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path, ec.SECP384R1())
    card = load_config(tmp_path / "proxy.yaml").card
    assert card is not None
    with pytest.raises(FileErrors, match="expected a P-256 private key as PEM"):
        write_card(card.file, card, card.private_key, 0.0)
    card.private_key.write_text("no key")
    with pytest.raises(FileErrors, match="expected a P-256 private key as PEM"):
        write_card(card.file, card, card.private_key, 0.0)
