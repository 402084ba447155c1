"""A policy that bars calls abroad."""

from __future__ import annotations

from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from tests.plays.dialogue import Household, Nobody


class StayAtHome(Household):
    """Subscribers who may not call abroad."""

    def find(self, number: str, /) -> Subscriber | None:
        return Subscriber(number, barring=Barring(outgoing_international=True))


def new_policy_that_bars_calls_out() -> Policy:
    return Policy(build_snapshot("CN", preset.load("cn"), StayAtHome(), Nobody(), {}))
