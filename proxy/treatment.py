"""What a verdict means on the wire."""

from __future__ import annotations

from proxy.policy.verdict import Verdict
from proxy.sip.message import Request, Response

# ITU-T Q.850 cause 21, call rejected: gateways to the telephone network map it back (RFC 3326, RFC 3398).
_CALL_REJECTED = ("Reason", 'Q.850;cause=21;text="Call rejected"')


def refuse(request: Request, verdict: Verdict, to_tag: str) -> Response:
    """The final response for a call that was not let through."""
    return request.reply(verdict.status or 603, verdict.reason or None, (_CALL_REJECTED,), to_tag=to_tag)
