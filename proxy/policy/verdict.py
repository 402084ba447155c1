"""The policy's decision and its reasons: the rule that decided, and what every rule before it said."""

from __future__ import annotations

from typing import Literal, NamedTuple

from proxy.policy.answers import Treatment
from proxy.policy.precedence import Action
from proxy.policy.remote import Lookup

Mode = Literal["enforce", "shadow", "off"]


class Step(NamedTuple):
    """One rule's answer. `outcome` is "no_match", the action that it wants, in shadow mode the one that would be taken,
    treatments included, or "asked" where it has to know more first."""

    rule: str
    mode: Mode
    outcome: str
    detail: str


class Finding(NamedTuple):
    """The wish of a rule that matches. `status` and `reason` are those of the SIP answer to a refusal."""

    action: Action
    detail: str
    status: int | None = None
    reason: str = ""


class Verdict(NamedTuple):
    """The decision on one call; `rule` is the stable name of the rule that took it, `detail` its evidence.

    `treatment` is what the subscriber, the config or the preset wants done about that rule's calls, None where the
    rule's own words will do. `service` is the user part that asks the switch to help with it: an announcement before
    a refusal, a mailbox, a challenge. `label` is what the phone shows of a labelled call. A call whose callee is
    warned first (`rf*warn*NUMBER`) counts as labelled as well: the phone rings and hears the warning as its label.

    `asks` are the lookups that a rule would have answered first. Where it `waits` for them the rule is enforced, and
    the verdict stands only if they bring nothing; in shadow mode it stands whatever they bring.
    """

    action: Action
    status: int | None
    reason: str
    rule: str
    detail: str
    trace: tuple[Step, ...]
    treatment: Treatment | None = None
    service: str = ""
    label: str = ""
    asks: tuple[Lookup, ...] = ()
    waits: bool = False
