"""REFER on a trunk: the transfer of a call that the trunk takes part in, where the config lets it (RFC 3515, RFC 5589).

The softswitch then calls whoever Refer-To names, for the trunk's side of the call and on behalf of the subscriber on
the other: the call has to be one that either could make.
"""

from __future__ import annotations

from proxy.numbers.numbering import Number
from proxy.policy.call import Call
from proxy.policy.trunks import Trunk
from proxy.sip.errors import Forbidden
from proxy.sip.message import Request
from proxy.sip.uri import SipUri, parse_uri, unescape

_HARMLESS = frozenset(("replaces", "require"))  # what a transfer may have the new INVITE say (RFC 3891)


def check_refer(request: Request, trunk: Trunk, *, in_dialog: bool) -> None:
    """Hold a REFER on a trunk to what the config lets it do; those of phones are judged as calls and no more.

    `in_dialog` says that it is within a call of that trunk. Raises Forbidden, and BadRequest for a Refer-To that does
    not parse.
    """
    if trunk.kind == "access":
        return
    if trunk.refer == "none":
        raise Forbidden("only phones may have the softswitch make calls")
    if not in_dialog:
        raise Forbidden("REFER outside a call of its trunk")
    uri = parse_uri(request.refer_to.uri)
    if not isinstance(uri, SipUri):
        return
    if (uri.params.get("method") or "INVITE") != "INVITE":
        raise Forbidden("REFER to something other than a call")
    headers = {unescape(header.partition("=")[0]).lower() for header in (uri.headers or "").split("&") if header}
    if not headers <= _HARMLESS:
        raise Forbidden("Refer-To with headers for the new call")


def on_behalf_of(call: Call, subscriber: Number) -> Call:
    """The call that a transfer brings about, as the one that it is made for could have made it from a phone."""
    return call.but(
        caller=subscriber,
        display_name="",
        trunk_kind="access",
        trusted=True,
        withheld="",
        diversion=(),
        others=(),
        name_withheld=False,
        authenticated="",
        claims=(),
    )
