"""The looks that an anti-fraud app takes at calls and texts: which warnings it has about a number, and about words.

It knows the lists of the lab, on this machine, and nothing else: nothing is asked of anybody, and nothing kept.
"""

from __future__ import annotations

import re
import time
from typing import Literal

from proxy.policy.snapshot import Snapshot

Warned = Literal["hidden", "overseas", "reported", "link"]
_LINK = re.compile(r"(?:https?:|www\.)|\b[a-z0-9-]+\.(?:[a-z]{2,})\b(?:/|\?|\s|$)", re.IGNORECASE)


class Lookout:
    """Looks at numbers by the lists of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def about_caller(self, number: str) -> list[Warned]:
        """The warnings about a number that calls or texts, the gravest first."""
        if not number or number.casefold() == "anonymous":
            return ["hidden"]
        snapshot = self._snapshot
        understood = snapshot.numbering.understand(number)
        found: list[Warned] = []
        if understood.e164 is not None:
            if snapshot.scam_list.find(understood.e164, time.time()) is not None:
                found.append("reported")
            if understood.region not in snapshot.home_regions:
                found.append("overseas")
        return found

    def about_text(self, number: str, body: str) -> list[Warned]:
        """The warnings about a text; that of a service of the operator has none."""
        if number in self._snapshot.service_numbers:
            return []
        return [*self.about_caller(number), *(["link"] if _LINK.search(body) else [])]  # type: ignore[list-item]

    def is_same(self, number: str, other: str) -> bool:
        """True if both are one number, however they are written."""
        understand = self._snapshot.numbering.understand
        one, two = understand(number), understand(other)
        return (one.e164 or one.digits) == (two.e164 or two.digits) != ""
