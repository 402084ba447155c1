"""Those who attend to a lab's wire agents while it stands: owners of phones, and what goes along with a call."""

from __future__ import annotations

from simulator.agents.listening import NOBODY, CallListener, PhoneListener, Sound
from simulator.agents.orders import Order
from simulator.traffic.planned_call import PlannedCall


class Company:
    """Nobody attends to anything. A subclass overrides what it does."""

    def owner(self, number: str, /) -> PhoneListener | None:  # noqa: ARG002
        """The owner of a subscriber's phone, by its number."""
        return None

    def stranger(self) -> PhoneListener | None:
        """The owner of all phones outside."""
        return None

    def goes_along(self, call: PlannedCall, order: Order, /) -> tuple[Order, Sound | None, CallListener]:  # noqa: ARG002
        """The order for a call, with the sound that its caller makes and the listener to it."""
        return order, None, NOBODY
