"""A proxy that treats calls as told, by rule or by subscriber."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Treatments
from proxy.presets.preset import Preset, build_snapshot
from tests.plays.dialogue import BARRED, LISTENERS, SWITCH, TRUNKS, Household, Nobody, Play, play

BARRING = "barring.incoming_international"
_READ = TypeAdapter(Treatments).validate_python


class Owner(Household):
    """BARRED has a treatment of their own."""

    def __init__(self, treatment: dict[str, Any]) -> None:
        self._treatment = _READ(treatment)

    def find(self, number: str, /) -> Subscriber | None:
        barred = number == BARRED
        return Subscriber(
            number, barring=Barring(incoming_international=barred), treatment=self._treatment if barred else {}
        )


def treating(treatments: dict[str, Any], *, own: dict[str, Any] | None = None, **more: Any) -> Play:
    """A dialogue with a proxy for China that has no treatments but these; `own` are the subscriber BARRED's."""
    preset = Preset("plain", home_regions=frozenset(("CN",)))
    snapshot = build_snapshot("CN", preset, Owner(own or {}), Nobody(), treatments=_READ(treatments))
    settings = CoreSettings(LISTENERS, SWITCH, TRUNKS.find, trying_after=0.0, **more)
    return play(ProxyCore(settings, Policy(snapshot), b"secret" * 4))
