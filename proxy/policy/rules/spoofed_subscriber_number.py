"""A number of somebody else's, presented by a subscriber who proved who they are: refused for everybody, always.

Emergency calls are never held up for it.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.claims import claims_of_others
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        """Raises BadRequest where what is presented cannot be read."""
        call, snapshot = case.call, case.snapshot
        own = call.authenticated
        if not own:
            return "nobody proved to be calling"
        if snapshot.dialling.is_emergency(call.uri):
            return "an emergency call"
        user = case.calling.user if case.calling is not None else ""
        claimed = claims_of_others(call.claims, own, user, snapshot.numbering)
        if not claimed:
            return "caller presents nobody else"
        return Finding("reject", f"{claimed} is not the authenticated subscriber's number", 403, "Forbidden")
