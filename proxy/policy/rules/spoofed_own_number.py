"""The callee's own number, shown to the callee by somebody outside: refused for everybody.

People answer it out of curiosity, and mailboxes open to it. Phones of ours may call themselves, and so may an owner who
is roaming; whoever wants such calls otherwise allows the number. Neither trust in a trunk nor a Diversion by the callee
excuses it: every caller knows that number (see `case`), and a call that comes back to who forwarded it is a loop.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.numbers.numbering import Number
from proxy.numbers.shown import as_looks
from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding

_NOT: Final = "caller does not show the callee's number"
_IN_NAME: Final = re.compile(r"\+?\d(?:[\W_]{0,4}\d){5,}")  # phones show names


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        call = case.call
        if call.trunk_kind == "access":
            return "a call from a phone"
        own = case.called.number if case.called is not None else call.callee.e164
        if own is None:
            return "callee has no number"
        if not call.others and not call.display_name and call.caller.e164 not in (own, None):  # as in most calls
            return _NOT
        shown = next((number.presented for number in (*call.presented, *_in_name(case)) if _is_own(number, own)), "")
        if not shown:
            return _NOT
        if case.called is not None and case.called.roaming:
            return "callee is roaming, and may call themselves"
        detail = f"{shown} is the callee's own number, but came in on trunk {call.trunk}"
        return Finding("reject", detail, 603, "Decline")


def _in_name(case: Case) -> list[Number]:
    name = case.call.display_name
    if not any(map(str.isdigit, name)):
        return []
    return [case.snapshot.numbering.understand(text) for text in _IN_NAME.findall(as_looks(name))]


def _is_own(number: Number, own: str) -> bool:
    """True for a number in E.164, and for what people read as it: with a plus or zeros too many."""
    return number.e164 == own or (number.e164 is None and number.digits.lstrip("0") == own[1:])
