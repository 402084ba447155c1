"""No calls abroad from phones whose owner asked for that (3GPP TS 22.030 service code 331), satellites included.

A number on the owner's allow list passes. It passes here only: it must not overrule what the callee decided. A switch
may cut codes off a dialled text, or not: whichever number abroad it could then call is barred.
"""

from __future__ import annotations

import re

from proxy.policy.case import Case, listed
from proxy.policy.verdict import Finding

_NUMBERED = re.compile("sips?:|tel:|urn:service:sos", re.IGNORECASE)


def judge(case: Case) -> Finding | str:
    if case.call.trunk_kind != "access":
        return "not a call from a phone"
    caller = case.calling
    if caller is None or not caller.barring.outgoing_international:
        return "caller may call abroad"
    if not _NUMBERED.match(case.call.uri):
        return Finding("reject", "call to whom nobody can tell", 603, "Decline")  # such as a list (RFC 5368)
    abroad = case.callees_abroad
    if not abroad:
        return "callee is not overseas"
    barred = next((number for number in abroad if not listed(caller.allow, number, case.snapshot)), None)
    if barred is None:
        return "callee is on the caller's allow list"
    dialled = case.call.callee.presented
    read = "" if barred is case.call.callee else f", which may reach {barred.e164 or barred.region}"
    return Finding("reject", f"call to {dialled}{read} ({barred.region or barred.kind})", 603, "Decline")
