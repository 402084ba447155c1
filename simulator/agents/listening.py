"""Listeners to a call of an agent's, and the sound that it may bring along. Sans-IO."""

from __future__ import annotations

from typing import Protocol

from simulator.agents.orders import Behaviour, IncomingCall, OutgoingCall


class Sound(Protocol):
    """The sound of one call, as its side describes it (RFC 3264)."""

    def offer(self) -> bytes:
        """An offer to send; its answer is due next."""

    def answer(self, offer: bytes) -> bytes:
        """The answer to an offer. Raises NotAcceptable."""

    def take_answer(self, answer: bytes) -> None:
        """The answer to our offer. Raises NotAcceptable."""

    def close(self) -> None:
        """The call is over."""


class Call(Protocol):
    """A call as its listener sees it. Commands that no longer apply do nothing."""

    @property
    def record(self) -> IncomingCall | OutgoingCall:
        """The record of what has happened in it so far."""

    def hang_up(self, now: float) -> None:
        """End it: by BYE, CANCEL, or a refusal."""

    def inform(self, body: bytes, kind: str, now: float) -> None:
        """Send an INFO of this Content-Type within it (RFC 6086)."""


class CallListener:
    """A listener to a call. A subclass overrides what it reacts to."""

    def placed(self, call: Call, now: float, /) -> None:
        """One of our calls leaves."""

    def rings(self, call: Call, now: float, /) -> None:
        """One of our phones has been called, and rings; or the phone that we called does."""

    def established(self, call: Call, now: float, /) -> None:
        """The call is answered, on one side or the other."""

    def ended(self, call: Call, now: float, /) -> None:
        """The call is over, answered or not."""


class PhoneListener(CallListener):
    """The owner of a phone, who decides about its calls."""

    def takes(self, _taken: IncomingCall, planned: Behaviour, /) -> tuple[Behaviour, Sound | None]:
        """The behaviour in a call that has come, where `planned` is what it would do by itself; and its sound."""
        return planned, None

    def got_text(self, taken: IncomingCall, now: float, /) -> None:
        """A text has come."""


NOBODY = CallListener()
