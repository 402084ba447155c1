"""The uses of nonces: a right answer counts once (RFC 7616 3.4)."""

from __future__ import annotations

_MOST = 100_000  # uses remembered; beyond that the nonces used first count as stale


class NonceCounts:
    """The highest nonce count of each who used a nonce. Nobody uses up a nonce for somebody else.

    `lifetime` is how long a nonce may be used, in seconds; `most` bounds what is remembered.
    """

    def __init__(self, lifetime: float, most: int = _MOST) -> None:
        self._lifetime = lifetime
        self._most = most
        self._used: dict[int, tuple[float, int]] = {}  # hash of nonce and user -> when issued, highest count
        self._forgotten = float("-inf")  # nonces issued until then may have been used by somebody

    def use(self, nonce: str, who: object, count: int, issued: float | None, now: float) -> bool:
        """Tell whether `who` may use a nonce with that count: it is ours (`issued`), and the count has grown."""
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
