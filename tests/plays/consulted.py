"""A proxy that asks remote sources about its callers; the test answers in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Ask
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Subscriber
from proxy.policy.remote import Lookup, Opinion, RemoteSource, Reputon
from proxy.policy.verdict import Mode
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from tests.plays.dialogue import ALICE, DAUGHTER, LISTENERS, SWITCH, TRUNKS, Nobody, Play, taken

DESK = RemoteSource("desk", "https://desk.example/{e164}")
BAD = Opinion((Reputon("spam", 0.9),))
GOOD = Opinion()
BROKEN = Opinion(failure="HTTP 500")
ROAMER = "+8613800138009"


class People:
    """Two subscribers, one of whom is always glad of her daughter's calls."""

    def find(self, number: str, /) -> Subscriber | None:
        if number == ROAMER:
            return Subscriber(ROAMER, roaming=True)
        return Subscriber(ALICE, allow=("+4420*",), block=("+1900*",)) if number == ALICE else None

    def find_user(self, user: str, /) -> Subscriber | None:
        return None


def policy(*sources: RemoteSource, mode: Mode = "enforce", scam_list: Any = None) -> Policy:
    rules = replace(preset.load("cn"), treatments={})
    modes: dict[str, Mode] = {"reputation.remote": mode}
    return Policy(build_snapshot("CN", rules, People(), scam_list or Nobody(), modes, sources=sources))


class Consulted(Play):
    """A dialogue in which the test is the remote source as well."""

    def asked(self, *about: str) -> Self:
        """The questions put since the last look are about these numbers, or `desk:+1...` where a source is named."""
        asks = taken(self.core, Ask)
        self.open += asks
        told = []
        for ask in asks:
            assert isinstance(ask.question, Lookup)
            told.append(ask.question.number if not about or ":" not in about[0] else _named(ask.question))
        assert told == list(about)
        return self

    def answers(self, opinion: Opinion, index: int = 0) -> Self:
        """The source gives its opinion to a question that is open."""
        self.sends_nothing()
        self.core.resolved(self.open.pop(index), opinion, self.now)
        return self

    open: list[Ask]


def _named(lookup: Lookup) -> str:
    return f"{lookup.source.name}:{lookup.number}"


def consulted(*sources: RemoteSource, mode: Mode = "enforce", **settings: Any) -> Consulted:
    core = ProxyCore(
        CoreSettings(LISTENERS, SWITCH, TRUNKS.find, **{"trying_after": 0.0, **settings}),
        policy(*(sources or (DESK,)), mode=mode),
        b"secret" * 4,
    )
    play = Consulted(core, 1000.0)
    play.open = []
    return play


CALLER = DAUGHTER  # of `dialogue.INVITE`
