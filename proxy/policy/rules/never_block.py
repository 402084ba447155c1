"""Emergency calls, whoever makes them and however; and whoever calls back from there, or may always call.

A control room calls back a phone that was cut off, and ambulances ask for the way: with the mark of RFC 7090, showing
the emergency number, or from a line of their own soon after the subscriber called for help. The preset names numbers
that may always call. All that is only believed of a trusted domestic trunk: 110 from abroad is no police, but forged.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        call = case.call
        if call.callee.e164 is None and case.is_emergency:
            number = call.callee if call.callee.is_emergency else case.behind.number or call.callee
            return Finding("allow", f"{number.presented} is an emergency number")
        if call.trunk_kind == "domestic" and call.trusted and (reason := _called_back(case)):
            return Finding("allow", reason)
        return "neither an emergency call nor from a number that may always call"


def _called_back(case: Case) -> str:
    """The sign that an emergency call may have asked for a call from home; "" where there is none."""
    caller = case.call.caller
    if caller.is_emergency:
        return f"{caller.presented} is an emergency number that calls back"
    if caller.digits in case.snapshot.preset.callbacks:
        return f"{caller.presented} may always call"
    if case.call.psap_callback:
        return "Priority: psap-callback"
    window = case.snapshot.callback_seconds
    called = case.memory.last_emergency(case.called.number) if case.called is not None and window else None
    since = None if called is None else case.call.arrival - called
    if since is not None and since <= window:
        return f"callee called an emergency number {max(0, since) / 60:.0f} min ago"
    return ""
