"""JSON Web Signatures: what a key signed is read back, and nothing else is, whichever algorithm it names."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from proxy.signing import jws

KEY = jws.new_key()
SIGNED = jws.signed({"typ": "vcard+json"}, {"iat": 1}, KEY)
OTHER = ec.generate_private_key(ec.SECP256R1())


def header(**members: str) -> str:
    return urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def test_what_a_key_signed_is_read_back_with_it() -> None:
    first = SIGNED.partition(".")[0]
    assert urlsafe_b64decode(first + "=" * (-len(first) % 4)) == b'{"alg":"ES256","typ":"vcard+json"}'
    assert jws.verified(SIGNED, jws.private_key(jws.pem(KEY))) == {"iat": 1}


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "es256", ""])
def test_another_algorithm_is_refused_even_where_the_signature_fits(algorithm: str) -> None:
    _, payload, signature = SIGNED.split(".")
    for end in (signature, ""):
        with pytest.raises(ValueError, match="unsupported_algorithm"):
            jws.verified(f"{header(alg=algorithm)}.{payload}.{end}", KEY)


@pytest.mark.parametrize("text", ["", "..", "a.b.c", SIGNED + "." + SIGNED, SIGNED[:-2], SIGNED.replace(".", "", 1)])
def test_what_is_no_signature_of_the_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bad_signature|Invalid"):
        jws.verified(text, KEY)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        OTHER.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        OTHER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
        ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ec.generate_private_key(ec.SECP256K1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["nothing", "DER", "with a password", "P-384", "secp256k1"],
)
def test_only_a_p_256_key_without_password_is_taken(file: bytes) -> None:
    with pytest.raises(ValueError, match="no P-256 private key"):
        jws.private_key(file)
