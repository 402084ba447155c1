"""The sound of one call on a port of its own, described as its signalling needs it."""

from __future__ import annotations

from collections.abc import Callable

from simulator.media.ports import Port
from simulator.media.sdp import Negotiation


class CallSound:
    """One side's sound; `agreed` is called, once, when the other side's end is known. `close` gives the port back."""

    def __init__(self, port: Port, agreed: Callable[[], None] = lambda: None) -> None:
        self.port = port
        self._session = Negotiation(port.address)
        self._agreed: Callable[[], None] | None = agreed

    def offer(self) -> bytes:
        """An offer to send; `take_answer` is due next."""
        return self._session.offer()

    def answer(self, offer: bytes) -> bytes:
        """The answer to an offer. Raises NotAcceptable."""
        answer = self._session.answer(offer)
        self._direct()
        return answer

    def take_answer(self, answer: bytes) -> None:
        """The answer to our offer; a 2xx without one means that of before. Raises NotAcceptable."""
        if answer or self._session.stream is None:
            self._session.take_answer(answer)
        self._direct()

    def close(self) -> None:
        """Give the port back."""
        self.port.close()

    def _direct(self) -> None:
        if self._session.stream is not None:
            self.port.direct(self._session.stream)
            agreed, self._agreed = self._agreed, None
            if agreed is not None:
                agreed()
