"""Branches of forwarded requests, and what they tell of loops (RFC 3261 16.6 step 8, 16.11; RFC 5393 4.2).

A branch is a unique half and a fingerprint of the request. Both are keyed, and processes with the same key make the
same of the same request: a loop through another one is found, and an ACK may pass through any of them.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from typing import Final

from proxy.sip.message import Request
from proxy.sip.transaction_layer import MAGIC_COOKIE

BRANCH_OURS: Final = MAGIC_COOKIE + "rf"
_LOOP_FIELDS: Final = frozenset(("from", "to", "call-id", "cseq", "proxy-authorization", "route"))
_HALF: Final = 8  # bytes
LENGTH: Final = len(BRANCH_OURS) + 4 * _HALF  # of a branch of ours
_random_bits: Final = random.getrandbits


class Branches:
    """Makes branch parameters. `key` is 16 to 64 random bytes."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=_HALF)  # copied, so that the key is worked in but once

    def fingerprint(self, request: Request) -> str:
        """All that must differ when a request comes by again lest it be a loop (RFC 5393 4.2.1), as 16 hex digits."""
        parts = [request.uri]
        for place in request.shape.places(_LOOP_FIELDS):
            parts.append(request.lines[place])  # noqa: PERF401  # a comprehension is a call more
        digest = self._keyed.copy()
        digest.update("\n".join(parts).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def new(self, fingerprint: str) -> str:
        """A branch parameter: unique, and telling loops by its second half."""
        return f"{BRANCH_OURS}{_random_bits(8 * _HALF).to_bytes(_HALF, 'big').hex()}{fingerprint}"

    def same(self, fingerprint: str) -> str:
        """A branch for a request that is forwarded without state: the same each time (RFC 3261 16.11)."""
        return f"{BRANCH_OURS}{fingerprint}{fingerprint}"
