"""Guessing passwords is slowed down: too many wrong answers for a user from an address, and none is looked at for a
while, right ones included. Elsewhere the user calls on, so that strangers keep nobody from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import NamedTuple, Protocol

from proxy.policy.profile import Subscriber
from proxy.sip.digest import CredentialCheck
from proxy.sip.errors import Forbidden

_MOST = 100_000  # users at addresses that are remembered for their wrong answers


class FailedAttempts(NamedTuple):
    """The wrong answers of somebody: `number`, until when they count, and the last one, which may be sent again."""

    number: int = 0
    until: float = 0.0
    last: int = 0


class AttemptStore(Protocol):
    """The memory of wrong answers, by user and the address that they came from."""

    def of(self, user: str, source: str) -> FailedAttempts | None:
        """Those of a user at an address; None for most."""

    def change(self, user: str, source: str, change: Callable[[FailedAttempts], FailedAttempts], now: float) -> None:
        """Replace them by what `change` makes of them, and let nobody come in between."""


class AttemptCounts:
    """Those that one process has seen; of more than `most` the oldest are forgotten first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[int, FailedAttempts] = OrderedDict()  # by hash: both may be a stranger's long texts

    def of(self, user: str, source: str) -> FailedAttempts | None:
        """See AttemptStore."""
        return self._known.get(hash((user, source)))

    def change(self, user: str, source: str, change: Callable[[FailedAttempts], FailedAttempts], now: float) -> None:  # noqa: ARG002
        """See AttemptStore."""
        key = hash((user, source))
        self._known[key] = change(self._known.pop(key, FailedAttempts()))
        if len(self._known) > self._most:
            self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The worth of the credentials of a request: `subscriber` proved who they are by those of `index`.

    `stale`: some were right once. `locked` is for how many seconds none of a user's are looked at.
    """

    subscriber: Subscriber | None = None
    index: int = 0
    stale: bool = False
    locked: float = 0.0

    def refuse_guesser(self) -> None:
        """Raises Forbidden for who is locked out."""
        if self.locked:
            raise Forbidden("too many wrong answers", headers=(("Retry-After", str(ceil(self.locked))),))


class Lockout:
    """Counts wrong answers, and says who gave too many of them: `limit` within `seconds`."""

    def __init__(self, limit: int, seconds: float, attempts: AttemptStore | None = None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._attempts: AttemptStore = attempts if attempts is not None else AttemptCounts()

    def look_through(
        self,
        given: Iterable[dict[str, str]],
        find_user: Callable[[str], Subscriber | None],
        judge: Callable[[dict[str, str], Subscriber | None], CredentialCheck],
        now: float,
        source: str,
    ) -> Found:
        """Find the first right ones among credentials, and count the wrong ones. `source` is where they came from."""
        stale, locked = False, 0.0
        for index, fields in enumerate(given):
            user = fields.get("username", "")
            if left := self.locked_for(user, source, now):
                locked = left
                continue
            subscriber = find_user(user)
            check = judge(fields, subscriber)
            if check is CredentialCheck.RIGHT:
                return Found(subscriber, index)
            if check is CredentialCheck.WRONG:
                self.note(user, source, now, _mark_of(fields))
            else:
                stale = True
        return Found(None, 0, stale, locked)

    def note(self, user: str, source: str, now: float, answer: int = 0) -> None:
        """Count one more wrong answer, unless it is the same as the last: requests are sent again, too."""

        def count_in(before: FailedAttempts) -> FailedAttempts:
            count, until, last = before
            if answer and answer == last and now < until:
                return before
            if now >= until:
                count, until = 0, now + self._seconds
            if count + 1 >= self._limit:
                until = now + self._seconds
            return FailedAttempts(count + 1, until, answer)

        self._attempts.change(user, source, count_in, now)

    def locked_for(self, user: str, source: str, now: float) -> float:
        """Seconds for which nothing that they answer is looked at; 0 for all others."""
        wrong = self._attempts.of(user, source)
        return max(0.0, wrong.until - now) if wrong is not None and wrong.number >= self._limit else 0.0


def _mark_of(fields: dict[str, str]) -> int:
    """The same number for the same answer, in every process."""
    told = "\n".join(fields.get(name, "") for name in ("nonce", "nc", "response"))
    return int.from_bytes(blake2b(told.encode("utf-8", "surrogateescape"), digest_size=8).digest())
