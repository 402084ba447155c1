"""The policy's memory of earlier calls, as far as rules may ask for it."""

from __future__ import annotations

from typing import Final, Protocol


class Memory(Protocol):
    """Tells of earlier calls. Times are epoch seconds."""

    def last_emergency(self, number: str, /) -> float | None:
        """The moment at which the subscriber of that E.164 number last called or texted for help; None if never."""


class _Nothing:
    def last_emergency(self, number: str, /) -> float | None:  # noqa: ARG002
        return None


NOTHING: Final[Memory] = _Nothing()
