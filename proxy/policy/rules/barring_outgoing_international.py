"""No calls abroad from phones whose owner asked for that (3GPP TS 22.030 service code 331), satellites included.

A number on the owner's allow list passes. It passes here only: it must not overrule what the callee decided. A switch
may cut codes off a dialled text, or not: whichever number abroad it could then call is barred.
"""

from __future__ import annotations

import re

from proxy.policy.case import Case, listed
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding

_NUMBERED = re.compile("sips?:|tel:|urn:service:sos", re.IGNORECASE)


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.call.trunk_kind != "access":
            return "not a call from a phone"
        caller = case.calling
        if caller is None or not caller.barring.outgoing_international:
            return "caller may call abroad"
        if not _NUMBERED.match(case.call.uri):
            return Finding("reject", "call to whom nobody can tell", 603, "Decline")  # such as a list (RFC 5368)
        answer = "callee is not overseas"
        for number in case.callees_abroad():
            if not listed(caller.allow, number, case.snapshot):
                read = "" if number is case.call.callee else f", which may reach {number.e164 or number.region}"
                detail = f"call to {case.call.callee.presented}{read} ({number.region or number.kind})"
                return Finding("reject", detail, 603, "Decline")
            answer = "callee is on the caller's allow list"
        return answer
