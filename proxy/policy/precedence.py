"""The rules by name, in the order in which they are asked. The first that matches decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Action = Literal["allow", "label", "challenge", "divert", "reject"]

# Stable names, seen in configs, call records and reports, and what a match means: only refusals can be put otherwise
# (`treatments`). The module of a rule is named for it, with _ for the dot.
SPOOFED: Final = "spoofed.subscriber_number"
REMOTE: Final = "reputation.remote"
_RULES: Mapping[str, Literal["allow", "reject"]] = {
    SPOOFED: "reject",  # asked of callers who proved who they are: their network answers for what they present
    "never_block": "allow",
    "barring.all_outgoing": "reject",  # before the callee's lists: who may call whom is no wish of the callee's
    "subscriber.allow": "allow",
    "subscriber.block": "reject",
    "spoofed.own_number": "reject",
    "spoofed.home_number": "reject",
    "anonymous.reject": "reject",
    "barring.all_incoming": "reject",  # before narrower barring, which may be treated more kindly
    "barring.incoming_when_roaming": "reject",
    "barring.incoming_international": "reject",
    "barring.outgoing_international": "reject",
    "scam_list.exact": "reject",
    "scam_list.prefix": "reject",
    REMOTE: "reject",  # last: whoever another rule refuses or lets through, nobody outside is told of
    "default.allow": "allow",
}
PRECEDENCE = tuple(_RULES)
ALWAYS_ENFORCED = frozenset((SPOOFED, "default.allow"))  # nothing is done otherwise about what these find
SETTABLE = tuple(rule for rule in PRECEDENCE if rule not in ALWAYS_ENFORCED)  # rules that can be turned off
REFUSING = tuple(rule for rule in SETTABLE if _RULES[rule] == "reject")  # rules whose refusals can be treated
# About what the caller asked for: the others are about what the callee did.
CALLERS_OWN: Final = frozenset(("barring.all_outgoing", "barring.outgoing_international"))
