"""The policy's decision and its reasons: the rule that decided, and what every rule before it said."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from proxy.policy.answers import Treatment
from proxy.policy.precedence import Action
from proxy.policy.remote import Lookup
from proxy.sip.value import Value

Mode = Literal["enforce", "shadow", "off"]


class Step(NamedTuple):
    """One rule's answer. `outcome` is "no_match", the action that it wants, in shadow mode the one that would be taken,
    treatments included, or "asked" where it has to know more first."""

    rule: str
    mode: Mode
    outcome: str
    detail: str


class Finding(Value):
    """The wish of a rule that matches. `status` and `reason` are those of the SIP answer to a refusal."""

    __slots__ = ("action", "detail", "reason", "status")
    __match_args__ = ("action", "detail", "status", "reason")

    def __init__(self, action: Action, detail: str, status: int | None = None, reason: str = "") -> None:
        self.action: Final = action
        self.detail: Final = detail
        self.status: Final = status
        self.reason: Final = reason


class Verdict(Value):
    """The decision on one call; `rule` is the stable name of the rule that took it, `detail` its evidence.

    `treatment` is what the subscriber, the config or the preset wants done about that rule's calls, None where the
    rule's own words will do. `service` is the user part that asks the switch to help with it: an announcement before
    a refusal, a mailbox, a challenge. `label` is what the phone shows of a labelled call. A call whose callee is
    warned first (`rf*warn*NUMBER`) counts as labelled as well: the phone rings and hears the warning as its label.

    `asks` are the lookups that a rule would have answered first. Where it `waits` for them the rule is enforced, and
    the verdict stands only if they bring nothing; in shadow mode it stands whatever they bring.
    """

    __slots__ = (
        "action",
        "asks",
        "detail",
        "label",
        "reason",
        "rule",
        "service",
        "status",
        "trace",
        "treatment",
        "waits",
    )
    __match_args__ = (
        "action",
        "status",
        "reason",
        "rule",
        "detail",
        "trace",
        "treatment",
        "service",
        "label",
        "asks",
        "waits",
    )

    def __init__(
        self,
        action: Action,
        status: int | None,
        reason: str,
        rule: str,
        detail: str,
        trace: tuple[Step, ...],
        treatment: Treatment | None = None,
        service: str = "",
        label: str = "",
        asks: tuple[Lookup, ...] = (),
        waits: bool = False,
    ) -> None:
        self.action: Final = action
        self.status: Final = status
        self.reason: Final = reason
        self.rule: Final = rule
        self.detail: Final = detail
        self.trace: Final = trace
        self.treatment: Final = treatment
        self.service: Final = service
        self.label: Final = label
        self.asks: Final = asks
        self.waits: Final = waits
