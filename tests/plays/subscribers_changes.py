"""Changes of subscribers, and a store for them."""

from __future__ import annotations

from pathlib import Path

from proxy.policy.profile import Barring, Subscriber
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change

ALICE = Subscriber("+8613800138001", "alice", pin="2580", allow=("+6591234567",))
BOB = Subscriber("+8613800138002", "bob")
BARRED = Change(ALICE.number, "incoming_international", True)
ALLOWED = Change(ALICE.number, "allow", ("+6591234567", "+44*"))
WRONG = (Change(BOB.number, "wrong_pins", 2), Change(BOB.number, "last_wrong_pin", 1_760_000_000.25))
CHANGED = ALICE.but(barring=Barring(incoming_international=True), allow=("+6591234567", "+44*"))


def store(folder: Path, location: str = "subscribers.yaml") -> ChangeStore:
    return ChangeStore(f"sqlite:///{folder / location}" if location.endswith(".db") else str(folder / location))
