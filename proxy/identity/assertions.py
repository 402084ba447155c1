"""Identity headers that pass the proxy: nothing that a stranger claims, nothing that was to be kept private
(see `concealment`).

RFC 3325 sections 5 and 7, RFC 5806 section 9, RFC 7044 section 10. The softswitch passes these headers on to phones,
which show some of them and act upon others: they answer on their own, or ring as for a friend.
"""

from __future__ import annotations

from typing import Final

from proxy.identity.concealment import keep_private
from proxy.identity.labels import drop_verstat
from proxy.policy.rare_headers import is_psap_callback
from proxy.policy.trunks import Side
from proxy.sip.errors import SipError
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Message, Request
from proxy.sip.privacy import MOST_ENTRIES

_SPELT: Final = {"p-asserted-identity": "P-Asserted-Identity", "remote-party-id": "Remote-Party-ID"}
_IDENTITIES: Final = ("p-asserted-identity", "remote-party-id")
CLAIMS: Final = frozenset((*_IDENTITIES, "alert-info"))
_CLAIMS_OF_A_CALLER: Final = frozenset((*CLAIMS, "call-info", "diversion", "history-info"))


def clean(message: Message, side: Side) -> None:
    """Take out of a message from `side` what its receiver is not to believe, or not to know.

    Within a dialog nobody claims anything: who calls was judged, and labelled, at its beginning.
    """
    if side == "softswitch":
        keep_private(message)
        return
    is_request = isinstance(message, Request)
    claims = _CLAIMS_OF_A_CALLER if is_request else CLAIMS
    if message.shape.places(claims):
        for name in claims:
            if not side.trust_identity or (is_request and message.to.tag is not None):
                message.remove(name)
            elif name in _IDENTITIES:
                _keep_readable(message, name)
    if isinstance(message, Request):
        if not side.trust_identity:
            drop_verstat(message)
        if message.has("priority") and not (side.trust_identity and side.kind == "domestic"):
            _drop_callback_mark(message)


def _drop_callback_mark(message: Request) -> None:
    """Only a control room's network says that a call is its callback: phones may ring through silence for it (RFC 7090
    section 6)."""
    if is_psap_callback(message.headers("priority")):
        message.remove("priority")


def _keep_readable(message: Message, name: str) -> None:
    """Keep what somebody could read and judge, one value a line: Asterisk passes over several in one."""
    values = message.values(name)
    readable = [value for value in values[:MOST_ENTRIES] if _is_readable(value)]
    if len(readable) < len(values) or len(values) > message.names.count(name):
        index = message.shape.first[name]
        message.remove(name)
        message.insert_all(index, _SPELT[name], readable)


def _is_readable(value: str) -> bool:
    try:
        parse_name_addr(value)
    except SipError:
        return False
    return True
