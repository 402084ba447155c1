"""One call attempt (INVITE) or text (MESSAGE), as far as the policy looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Literal

from proxy.numbers import Number, Numbering
from proxy.sip.errors import SipError
from proxy.sip.headers import NameAddr, parse_name_addr
from proxy.sip.message import Request
from proxy.trunks import Trunk

_MOST_ENTRIES = 8  # addresses read of one list header; a datagram holds thousands
_WITHHOLDING = frozenset(("id", "user", "header"))


@dataclass(frozen=True, slots=True)
class Call:
    """`caller` is the asserted identity where the trunk is trusted, else From; `arrival` is in epoch seconds.

    `withheld` says how the caller hid their identity ("" where they did not). `diversion` holds the parties that
    forwarded the call, as far as the trunk is trusted to tell.
    """

    method: str
    caller: Number
    display_name: str
    callee: Number
    trunk: str
    trunk_kind: Literal["international", "domestic", "access"]
    trusted: bool
    arrival: float
    withheld: str = ""
    diversion: tuple[Number, ...] = ()

    @classmethod
    def from_request(cls, request: Request, trunk: Trunk, numbering: Numbering, arrival: float) -> Call:
        """Read the identities of a request. Raises BadRequest where From is missing or malformed."""
        origin = request.from_
        sender = numbering.understand(origin.uri)
        asserted: NameAddr | None = None
        caller = sender
        diversion: tuple[Number, ...] = ()
        if trunk.trust_identity:
            for address in _addresses(request, "p-asserted-identity"):
                number = numbering.understand(address.uri)
                # A sip: and a tel: value may stand side by side (RFC 3325 9.1): the one with a number counts.
                if asserted is None or not caller.e164:
                    asserted, caller = address, number
            diversion = _diverting_parties(request, numbering)
        return cls(
            request.method,
            caller,
            (asserted.display_name if asserted else "") or origin.display_name,
            numbering.understand(request.uri),
            trunk.name,
            trunk.kind,
            trunk.trust_identity,
            arrival,
            _withheld(request, origin.display_name, sender, has_asserted_identity=asserted is not None),
            diversion,
        )


def _addresses(request: Request, name: str) -> list[NameAddr]:
    """The first few readable addresses of a list header."""
    if name not in request.names:
        return []
    addresses = []
    for value in islice(request.values(name), _MOST_ENTRIES):
        try:
            addresses.append(parse_name_addr(value))
        except SipError:  # one that nobody can read tells nothing
            continue
    return addresses


def _diverting_parties(request: Request, numbering: Numbering) -> tuple[Number, ...]:
    """Who forwarded the call: Diversion (RFC 5806), and History-Info (RFC 7044) but for its last entry, the target."""
    parties = _addresses(request, "diversion") + _addresses(request, "history-info")[:-1]
    return tuple(numbering.understand(address.uri) for address in parties)


def _withheld(request: Request, name: str, sender: Number, *, has_asserted_identity: bool) -> str:
    """How the caller withheld their identity, "" where they did not (RFC 5079 section 3).

    An asserted identity makes no difference: a caller who asked for Privacy is anonymous to the callee although the
    network knows them (3GPP TS 24.611 4.5.2.6.1). Nor is a call without one anonymous for that alone; only one
    whose From has no user either is.
    """
    if privacy := request.header("privacy"):
        wishes = _WITHHOLDING.intersection(privacy.lower().replace(" ", "").split(";"))
        if wishes:
            return f"Privacy: {';'.join(sorted(wishes))}"
    if name.strip().lower() == "anonymous":
        return "From names itself Anonymous"
    if not sender.is_anonymous or (has_asserted_identity and not sender.presented):
        return ""
    return "From is anonymous" if sender.presented else "From has no user"
