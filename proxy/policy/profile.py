"""A subscriber and what they asked for: who may ring them, whom they may call.

Values that are made for each call. They were validated where they entered (YAML, SQLite, a scenario), by
profile_fields.py, so that everything behind trusts them.
"""

from __future__ import annotations

from typing import Final

from proxy.policy.treatments import Treatments
from proxy.sip.value import Value


class Barring(Value):
    """The barring services a subscriber turned on (3GPP TS 22.088 and 24.611; from abroad is our own addition)."""

    __slots__ = (
        "all_incoming",
        "all_outgoing",
        "anonymous",
        "incoming_international",
        "incoming_international_texts",
        "incoming_when_roaming",
        "outgoing_international",
    )
    __match_args__ = (
        "incoming_international",
        "outgoing_international",
        "anonymous",
        "incoming_international_texts",
        "all_incoming",
        "all_outgoing",
        "incoming_when_roaming",
    )

    def __init__(
        self,
        incoming_international: bool = False,
        outgoing_international: bool = False,
        anonymous: bool = False,
        incoming_international_texts: bool = False,
        all_incoming: bool = False,
        all_outgoing: bool = False,
        incoming_when_roaming: bool = False,
    ) -> None:
        self.incoming_international: Final = incoming_international
        self.outgoing_international: Final = outgoing_international
        self.anonymous: Final = anonymous
        self.incoming_international_texts: Final = incoming_international_texts
        self.all_incoming: Final = all_incoming
        self.all_outgoing: Final = all_outgoing
        self.incoming_when_roaming: Final = incoming_when_roaming


NOTHING_BARRED: Final = Barring()
_UNTREATED: Final[Treatments] = {}


class Subscriber(Value):
    """One line: `number` is E.164, `user` and `password` are for digest, `pin` for star codes.

    `allow` and `block` hold numbers and prefixes, most often as what they stand for (`at_home`). `notify`: a text tells
    of calls that were refused. `treatment` says by rule what is done about their calls, over what the config says.
    """

    __slots__ = (
        "allow",
        "barring",
        "block",
        "notify",
        "number",
        "password",
        "pin",
        "roaming",
        "treatment",
        "user",
    )
    __match_args__ = (
        "number",
        "user",
        "password",
        "pin",
        "roaming",
        "barring",
        "allow",
        "block",
        "notify",
        "treatment",
    )

    def __init__(
        self,
        number: str,
        user: str = "",
        password: str = "",
        pin: str | None = None,
        roaming: bool = False,
        barring: Barring = NOTHING_BARRED,
        allow: tuple[str, ...] = (),
        block: tuple[str, ...] = (),
        notify: bool = False,
        treatment: Treatments = _UNTREATED,
    ) -> None:
        self.number: Final = number
        self.user: Final = user
        self.password: Final = password
        self.pin: Final = pin
        self.roaming: Final = roaming
        self.barring: Final = barring
        self.allow: Final = allow
        self.block: Final = block
        self.notify: Final = notify
        self.treatment: Final = treatment

    def __hash__(self) -> int:
        return hash(self.number)
