"""Verdicts on a scenario's calls without a wire, by its own policy: rules, lists, subscribers, and what these change
themselves on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from proxy.core.deciding import Decision, decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.core.plain_calls import remember
from proxy.numbers.numbering import Numbering
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.profile import Subscriber
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Verdict
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.process.reading import covering
from proxy.reputation.scam_list import ScamList
from proxy.self_service.control import SelfService
from proxy.self_service.desk import ServiceDesk
from proxy.self_service.notices import RefusedCallNotices
from proxy.sip.errors import SipError
from proxy.subscribers.changes import ChangedDirectory, Overlay
from proxy.subscribers.directory import Directory
from simulator.agents.orders import DOMAIN
from simulator.scenario.model import Scenario
from simulator.scenario.reputation import Canned

_REMEMBERED = 200_000  # answers, some 50 MB
_LOCK_SECONDS = 24 * 3600.0
_NOTICES_PER_HOUR = 0


class _People:
    """Finds subscribers, and remembers whom it found: the next policy asks for the same."""

    def __init__(self, directory: Directory) -> None:
        self.find = lru_cache(_REMEMBERED)(directory.find)
        self.find_user = lru_cache(_REMEMBERED)(directory.find_user)


class _Listed:
    """Finds listed numbers, and remembers what it found."""

    def __init__(self, scam_list: ScamList) -> None:
        self.find = lru_cache(_REMEMBERED)(scam_list.find)


class Data:
    """The big things that policies look up, each read once: directories of subscribers, and scam lists."""

    def __init__(self) -> None:
        self._directories: list[tuple[object, _People]] = []
        self._lists: dict[tuple[object, ...], _Listed] = {}

    def directory(self, scenario: Scenario) -> _People:
        """The subscribers of a populated scenario."""
        for subscribers, directory in self._directories:
            if subscribers is scenario.subscribers:
                return directory
        directory = _People(Directory(_with_users(scenario)))
        self._directories = [*self._directories[-1:], (scenario.subscribers, directory)]  # few are in use at a time
        return directory

    def scam_list(self, scenario: Scenario) -> _Listed:
        """The entries of a scenario's lists. Raises FileErrors."""
        key = (scenario.home, *scenario.scam_lists)
        if key not in self._lists:
            self._lists[key] = _Listed(ScamList.load(scenario.scam_lists, covering(scenario.home)))
        return self._lists[key]


class Deciding:
    """Decides the calls of a populated scenario, which come in the order of their time; what earlier ones left to
    remember, and what orders of subscribers changed, counts for those that follow. An `overlay` that is handed in holds
    changes from before."""

    def __init__(self, scenario: Scenario, data: Data, overlay: Overlay | None = None) -> None:
        overlay, chosen = overlay or Overlay(), preset.weighing(scenario.preset, scenario.scam_list)
        snapshot = build_snapshot(
            scenario.home,
            chosen,
            ChangedDirectory(data.directory(scenario), overlay),
            data.scam_list(scenario),
            scenario.rules,
            scenario.treatments,
            sources=tuple(each.source_at(name, "") for name, each in scenario.reputation.items()),
        )
        self.policy = Policy(snapshot)
        self._opinions = Canned(scenario.reputation)
        self._memory = EmergencyCalls()
        service = SelfService(chosen.vocabulary, _LOCK_SECONDS)
        self._desk = ServiceDesk(service, overlay, RefusedCallNotices(_NOTICES_PER_HOUR), DOMAIN)
        self._services = frozenset(service.vocabulary.numbers)

    @property
    def numbering(self) -> Numbering:
        """The reading of numbers that the calls are to be made with."""
        return self.policy.snapshot.numbering

    def verdicts(self, calls: Iterable[tuple[Call, Trunk] | None]) -> Iterator[Verdict | None]:
        """The verdict on each call; None where a request is answered with an error, or could not be read before."""
        policy, memory, opinions, services = self.policy, self._memory, self._opinions, self._services
        for given in calls:
            if given is None:
                yield None
                continue
            call, trunk = given
            # As nearly all are: neither an order nor a call for help.
            numbered = call.callee.e164 is not None and call.callee.digits not in services
            try:
                if numbered:
                    yield decide(call, policy, None, memory, opinions).verdict
                else:
                    yield self.decision(call, trunk).verdict
            except SipError:
                yield None

    def decision(self, call: Call, trunk: Trunk) -> Decision:
        """The decision on one call or order; what it changes is in force afterwards. Raises SipError."""
        decision = decide(call, self.policy, self._desk, self._memory, self._opinions)
        if (served := decision.served) is not None and served.changes:
            self._desk.begin(served)
            self._desk.settle(served, saved=True)
        remember(decision, call, trunk, self.policy.snapshot, self._memory)
        return decision

    def may_remember(self, given: tuple[Call, Trunk] | None) -> bool:
        """True for a call that may change what is remembered: an order, or a call for help."""
        return given is not None and (given[0].callee.e164 is None or given[0].callee.digits in self._services)


def _with_users(scenario: Scenario) -> Iterator[Subscriber]:
    for name, each in scenario.subscribers.items():
        yield each if each.user else each.but(user=name)
