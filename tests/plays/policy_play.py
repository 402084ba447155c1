"""A small telephone company to judge calls for: two subscribers, three trunks, a scam list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.deciding import decide
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.precedence import SETTABLE
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Mode, Verdict
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.message import Request

ALICE, BOB, STRANGER = "+8613800138001", "+8613800138002", "+8613900139003"
FROM_ABROAD = Trunk("international", "international", trust_identity=True)
UNTRUSTED_FROM_ABROAD = Trunk("international", "international")
DOMESTIC = Trunk("domestic", "domestic", trust_identity=True)
UNTRUSTED_DOMESTIC = Trunk("domestic", "domestic")
PHONES = Trunk("phones", "access")
NOON = 1_760_000_000.0  # epoch seconds


class Directory(dict[str, Subscriber]):
    def find(self, number: str, /) -> Subscriber | None:
        return self.get(number)

    def find_user(self, user: str, /) -> Subscriber | None:
        return next((subscriber for subscriber in self.values() if user and subscriber.user == user), None)


@dataclass(frozen=True)
class Listed:
    pattern: str
    category: str = "wangiri"
    confidence: float = 0.9
    source: str = "reports"
    expires: float = NOON + 1


class ScamNumbers(dict[str, Listed]):
    """Looks up exactly what a real list promises, one digit at a time."""

    def find(self, number: str, at: float, /) -> Listed | None:
        patterns = [number, *(number[:end] + "*" for end in range(len(number), 0, -1))]
        return next((self[p] for p in patterns if p in self and at < self[p].expires), None)


def subscriber(
    number: str = ALICE,
    *,
    roaming: bool = False,
    allow: tuple[str, ...] = (),
    block: tuple[str, ...] = (),
    **barring: bool,
) -> Subscriber:
    return Subscriber(number, roaming=roaming, allow=allow, block=block, barring=Barring(**barring))


def company(
    *subscribers: Subscriber,
    home: str = "CN",
    rules: str | preset.Preset = "cn",
    listed: tuple[Listed, ...] = (),
    modes: Mapping[str, Mode] | None = None,
    only: tuple[str, ...] = (),
) -> Policy:
    """A policy; `only` turns all rules off but those."""
    chosen = preset.load(rules) if isinstance(rules, str) else rules
    off: dict[str, Mode] = dict.fromkeys(SETTABLE, "off") if only else {}
    on: dict[str, Mode] = dict.fromkeys(only, "enforce")
    return Policy(
        build_snapshot(
            home,
            chosen,
            Directory({s.number: s for s in subscribers}),
            ScamNumbers({entry.pattern: entry for entry in listed}),
            {**off, **on, **(modes or {})},
        )
    )


def request(caller: str, callee: str, method: str = "INVITE", **headers: str) -> Request:
    """`caller` is a user part or a whole From value; headers are written p_asserted_identity="..."."""
    return Request.build(
        method,
        callee if ":" in callee else f"sip:{callee}@127.0.0.1:5060",
        [
            ("Via", "SIP/2.0/UDP 127.0.1.1:5060;branch=z9hG4bK1"),
            ("Max-Forwards", "70"),
            ("From", caller if "<" in caller else f"<sip:{caller}@127.0.1.1>;tag=1"),
            ("To", "<sip:callee@127.0.0.1>"),
            ("Call-ID", "1@127.0.1.1"),
            ("CSeq", f"1 {method}"),
            *((name.replace("_", "-").title(), value) for name, value in headers.items()),
        ],
    )


def judge(
    policy: Policy,
    caller: str,
    callee: str = ALICE,
    trunk: Trunk = FROM_ABROAD,
    *,
    method: str = "INVITE",
    at: float = NOON,
    **headers: str,
) -> Verdict:
    """Have one request decided over."""
    sent = request(caller, callee, method, **headers)
    verdict = decide(Call.from_request(sent, trunk, policy.snapshot.numbering, at), policy).verdict
    assert verdict is not None
    return verdict


def said(verdict: Verdict, rule: str) -> str:
    """The answer of a rule: its outcome and detail."""
    return next(f"{step.outcome}: {step.detail}" for step in verdict.trace if step.rule == rule)


def refused(verdict: Verdict, rule: str, status: int = 603) -> bool:
    return (verdict.action, verdict.rule, verdict.status) == ("reject", rule, status)


def passed(verdict: Verdict, rule: str = "default.allow") -> bool:
    """True if the phone rings, with or without a label."""
    return verdict.action in ("allow", "label") and (verdict.rule, verdict.status) == (rule, None)
