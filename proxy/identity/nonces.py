"""The uses of nonces: a right answer counts once (RFC 7616 3.4, 5.5)."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Protocol

_MOST = 100_000  # uses remembered; beyond that the nonces used first count as stale


class NonceStore(Protocol):
    """The memory of what nonces were used for. Nonces hold its `name`, for only this memory can tell a replay."""

    name: str

    def use(self, nonce: str, who: str, count: int, issued: float | None, now: float) -> bool:
        """Tell whether `who` may use a nonce with that count: it is ours (`issued`), and the count has grown."""


class NonceCounts:
    """The highest nonce count of each who used a nonce, for one process. Nobody uses up a nonce for somebody else.

    `lifetime` is how long a nonce may be used, in seconds; `most` bounds what is remembered.
    """

    def __init__(self, lifetime: float, most: int = _MOST) -> None:
        self.name = secrets.token_hex(4)
        self._lifetime = lifetime
        self._most = most
        # Hash of nonce and user -> when issued, highest count. A dict would be slow to find its oldest entry again.
        self._used: OrderedDict[int, tuple[float, int]] = OrderedDict()
        self._forgotten = float("-inf")  # nonces issued until then may have been used by somebody

    def use(self, nonce: str, who: str, count: int, issued: float | None, now: float) -> bool:
        """See NonceStore."""
        key = hash((nonce, who))  # both may be long texts of somebody else's
        if issued is None or issued <= self._forgotten or count <= self._used.get(key, (0.0, 0))[1]:
            return False
        self._used[key] = (issued, count)
        self._forget(now - self._lifetime)
        return True

    def _forget(self, expired: float) -> None:
        while self._used:
            key, (issued, _) = next(iter(self._used.items()))
            if issued >= expired and len(self._used) <= self._most:
                return
            del self._used[key]
            self._forgotten = max(self._forgotten, issued)
