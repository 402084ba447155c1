"""The form that all rules have."""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.remote import Asks
from proxy.policy.verdict import Finding


class Judge:
    """A rule of the policy: each module of rules/ has one, named `Rule`. It keeps nothing of any call."""

    def judge(self, case: Case) -> Finding | Asks | str:
        """Find something, ask for what has to be known first, or say in a few words why the rule does not apply."""
        raise NotImplementedError
