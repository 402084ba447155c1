"""Softphones that register as subscribers: the lab's own phone steps aside for one, and is back when it has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.addresses import address_of
from simulator.lab.lab import Lab
from simulator.softswitch.embedded.softswitch import EmbeddedSoftswitch
from simulator.stage.phones.handset import Handset

_RENEWED_AFTER = 1200.0  # seconds: a third of what registrations last


class Softphones:
    """Looks after registrations in a lab; `found` hears of each phone that stepped aside, or is back.

    Asterisk tells nobody who is registered: there a softphone rings beside the lab's phone.
    """

    def __init__(self, lab: Lab, found: Callable[[Handset, bool], None]) -> None:
        self._lab = lab
        self._found = found
        self._renewed: float | None = None

    async def look(self, handsets: Iterable[Handset], now: float) -> None:
        """Renew what is due, and let softphones have the place of the phones whose subscribers they are. Seconds."""
        wire = self._lab.wire
        present = [handset for handset in handsets if not handset.aside]
        self._renewed = now if self._renewed is None else self._renewed
        if now - self._renewed > _RENEWED_AFTER:
            self._renewed = now
            await wire.enrol([handset.name for handset in present])
        for handset in handsets:
            others = self._others(handset.number)
            if others and not handset.aside and handset.held is None:
                await wire.enrol([handset.name], expires=0)
                self._found(handset, True)
            elif not others and handset.aside:
                await wire.enrol([handset.name])
                self._found(handset, False)

    def _others(self, number: str) -> bool:
        """True if somebody else is registered under a number."""
        switch = self._lab.switch
        if not isinstance(switch, EmbeddedSoftswitch):
            return False
        own = self._lab.wire.phones[0].address
        return any(address_of(contact) != own for contact in switch.contacts(number))
