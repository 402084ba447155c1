"""The rules by name, in the order in which they are asked. The first that matches decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Action = Literal["allow", "label", "challenge", "divert", "reject"]

# Stable names, seen in configs, call records and reports, and what a match means: only refusals can be put otherwise
# (`treatments`). The module of a rule is named for it, with _ for the dot.
_RULES: Mapping[str, Literal["allow", "reject"]] = {
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
    "default.allow": "allow",
}
PRECEDENCE = tuple(_RULES)
REFUSING = tuple(rule for rule, action in _RULES.items() if action == "reject")
# About what the caller asked for: the others are about what the callee did.
CALLERS_OWN = frozenset(("barring.all_outgoing", "barring.outgoing_international"))
ALWAYS_ENFORCED = "default.allow"  # every call gets a verdict
