"""One secret, and the keys that are made of it: one for each use, so that none of them tells anything of another."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the proxy signs with. Processes with the same secret recognise what the others signed."""

    flow_tokens: bytes = field(repr=False)
    nonces: bytes = field(repr=False)
    branches: bytes = field(repr=False)
    to_tags: bytes = field(repr=False)
    counts: bytes = field(repr=False)

    @classmethod
    def derive(cls, secret: bytes | None = None) -> Self:
        """Make the keys of `secret`, at least 16 random bytes; without one, of a new secret that ends with us."""
        secret = secret or secrets.token_bytes(SECRET_BYTES)
        uses = (b"flow token", b"nonce", b"branch", b"To tag", b"counts")
        return cls(*(blake2b(key=secret[:64], person=use, digest_size=SECRET_BYTES).digest() for use in uses))
