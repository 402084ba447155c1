"""What is said of identity and passes the proxy: nothing that a stranger claims, nothing that was to be kept private.

RFC 3325 sections 5 and 7, RFC 5806 section 9, RFC 7044 section 10. The softswitch passes these headers on to phones,
which show some of them and act upon others: they answer on their own, or ring as for a friend.
"""

from __future__ import annotations

from proxy.labels import drop_verstat
from proxy.sip.message import Message, Request
from proxy.trunks import Side

_IDENTITIES = ("p-asserted-identity", "remote-party-id")
CLAIMS = frozenset((*_IDENTITIES, "alert-info"))
_CLAIMS_OF_A_CALLER = frozenset((*CLAIMS, "call-info", "diversion", "history-info"))


def clean(message: Message, side: Side) -> None:
    """Take out of a message from `side` what its receiver is not to believe, or not to know."""
    if side == "switch":
        _keep_private(message)
    elif not side.trust_identity:
        is_request = isinstance(message, Request)
        claims = _CLAIMS_OF_A_CALLER if is_request else CLAIMS
        if not claims.isdisjoint(message.names):
            for name in claims:
                message.remove(name)
        if isinstance(message, Request):
            drop_verstat(message)


def _keep_private(message: Message) -> None:
    """An asserted identity goes no further than the network where its owner wants that: RFC 3325 section 7, and the
    privacy parameter that Remote-Party-ID has of its own."""
    for name in _IDENTITIES:
        if name in message.names:
            wishes = ";".join(message.headers("privacy")).lower().replace(" ", "").split(";")
            hidden = ";".join(message.headers("remote-party-id")).lower().replace(" ", "")
            if "id" in wishes or ("privacy=" in hidden and "privacy=off" not in hidden):
                message.remove(name)
